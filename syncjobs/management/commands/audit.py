"""`manage.py audit`: who did what, from a terminal. Reads only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser

from syncjobs.asking import Door
from syncjobs.management.argument_types import parse_text, parse_time
from syncjobs.management.base import PortalCommand
from syncjobs.management.job_texts import moment_text, table_lines
from syncjobs.management.terminal import Terminal
from syncjobs.models import AuditEvent
from syncjobs.operations.audit_reads import AuditChoice, describe_entry, find_entries

HEADING = ("ENTRY", "WHEN", "WHO", "DOOR", "WHAT", "OBJECT")
MOST = 10_000


class Command(PortalCommand):
    """Exit codes: 0 well, 2 bad usage."""

    help = "Show who did what, when and by which door, the newest first."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--who", type=parse_text, default="", help="a user, or system")
        parser.add_argument("--verb", type=parse_text, default="", help="such as job.cancel")
        doors = [door.value for door in Door]
        parser.add_argument("--door", choices=doors, default="", help=f"one of {', '.join(doors)}")
        parser.add_argument("--object", dest="object_type", type=parse_text, default="", help="such as job_type")
        parser.add_argument("--id", dest="object_id", type=int, help="the object's number")
        parser.add_argument("--since", type=parse_time, metavar="TIME", help="as in 2027-01-31T02:30")
        parser.add_argument("--until", type=parse_time, metavar="TIME", help="the first moment after them")
        parser.add_argument("--limit", type=int, default=50, help="how many at most (default: %(default)s)")
        parser.add_argument("--json", dest="as_json", action="store_true", help="answer with one JSON object")

    def handle(
        self, *args: Any, since: datetime | None, until: datetime | None, limit: int, as_json: bool, **options: Any
    ) -> None:
        terminal = Terminal(self.stdout, self.stderr)
        wanted = {name: options[name] for name in ("who", "verb", "door", "object_type", "object_id")}
        found = find_entries(AuditChoice(**wanted, since=since, until=until)).order_by("-id")
        entries = list(found[: min(max(limit, 1), MOST)])
        if as_json:
            shapes = [describe_entry(entry) | {"at": entry.at.isoformat()} for entry in entries]
            terminal.write_json({"entries": shapes})
            return
        rows = [_row(entry) for entry in entries]
        terminal.write("\n".join(table_lines(HEADING, rows)) if rows else "No entry fits.")


def _row(entry: AuditEvent) -> tuple[str, ...]:
    number = "" if entry.object_id is None else f" #{entry.object_id} {entry.object_name[:60]}"
    return (str(entry.pk), moment_text(entry.at), entry.who, entry.door, entry.verb, f"{entry.object_type}{number}")
