"""`manage.py prune`: removes jobs whose time is over, at once. The dispatcher does the same every hour."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from syncjobs.clock import db_now
from syncjobs.management.argument_types import parse_days, parse_text
from syncjobs.management.base import PortalCommand
from syncjobs.management.identities import find_type
from syncjobs.management.terminal import Terminal, telling_problems
from syncjobs.operations.retention import prune_jobs


class Command(PortalCommand):
    """Exit codes: 0 well, 2 bad usage, 3 no such type."""

    help = "Remove jobs, with changes and logs, that ended longer ago than their type's retention_days; targets stay."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=parse_days, help="for types that say nothing (default: keep these for ever)")
        parser.add_argument("--type", dest="job_type", type=parse_text, metavar="TYPE", help="of this type only")
        parser.add_argument("--dry-run", action="store_true", help="only count them")
        parser.add_argument("--json", dest="as_json", action="store_true", help="answer with one JSON object")

    def handle(
        self, *args: Any, days: int | None, job_type: str | None, dry_run: bool, as_json: bool, **_general: Any
    ) -> None:
        terminal = Terminal(self.stdout, self.stderr)
        with telling_problems():
            only = None if job_type is None else find_type(job_type)
            removed = prune_jobs(now=db_now(), days=days, job_type=only, dry_run=dry_run)
        if as_json:
            terminal.write_json({"dry_run": dry_run, "removed": removed})
            return
        verb = "would go" if dry_run else "removed"
        for slug, number in removed.items():
            terminal.write(f"{slug}: {number:,} {'job' if number == 1 else 'jobs'} {verb}")
        if not removed:
            terminal.write("Nothing is removed: no type has retention_days, and no --days was given.")
