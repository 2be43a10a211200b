"""`manage.py type`: job types and what their sources look like, from a terminal. Asks the operations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import Count, Q

from syncjobs.management.argument_types import parse_text, parse_time
from syncjobs.management.base import PortalCommand
from syncjobs.management.identities import find_type, terminal_user
from syncjobs.management.job_texts import moment_text, table_lines
from syncjobs.management.schema_views import accept_schema, show_schemas
from syncjobs.management.terminal import Terminal, telling_problems
from syncjobs.management.version_views import show_versions, switch, use_version
from syncjobs.models import SyncJobType
from syncjobs.operations.cursors import restart_job_type
from syncjobs.operations.deletions import TypeInUse, delete_job_type
from syncjobs.operations.descriptions import describe_job
from syncjobs.operations.job_type_states import pause_job_type, resume_job_type
from syncjobs.statuses import ACTIVE, Trigger

HEADING = ("TYPE", "STATE", "ACTIVE JOBS", "CONTROLLER", "NAME")
IS_ACTIVE = Q(jobs__status__in=ACTIVE) | Q(jobs__retry_after__isnull=False)


class Command(PortalCommand):
    """Exit codes: 0 well, 2 bad usage, 3 not found or conflict."""

    help = "Look at job types, pause, resume, restart, switch and delete them; their versions and sources' columns."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="list all job types with their state")
        text = "start nothing of the type any more, and pause its jobs; those at work stop within 5 seconds"
        pausing = actions.add_parser("pause", help=text, description=f"{text.capitalize()}.")
        text = "let the type start again, and queue the jobs that its pause has paused"
        resuming = actions.add_parser("resume", help=text, description=f"{text.capitalize()}.")
        text = "set the cursors of the type's incremental streams back to the start, and run it"
        restarting = actions.add_parser("restart", help=text, description=f"{text.capitalize()}.")
        text = "delete the type with its jobs and schedules, and what these left at the target"
        deleting = actions.add_parser("delete", help=text, description=f"{text.capitalize()}.")
        deleting.add_argument("--yes", dest="is_agreed", action="store_true", help="do not ask")
        text = "list the type's versions with what differed"
        versions = actions.add_parser("versions", help=text, description=f"{text.capitalize()}.")
        text = "save the content of an earlier version as the next one"
        using = actions.add_parser("use-version", help=text, description=f"{text.capitalize()}.")
        text = "let schedules, hooks, webhooks and chains start the type"
        enabling = actions.add_parser("enable", help=text, description=f"{text.capitalize()}.")
        text = "let only people, commands and the API start the type"
        disabling = actions.add_parser("disable", help=text, description=f"{text[:1].upper()}{text[1:]}.")
        kept = (versions, using, enabling, disabling)
        for action in (pausing, resuming, restarting, deleting, *kept):
            action.add_argument("job_type", type=parse_text, metavar="TYPE", help="the job type's slug")
        text = "show which columns the type's sources had, and what became of them"
        showing = actions.add_parser("schema", help=text, description=f"{text.capitalize()}.")
        text = "let runs go by the newest columns of the type's sources, which stopped them"
        accepting = actions.add_parser("accept-schema", help=text, description=f"{text.capitalize()}.")
        for action in (showing, accepting):
            action.add_argument("job_type", type=parse_text, metavar="TYPE", help="the job type's slug")
            action.add_argument("--stream", help="this stream only")
        using.add_argument("number", type=int, metavar="VERSION", help="one of those that `type versions` shows")
        pausing.add_argument(
            "--until", type=parse_time, metavar="TIME", help="resume by itself then, as in 2027-01-31T02:30"
        )
        for action in (listing, pausing, resuming, restarting, deleting, showing, accepting, *kept):
            action.add_argument("--json", dest="as_json", action="store_true", help="answer with one JSON object")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        with telling_problems():
            HANDLERS[action](Terminal(self.stdout, self.stderr), action=action, **options)


def list_types(terminal: Terminal, *, as_json: bool, **_general: Any) -> None:
    types = SyncJobType.objects.order_by("slug").annotate(active_jobs=Count("jobs", filter=IS_ACTIVE))
    if as_json:
        shapes = [describe_type(job_type) | {"active_jobs": job_type.active_jobs} for job_type in types]
        terminal.write_json({"types": shapes})
        return
    rows = [
        (job_type.slug, state_text(job_type), f"{job_type.active_jobs:,}", job_type.controller, str(job_type))
        for job_type in types
    ]
    none = "There is no job type; make the default ones: manage.py seed_defaults"
    terminal.write("\n".join(table_lines(HEADING, rows)) if rows else none)


def pause_type(terminal: Terminal, *, job_type: str, until: datetime | None, as_json: bool, **_general: Any) -> None:
    paused = pause_job_type(find_type(job_type), actor=terminal_user(), resume_at=until)
    end = f" {moment_text(paused.resume_at)}" if paused.resume_at else f": manage.py type resume {paused.slug}"
    _tell(terminal, paused, f"Type {paused.slug} is paused: nothing of it starts until{end}", as_json=as_json)


def resume_type(terminal: Terminal, *, job_type: str, as_json: bool, **_general: Any) -> None:
    resumed = resume_job_type(find_type(job_type), actor=terminal_user())
    _tell(
        terminal, resumed, f"Type {resumed.slug} is resumed, with the jobs that its pause has paused.", as_json=as_json
    )


def restart_type(terminal: Terminal, *, job_type: str, as_json: bool, **_general: Any) -> None:
    job = restart_job_type(find_type(job_type), trigger=Trigger.CLI, actor=terminal_user())
    if as_json:
        terminal.write_json(describe_job(job))
    else:
        terminal.write(f"Type {job_type} is restarted as job #{job.pk}, which reads everything.")


def delete_type(terminal: Terminal, *, job_type: str, as_json: bool, is_agreed: bool, **_general: Any) -> None:
    found = find_type(job_type)
    question = f"Delete the type {job_type} with its jobs, changes, logs and schedules?"
    if not is_agreed and not terminal.is_agreed(question):
        raise CommandError("Nothing was deleted.", returncode=1)
    try:
        left = delete_job_type(found, actor=terminal_user())
    except TypeInUse as conflict:
        raise CommandError(f"{conflict}.", returncode=3) from conflict
    for sentence in left:
        terminal.warn(sentence)
    if as_json:
        terminal.write_json({"deleted": job_type, "left": left})
    else:
        terminal.write(f"Type {job_type} is deleted. The records of its target stay.")


def _tell(terminal: Terminal, job_type: SyncJobType, words: str, *, as_json: bool) -> None:
    if as_json:
        terminal.write_json(describe_type(job_type))
    else:
        terminal.write(words)


HANDLERS: dict[str, Callable[..., None]] = {
    "list": list_types,
    "pause": pause_type,
    "resume": resume_type,
    "restart": restart_type,
    "delete": delete_type,
    "versions": show_versions,
    "use-version": use_version,
    "enable": switch,
    "disable": switch,
    "schema": show_schemas,
    "accept-schema": accept_schema,
}


def state_text(job_type: SyncJobType) -> str:
    """`Paused until 2027-01-31 02:30:00`; "Off" is a type that nothing starts by itself."""
    if job_type.paused_at is not None:
        return f"Paused until {moment_text(job_type.resume_at)}" if job_type.resume_at else "Paused"
    return "On" if job_type.enabled else "Off"


def describe_type(job_type: SyncJobType) -> dict[str, Any]:
    """The type for programs; times are in UTC."""
    return {
        "slug": job_type.slug,
        "name": str(job_type),
        "controller": job_type.controller,
        "enabled": job_type.enabled,
        "paused_at": _moment(job_type.paused_at),
        "resume_at": _moment(job_type.resume_at),
        "queue": job_type.queue,
        "source_document_type": job_type.source_document_type or None,
        "target_document_type": job_type.target_document_type or None,
        "version": job_type.version,
    }


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
