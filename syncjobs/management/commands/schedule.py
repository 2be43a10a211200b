"""`manage.py schedule`: lists, sets, runs and deletes schedules from a terminal. Asks the operations."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.utils import timezone

from syncjobs.clock import db_now
from syncjobs.management.argument_types import parse_context, parse_time
from syncjobs.management.base import PortalCommand
from syncjobs.management.identities import find_type, terminal_user
from syncjobs.management.job_texts import table_lines
from syncjobs.management.terminal import telling_problems
from syncjobs.models import Schedule
from syncjobs.operations.schedule_runs import run_schedule_now
from syncjobs.operations.schedules import delete_schedule, describe_schedule, next_runs, save_schedule
from syncjobs.schedule_times import Clocked, Crontab, Interval, Rule
from syncjobs.statuses import Trigger

HEADING = ("ID", "NAME", "TYPE", "WHEN", "NEXT")


class Command(PortalCommand):
    """Exit codes: 0 well, 2 bad usage, 3 not found or refused."""

    help = "List, set, run and delete the schedules of job types."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="list all schedules with their next run")
        listing.add_argument("--json", dest="as_json", action="store_true", help="answer with one JSON object")
        setting = actions.add_parser("set", help="make a schedule, or change the one of that name")
        setting.add_argument("job_type", metavar="TYPE", help="the job type's slug")
        setting.add_argument("--name", help="the schedule's name (default: that of the type)")
        rule = setting.add_mutually_exclusive_group(required=True)
        rule.add_argument("--every", type=int, metavar="SECONDS", help="run at this interval")
        rule.add_argument("--crontab", metavar="LINE", help="run by the wall clock, as in '8 2 * * mon-fri'")
        rule.add_argument("--at", type=parse_time, metavar="TIME", help="run once, as in 2027-01-31T02:30")
        setting.add_argument("--zone", default=settings.TIME_ZONE, help="the crontab's time zone (default: TIME_ZONE)")
        catch_up = Schedule.CatchUp
        setting.add_argument(
            "--catch-up", choices=catch_up.values, default=catch_up.LATEST.value, help="what becomes of missed runs"
        )
        setting.add_argument("--overrides", type=parse_context, default={}, metavar="JSON", help="for its runs only")
        setting.add_argument("--disabled", action="store_true", help="keep it, but start nothing")
        running = actions.add_parser("run", help="start now what it runs, whether it is on or off")
        running.add_argument("schedule", metavar="NAME_OR_ID", help="its name, or its number in the list")
        deleting = actions.add_parser("delete", help="delete a schedule; its jobs stay")
        deleting.add_argument("schedule", metavar="NAME_OR_ID", help="its name, or its number in the list")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        with telling_problems():
            getattr(self, f"handle_{action}")(**options)

    def handle_list(self, *, as_json: bool, **_general: Any) -> None:
        schedules = Schedule.objects.select_related("job_type", "periodic_task")
        if as_json:
            self.stdout.write(json.dumps({"schedules": [describe(schedule) for schedule in schedules]}, indent=2))
            return
        rows = [row_of(schedule) for schedule in schedules]
        self.stdout.write("\n".join(table_lines(HEADING, rows)) if rows else "There is no schedule.")

    def handle_set(
        self,
        *,
        job_type: str,
        name: str | None,
        catch_up: str,
        overrides: dict[str, Any],
        disabled: bool,
        **options: Any,
    ) -> None:
        found = find_type(job_type)
        name = name or found.name
        before = Schedule.objects.select_related("periodic_task").filter(periodic_task__name=name).first()
        schedule = save_schedule(
            job_type=found,
            name=name,
            rule=read_rule(before, **options),
            actor=terminal_user(),
            enabled=not disabled,
            catch_up=catch_up,
            overrides=overrides,
            schedule=before,
        )
        self.stdout.write(f"Schedule #{schedule.pk} '{schedule}' runs {job_type}: {describe_schedule(schedule)}.")

    def handle_run(self, *, schedule: str, **_general: Any) -> None:
        job = run_schedule_now(find_schedule(schedule), trigger=Trigger.CLI, actor=terminal_user())
        self.stdout.write(f"Job #{job.pk} is queued: {job.title}")

    def handle_delete(self, *, schedule: str, **_general: Any) -> None:
        found = find_schedule(schedule)
        name = str(found)
        delete_schedule(found, actor=terminal_user())
        self.stdout.write(f"Schedule '{name}' is deleted.")


def read_rule(
    before: Schedule | None, *, every: int | None, crontab: str | None, at: datetime | None, zone: str, **_general: Any
) -> Rule:
    """The rule of the options; an interval goes on from where it began. Raises ValidationError."""
    try:
        if every is not None:
            start = before.periodic_task.start_time if before else None
            return Interval(every, start or db_now())
        return Crontab.from_line(crontab, zone) if crontab is not None else Clocked(at or db_now())
    except ValueError as problem:
        raise ValidationError(str(problem)) from problem


def find_schedule(name_or_id: str) -> Schedule:
    """By name, else by number. Raises Schedule.DoesNotExist."""
    schedules = Schedule.objects.select_related("periodic_task")
    found = schedules.filter(periodic_task__name=name_or_id).first()
    if found is None and name_or_id.isascii() and name_or_id.isdecimal() and len(name_or_id) < 19:
        found = schedules.filter(pk=int(name_or_id)).first()
    if found is None:
        raise Schedule.DoesNotExist(f"There is no schedule '{name_or_id}'; list them with: manage.py schedule list")
    return found


def row_of(schedule: Schedule) -> tuple[str, ...]:
    runs = next_runs(schedule, 1)
    upcoming = f"{timezone.localtime(runs[0]):%Y-%m-%d %H:%M:%S}" if runs else "-"
    is_on = schedule.periodic_task.enabled
    why = schedule.paused_reason or "switched off"
    words = describe_schedule(schedule) if is_on else f"{describe_schedule(schedule)} ({why})"
    return str(schedule.pk), str(schedule), schedule.job_type.slug, words, upcoming


def describe(schedule: Schedule) -> dict[str, Any]:
    """The schedule for programs; times are in UTC."""
    return {
        "id": schedule.pk,
        "name": str(schedule),
        "job_type": schedule.job_type.slug,
        "enabled": bool(schedule.periodic_task.enabled),
        "paused_reason": schedule.paused_reason or None,
        "rule": describe_schedule(schedule),
        "catch_up": schedule.catch_up,
        "overrides": schedule.overrides,
        "last_due_at": schedule.last_due_at.isoformat() if schedule.last_due_at else None,
        "next_runs": [run.isoformat() for run in next_runs(schedule)],
    }
