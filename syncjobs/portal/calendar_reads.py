"""The next 24 hours of all schedules: what starts when, about how long it takes, and where many start together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Avg
from django.utils import timezone

from syncjobs.models import Schedule
from syncjobs.operations.schedules import rule_of
from syncjobs.operations.visible import newest_job_id, visible_jobs, visible_schedules
from syncjobs.portal.schedule_reads import RunTime, run_times, with_rules, zone_of
from syncjobs.portal.words import span_text
from syncjobs.schedule_times import describe, times_between
from syncjobs.statuses import Status

SPAN = timedelta(hours=24)
WIDTH = 1_440  # of the drawing: a minute is one wide
NARROWEST = 6
SCHEDULES_SHOWN, LINES_SHOWN, MOST_CROWDED = 100, 300, 10
MOST_RUNS = 1_441  # of one schedule
DENSE = 96  # more runs than these are drawn as one band
CROWDED = 3  # runs that start in the same minute
QUARTER = 15  # minutes
JOBS_LOOKED_AT = 20_000
BAR_HEIGHT = 30


@dataclass(frozen=True, slots=True)
class Block:
    """A run (or the band of many) in the drawing, and what it says."""

    x: int
    width: int
    words: str


@dataclass(frozen=True, slots=True)
class CalendarRow:
    """One schedule: its blocks, how often it runs, and how long its jobs took lately."""

    schedule: Schedule
    words: str
    zone: str
    runs: list[datetime]
    blocks: list[Block]
    is_dense: bool
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Line:
    """One run in the table."""

    time: RunTime
    row: CalendarRow


@dataclass(frozen=True, slots=True)
class Quarter:
    """How many runs start within a quarter of an hour, as a bar; crowded where many share a minute."""

    x: int
    y: int
    height: int
    is_crowded: bool
    words: str


@dataclass(frozen=True, slots=True)
class Together:
    """Schedules that start in the same minute."""

    at: datetime
    names: list[str]


@dataclass(frozen=True, slots=True)
class Calendar:
    """From the hour that has begun on; `now_x` is where the present is."""

    start: datetime
    now_x: int
    hours: list[datetime]
    rows: list[CalendarRow]
    quarters: list[Quarter]
    crowded: list[Together]
    lines: list[Line]
    more_lines: int
    unreadable: list[Schedule]
    left_out: int


def read_calendar(now: datetime) -> Calendar:
    """By the project's clock. Rules that cannot be read are named instead of drawn."""
    start = timezone.localtime(now).replace(minute=0, second=0, microsecond=0)
    enabled = visible_schedules().filter(periodic_task__enabled=True)
    schedules = list(with_rules(enabled)[:SCHEDULES_SHOWN])
    took = usual_seconds({schedule.job_type_id for schedule in schedules})
    rows, unreadable = [], []
    for schedule in schedules:
        try:
            rows.append(_row(schedule, start, now, took.get(schedule.job_type_id)))
        except ValueError:
            unreadable.append(schedule)
    rows = sorted((row for row in rows if row.runs), key=lambda row: row.runs[0])
    together = _together(rows)
    runs = sorted(((run, row) for row in rows for run in row.runs if not row.is_dense), key=lambda pair: pair[0])
    return Calendar(
        start=start,
        now_x=_x(now, start),
        hours=[timezone.localtime(start + timedelta(hours=hour)) for hour in range(0, 24, 2)],
        rows=rows,
        quarters=_quarters(together, start),
        crowded=[one for one in together if len(one.names) >= CROWDED][:MOST_CROWDED],
        lines=[Line(run_times([run], row.zone)[0], row) for run, row in runs[:LINES_SHOWN]],
        more_lines=max(0, len(runs) - LINES_SHOWN),
        unreadable=unreadable,
        left_out=enabled.count() - len(schedules) if len(schedules) == SCHEDULES_SHOWN else 0,
    )


def usual_seconds(types: Iterable[int]) -> dict[int, float]:
    """{type: the mean of what its finished jobs took}, among the newest jobs of all."""
    newest = newest_job_id()
    done = visible_jobs().filter(
        pk__gt=newest - JOBS_LOOKED_AT, job_type__in=types, status=Status.FINISHED.value, dry_run=False, parent=None
    )
    means = done.order_by().values_list("job_type").annotate(seconds=Avg("time_taken"))
    return {job_type: seconds for job_type, seconds in means if seconds is not None}


def _row(schedule: Schedule, start: datetime, now: datetime, seconds: float | None) -> CalendarRow:
    rule = rule_of(schedule)
    runs = times_between(rule, now, start + SPAN, MOST_RUNS)
    is_dense = len(runs) > DENSE
    words = describe(rule)
    if is_dense:
        blocks = [Block(_x(runs[0], start), _x(runs[-1], start) - _x(runs[0], start), f"{words}: {len(runs):,} runs")]
    else:
        width = min(WIDTH, max(NARROWEST, round((seconds or 0) / 60)))
        blocks = [Block(_x(run, start), width, _run_words(run, seconds)) for run in runs]
    return CalendarRow(schedule, words, zone_of(rule), runs, blocks, is_dense, seconds)


def _run_words(run: datetime, seconds: float | None) -> str:
    takes = f", usually {span_text(seconds)}" if seconds is not None else ""
    return f"{timezone.localtime(run):%H:%M}{takes}"


def _x(moment: datetime, start: datetime) -> int:
    return int((moment - start) / timedelta(minutes=1))


def _together(rows: list[CalendarRow]) -> list[Together]:
    """By minute what starts in it; a schedule that runs all the time is everywhere, so it says nothing."""
    by_minute: dict[datetime, list[str]] = defaultdict(list)
    for row in rows:
        for run in row.runs if not row.is_dense else ():
            by_minute[timezone.localtime(run).replace(second=0, microsecond=0)].append(str(row.schedule))
    return [Together(minute, by_minute[minute]) for minute in sorted(by_minute)]


def _quarters(together: list[Together], start: datetime) -> list[Quarter]:
    counts: dict[int, int] = defaultdict(int)
    crowded = set()
    for one in together:
        place = _x(one.at, start) // QUARTER
        counts[place] += len(one.names)
        if len(one.names) >= CROWDED:
            crowded.add(place)
    highest = max(counts.values(), default=1)
    found = []
    for place, number in counts.items():
        height = max(4, round(BAR_HEIGHT * number / highest))
        at = timezone.localtime(start + timedelta(minutes=place * QUARTER))
        words = f"{at:%H:%M}: {number} start{'s' if number == 1 else ''} within a quarter of an hour"
        found.append(Quarter(place * QUARTER, BAR_HEIGHT - height, height, place in crowded, words))
    return found
