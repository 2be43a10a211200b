"""Speaks at a terminal: results on stdout, messages on stderr, exit codes, and problems told in one sentence each."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.core.management.base import CommandError, OutputWrapper
from django.db import Error as DatabaseProblem

from connectors.errors import SyncError
from connectors.models import EditConflict
from syncjobs.lifecycle import StatusConflict
from syncjobs.mapping import ConfigProblems
from syncjobs.operations.cursors import RewindRefused
from syncjobs.operations.job_type_states import JobTypeStateConflict
from syncjobs.operations.run_requests import RunRefused

FAILED, BAD_USAGE, NOT_FOUND, INTERRUPTED = 1, 2, 3, 130
"""Exit codes besides 0: a failed job, bad usage, not found or conflict, Ctrl-C."""


class Terminal:
    """The two streams of a command."""

    def __init__(self, stdout: OutputWrapper, stderr: OutputWrapper) -> None:
        self._stdout = stdout
        self._stderr = stderr

    def write_json(self, value: dict[str, Any]) -> None:
        self.write(json.dumps(value, indent=2))  # ASCII only, so it fits every locale

    def write(self, text: str) -> None:
        """Write to stdout. Where its reader has gone, as with `| head`, the rest is of no interest to anybody."""
        try:
            self._stdout.write(_printable(text, sys.stdout.encoding))
            self._stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def warn(self, text: str) -> None:
        self._stderr.write(_printable(text, sys.stderr.encoding))

    def is_agreed(self, question: str) -> bool:
        """Ask the person; only "y" or "yes" is one. Without a person, CommandError that says how to do without."""
        if not sys.stdin.isatty():
            raise CommandError("Nobody is there to be asked: add --yes to agree beforehand.", returncode=BAD_USAGE)
        self._stderr.write(_printable(f"{question} [y/N] ", sys.stderr.encoding), ending="")
        self._stderr.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")


@contextmanager
def telling_problems() -> Iterator[None]:
    """Turn what operations raise into a CommandError with its exit code."""
    try:
        yield
    except (
        ObjectDoesNotExist,
        StatusConflict,
        JobTypeStateConflict,
        EditConflict,
        RunRefused,
        RewindRefused,
    ) as problem:
        raise CommandError(sentence(problem), returncode=NOT_FOUND) from problem
    except ConfigProblems as problem:
        raise CommandError("\n".join(problem.problems), returncode=BAD_USAGE) from problem
    except ValidationError as problem:
        raise CommandError("\n".join(problem.messages), returncode=BAD_USAGE) from problem
    except SyncError as problem:
        raise CommandError(sentence(f"{problem.message}. {problem.hint}"), returncode=FAILED) from problem
    except DatabaseProblem as problem:
        message = f"The database cannot be used: {str(problem).strip()}. Check it, and run: manage.py migrate"
        raise CommandError(message, returncode=FAILED) from problem


def sentence(problem: object) -> str:
    """The problem with a capital letter and one full stop; a field's name before a colon stays as it is."""
    text = str(problem).strip().rstrip(".")
    is_named = text.partition(" ")[0].endswith(":")
    return f"{text}." if is_named else f"{text[:1].upper()}{text[1:]}."


def quieten_console() -> None:
    """Keep log lines below warnings off a terminal that shows a progress line."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr:
            handler.setLevel(logging.WARNING)


def _printable(text: str, encoding: str | None) -> str:
    """The text as a terminal without Unicode can show it."""
    known = encoding or "ascii"
    return text.encode(known, "backslashreplace").decode(known)
