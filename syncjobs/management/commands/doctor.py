"""`manage.py doctor`: what is wrong with this installation, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import Error as DatabaseProblem

from syncjobs.management.base import PortalCommand
from syncjobs.management.diagnosis import configuration, machine, programs
from syncjobs.management.diagnosis.findings import Examination, Finding
from syncjobs.management.terminal import FAILED, Terminal

WITHOUT_ROWS: tuple[Examination, ...] = (
    machine.examine_python,
    machine.examine_folders,
    machine.examine_keys,
    machine.examine_settings,
    programs.examine_broker,
    programs.examine_database,
)
OF_ROWS: tuple[Examination, ...] = (
    programs.examine_programs,
    programs.examine_books,
    configuration.examine_credentials,
    configuration.examine_connectors,
    configuration.examine_job_types,
    configuration.examine_schedules,
)
"""What asks tables, and so only follows where the database has them."""
MARKS = {"ok": "ok     ", "warning": "WARNING", "problem": "PROBLEM"}


class Command(PortalCommand):
    """Exit codes: 0 where nothing is wrong (warnings included), 1 where something is."""

    help = "Say what is wrong with this installation and how to mend it. Changes nothing."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", dest="as_json", action="store_true", help="answer with one JSON object")

    def handle(self, *args: Any, as_json: bool, **_general: Any) -> None:
        terminal, found = Terminal(self.stdout, self.stderr), []
        for finding in examine():
            found.append(finding)
            if not as_json:
                terminal.write(f"{MARKS[finding.level]} {finding.part}: {finding.message}")
                if finding.fix:
                    terminal.write(f"        {finding.fix}")
        wrong = sum(finding.level == "problem" for finding in found)
        if as_json:
            terminal.write_json({"ok": not wrong, "findings": [asdict(finding) for finding in found]})
        if wrong:
            raise CommandError(f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong.", returncode=FAILED)


def examine() -> Iterator[Finding]:
    """Everything there is to say, in the order in which it should be mended."""
    has_tables = True
    for examination in WITHOUT_ROWS:
        for finding in examination():
            yield finding
            has_tables = has_tables and (finding.part, finding.level) != ("database", "problem")
    for examination in OF_ROWS if has_tables else ():
        try:
            yield from examination()
        except DatabaseProblem as problem:
            yield Finding("database", "problem", f"it stopped answering: {str(problem).strip()}", "Look at its log.")
            return
