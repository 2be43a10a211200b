"""`manage.py import_config`: brings connectors, job types and schedules in line with a YAML file of export_config."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from syncjobs.management.base import PortalCommand
from syncjobs.management.config_files import LARGEST_FILE, read_yaml
from syncjobs.management.identities import terminal_user
from syncjobs.management.terminal import BAD_USAGE, Terminal, telling_problems
from syncjobs.operations.config_entries import Imported
from syncjobs.operations.config_imports import import_configuration
from syncjobs.operations.job_type_differences import Difference

OUTCOMES = ("created", "changed", "unchanged")
LONGEST_VALUE = 200  # characters


class Command(PortalCommand):
    """Exit codes: 0 well, 2 a file that is wrong (then nothing was changed), 1 anything else."""

    help = "Make and change connectors, job types and schedules as a file of export_config says. Deletes nothing."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the YAML file; - for standard input")
        parser.add_argument("--dry-run", action="store_true", help="only show what would change")
        parser.add_argument("--json", dest="as_json", action="store_true", help="answer with one JSON object")

    def handle(self, *args: Any, file: str, dry_run: bool, as_json: bool, **_general: Any) -> None:
        terminal = Terminal(self.stdout, self.stderr)
        with telling_problems():
            document = read_yaml(_read(file))
            found = import_configuration(document, actor=terminal_user(), dry_run=dry_run)
        if as_json:
            terminal.write_json({"dry_run": dry_run, "entries": [_shape(imported) for imported in found]})
            return
        for imported in found:
            terminal.write(f"{imported.kind} {imported.name}: {imported.outcome}")
            if not imported.is_new:
                for difference in imported.differences:
                    terminal.write(f"  {_line(difference)}")
        counts = Counter(imported.outcome for imported in found)
        told = ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in OUTCOMES)
        terminal.write(f"{told}. {'Nothing was kept: this was a dry run.' if dry_run else ''}".strip())


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read(LARGEST_FILE + 1)
    try:
        with Path(file).open("rb") as opened:
            return opened.read(LARGEST_FILE + 1)
    except OSError as problem:
        raise CommandError(f"{file} cannot be read: {problem.strerror}.", returncode=BAD_USAGE) from problem


def _line(difference: Difference) -> str:
    old = _value(difference.old) if difference.was_there else "(not set)"
    new = _value(difference.new) if difference.is_there else "(not set)"
    return f"{difference.path}: {old} -> {new}"


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


def _shape(imported: Imported) -> dict[str, Any]:
    differences = [{"field": list(found.place), "old": found.old, "new": found.new} for found in imported.differences]
    return {
        "kind": imported.kind,
        "name": imported.name,
        "outcome": imported.outcome,
        "differences": [] if imported.is_new else differences,
    }
