"""Schedules as pages show them: rule in words, next runs, on or off. A rule that cannot be read says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from syncjobs.models import Schedule
from syncjobs.operations.schedules import describe_schedule, next_runs

LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """One schedule; `runs` are in local time, and none while it is switched off."""

    schedule: Schedule
    words: str
    runs: list[datetime]
    is_on: bool

    @property
    def next_run(self) -> datetime | None:
        return self.runs[0] if self.runs else None


def with_rules(schedules: QuerySet[Schedule, Schedule]) -> QuerySet[Schedule, Schedule]:
    """With the beat rows that hold name and rule, in one query."""
    rules = (f"periodic_task__{kind}" for kind in ("interval", "crontab", "clocked"))
    return schedules.select_related("job_type", *rules)


def schedule_row(schedule: Schedule, runs: int = 1) -> ScheduleRow:
    """The schedule ready to be shown, with so many of its next runs."""
    try:
        words = describe_schedule(schedule)
        coming = [timezone.localtime(moment) for moment in next_runs(schedule, count=runs)]
    except ValueError as error:
        words, coming = f"Its rule cannot be read: {error}.", []
    return ScheduleRow(schedule, words, coming, bool(schedule.periodic_task.enabled))


def schedule_rows(schedules: Iterable[Schedule]) -> list[ScheduleRow]:
    return [schedule_row(schedule) for schedule in schedules]


def upcoming(number: int) -> list[ScheduleRow]:
    """The next few runs of the schedules that are switched on, soonest first."""
    active = with_rules(Schedule.objects.filter(periodic_task__enabled=True))[:LOOKED_AT]
    rows = [(row.next_run, row.schedule.pk, row) for row in schedule_rows(active)]
    due = [(moment, number, row) for moment, number, row in rows if moment is not None]
    return [row for _, _, row in sorted(due, key=lambda item: item[:2])[:number]]
