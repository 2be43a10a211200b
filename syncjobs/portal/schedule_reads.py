"""Schedules as pages show them: rule in words, next runs, on or off. A rule that cannot be read says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from django.db.models import Q, QuerySet
from django.http import Http404, QueryDict
from django.utils import timezone

from syncjobs.clock import db_now
from syncjobs.mapping.zones import find_zone
from syncjobs.models import Schedule
from syncjobs.operations.schedules import describe_schedule, next_runs, rule_of
from syncjobs.operations.visible import visible_schedules
from syncjobs.portal.paging import LARGEST_ID, read_choice, read_text
from syncjobs.schedule_times import Crontab, Rule

LOOKED_AT = 200
Schedules = QuerySet[Schedule, Schedule]
STATES = {
    "on": ("on", Q(periodic_task__enabled=True)),
    "off": ("off", Q(periodic_task__enabled=False)),
    "paused": ("paused itself", ~Q(paused_reason="")),
}


@dataclass(frozen=True, slots=True)
class RunTime:
    """One run to come, by the schedule's own clock and by the project's, where that shows something else."""

    own: datetime
    here: datetime | None


@dataclass(frozen=True, slots=True)
class ScheduleFilter:
    """What the list is limited to, as it stands in the address; unknown words limit nothing."""

    state: str = ""
    job_type: str = ""
    search: str = ""

    @classmethod
    def from_query(cls, query: QueryDict) -> ScheduleFilter:
        state = read_choice(query, "state", STATES)
        return cls(state=state, job_type=read_text(query, "type"), search=read_text(query, "q"))

    def __bool__(self) -> bool:
        return any((self.state, self.job_type, self.search))

    def apply(self, schedules: Schedules) -> Schedules:
        if self.state:
            schedules = schedules.filter(STATES[self.state][1])
        if self.job_type:
            schedules = schedules.filter(job_type__slug=self.job_type)
        if self.search:
            schedules = schedules.filter(periodic_task__name__icontains=self.search)
        return schedules


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """One schedule; `runs` are in local time, and none while it is switched off."""

    schedule: Schedule
    words: str
    runs: list[datetime]
    is_on: bool
    zone: str

    @property
    def times(self) -> list[RunTime]:
        return run_times(self.runs, self.zone)

    @property
    def next_run(self) -> datetime | None:
        return self.runs[0] if self.runs else None


def with_rules(schedules: Schedules) -> Schedules:
    """With the beat rows that hold name and rule, in one query."""
    rules = (f"periodic_task__{kind}" for kind in ("interval", "crontab", "clocked"))
    return schedules.select_related("job_type", *rules)


def get_schedule(schedule_id: int) -> Schedule:
    """The schedule with its rule. Raises Http404."""
    found = with_rules(visible_schedules().filter(pk=min(schedule_id, LARGEST_ID))).first()
    if found is None:
        raise Http404(f"There is no schedule {schedule_id}.")
    return found


def schedule_row(schedule: Schedule, runs: int = 1, now: datetime | None = None) -> ScheduleRow:
    """The schedule ready to be shown, with so many of its next runs."""
    zone = timezone.get_current_timezone_name()
    try:
        words = describe_schedule(schedule, now)
        zone = zone_of(rule_of(schedule))
        coming = [timezone.localtime(moment) for moment in next_runs(schedule, runs, now)]
    except ValueError as error:
        words, coming = f"Its rule cannot be read: {error}.", []
    return ScheduleRow(schedule, words, coming, bool(schedule.periodic_task.enabled), zone)


def zone_of(rule: Rule) -> str:
    """Whose clock a rule goes by."""
    return rule.zone if isinstance(rule, Crontab) else timezone.get_current_timezone_name()


def run_times(moments: Iterable[datetime], zone: str) -> list[RunTime]:
    """The moments by the clock of that zone, and by ours if it differs then."""
    found = []
    for moment in moments:
        own, here = moment.astimezone(find_zone(zone)), timezone.localtime(moment)
        found.append(RunTime(own, None if own.utcoffset() == here.utcoffset() else here))
    return found


def schedule_rows(schedules: Iterable[Schedule]) -> list[ScheduleRow]:
    now = db_now()  # asked for once
    return [schedule_row(schedule, now=now) for schedule in schedules]


def upcoming(number: int) -> list[ScheduleRow]:
    """The next few runs of the schedules that are switched on, soonest first."""
    active = with_rules(visible_schedules().filter(periodic_task__enabled=True))[:LOOKED_AT]
    rows = [(row.next_run, row.schedule.pk, row) for row in schedule_rows(active)]
    due = [(moment, number, row) for moment, number, row in rows if moment is not None]
    return [row for _, _, row in sorted(due, key=lambda item: item[:2])[:number]]


def free_name(name: str) -> str:
    """That name, or with the first number behind it that no schedule has."""
    taken = set(
        visible_schedules().filter(periodic_task__name__startswith=name).values_list("periodic_task__name", flat=True)
    )
    numbered = (f"{name} {number}" for number in count(2))
    return name if name not in taken else next(one for one in numbered if one not in taken)
