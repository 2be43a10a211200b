"""`sync logs` and `sync diff`: a job's log, followed if asked, and its changes, page by page. Changes nothing."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from django.core.management.base import CommandError, CommandParser
from django.db import models

from connectors.records import key_text
from syncjobs.management.argument_types import parse_job_id
from syncjobs.management.following import LOOK_SECONDS, is_done_for_good, look_up
from syncjobs.management.job_texts import shown
from syncjobs.management.outcomes import find_job
from syncjobs.management.terminal import BAD_USAGE, Terminal
from syncjobs.models import Change, JobLog
from syncjobs.operations.part_descriptions import describe_change, describe_line
from syncjobs.querysets import in_job

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
OPERATIONS = ("insert", "update", "delete")
AT_ONCE = 500
LOGS, DIFF = "show a job's log, and follow it", "show what a job changed, or a dry run would: each field, old and new"
Row = TypeVar("Row", JobLog, Change)


def add_part_actions(actions: argparse._SubParsersAction[CommandParser]) -> None:
    logs = actions.add_parser("logs", help=LOGS, description=f"{LOGS.capitalize()}.")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until the job is done")
    logs.add_argument("--level", choices=LEVELS, default="DEBUG", help="only lines of this level and above")
    diff = actions.add_parser("diff", help=DIFF, description=f"{DIFF.capitalize()}.")
    diff.add_argument("--operation", choices=OPERATIONS, help="only these")
    for parser in (logs, diff):
        parser.add_argument("job_id", type=parse_job_id, metavar="JOB", help="the job's number")
        parser.add_argument("--json", dest="as_json", action="store_true", help="answer with one JSON object")


def show_logs(terminal: Terminal, *, job_id: int, follow: bool, level: str, as_json: bool, **_general: Any) -> int:
    if follow and as_json:
        raise CommandError("Either --follow or --json: one JSON object has an end.", returncode=BAD_USAGE)
    job = find_job(job_id)
    lines = JobLog.objects.filter(level__in=LEVELS[LEVELS.index(level) :])
    if as_json:
        _write_json(terminal, job.pk, "lines", _pages(lines, job.pk), describe_line)
        return 0
    last = _write_lines(terminal, lines, job.pk, 0)
    while follow:
        is_over = is_done_for_good(look_up(job.pk))  # asked first, so that its last lines are there
        last = _write_lines(terminal, lines, job.pk, last)
        if is_over:
            break
        time.sleep(LOOK_SECONDS)
    return 0


def show_diff(terminal: Terminal, *, job_id: int, operation: str | None, as_json: bool, **_general: Any) -> int:
    job = find_job(job_id)
    changes = Change.objects.filter(operation=operation) if operation else Change.objects.all()
    if as_json:
        _write_json(terminal, job.pk, "changes", _pages(changes, job.pk), describe_change)
        return 0
    number = 0
    for page in _pages(changes, job.pk):
        terminal.write("\n".join(_change_text(change) for change in page))
        number += len(page)
    if not number:
        terminal.write(f"Job #{job.pk} kept no {operation or 'change'}.")
    return 0


def _pages(rows: models.QuerySet[Row, Row], job_id: int, after: int = 0) -> Iterator[list[Row]]:
    """In the order of their ids; no transaction stays open while a pager waits."""
    while page := list(in_job(rows.filter(pk__gt=after), job_id, newest_first=False)[:AT_ONCE]):
        yield page
        after = page[-1].pk


def _write_lines(terminal: Terminal, lines: models.QuerySet[JobLog, JobLog], job_id: int, after: int) -> int:
    """The id of the last line that is written now."""
    for page in _pages(lines, job_id, after):
        terminal.write("\n".join(f"{one.created_at:%H:%M:%S} {one.level:<7} {one.message}" for one in page))
        after = page[-1].pk
    return after


def _write_json(
    terminal: Terminal,
    job_id: int,
    name: str,
    pages: Iterator[list[Row]],
    describe: Callable[[Row], dict[str, Any]],
) -> None:
    """One object, each part on a line of its own, so that millions need no more memory than a page."""
    terminal.write(f'{{"job": {job_id}, "{name}": [')
    comma = ""
    for page in pages:
        terminal.write(comma + ",\n".join(json.dumps(describe(row)) for row in page))
        comma = ","
    terminal.write("]}")


def _change_text(change: Change) -> str:
    fields = "; ".join(f"{name}: {shown(old)} → {shown(new)}" for name, (old, new) in change.fields.items())
    return f"{change.operation:<6} {change.stream} {key_text(change.key)}  {fields}".rstrip()
