"""When schedules are due: frozen rules and pure functions of them. The current time is always passed in.

Daylight saving, for crontabs: with fixed hours every wall-clock slot runs once: a slot that the spring change leaves
out runs at the shifted moment (02:30 at 03:30), one that the autumn change repeats runs the first time. With hour `*`
every real hour counts, so the repeated one runs twice and the left out one never. Intervals are real time.
Days: if neither day of month nor day of week begins with `*`, either may match, as in Vixie cron; else both must.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import takewhile
from typing import Literal
from zoneinfo import ZoneInfo

from syncjobs.mapping.zones import find_zone
from syncjobs.schedule_times.cron import FIELDS, parse_field, split_line

LONGEST_INTERVAL_SECONDS = 10 * 365 * 86_400
HORIZON_DAYS = 40 * 366  # covers 29 February across a century that has none
YEARS = range(1970, 9999)  # those in which every zone can tell every time
LARGEST_SHIFT = timedelta(hours=2)  # of any zone's clock change
GRACE = timedelta(minutes=5)
CatchUp = Literal["none", "latest"]


@dataclass(frozen=True)
class Interval:
    """Due at `start` and every `seconds` after it, in real time."""

    seconds: int
    start: datetime

    def __post_init__(self) -> None:
        if isinstance(self.seconds, bool) or not 1 <= self.seconds <= LONGEST_INTERVAL_SECONDS:
            raise ValueError(f"an interval must be 1 to {LONGEST_INTERVAL_SECONDS:,} seconds (ten years)")
        _check_moment(self.start)


@dataclass(frozen=True)
class Clocked:
    """Due once."""

    at: datetime

    def __post_init__(self) -> None:
        _check_moment(self.at)


@dataclass(frozen=True)
class Crontab:
    """Due by the wall clock of a zone; the fields are those of a crontab line. ValueError says what is wrong."""

    minute: str = "*"
    hour: str = "*"
    day_of_month: str = "*"
    month: str = "*"
    day_of_week: str = "*"
    zone: str = "UTC"

    def __post_init__(self) -> None:
        find_zone(self.zone)
        for name in FIELDS:
            parse_field(name, getattr(self, name))

    @classmethod
    def from_line(cls, line: str, zone: str = "UTC") -> Crontab:
        """The rule of a line such as `8 2 * * 1-5`."""
        return cls(**split_line(line), zone=zone)

    def numbers(self, name: str) -> tuple[int, ...]:
        """The numbers that the field of this name means, in order; Sunday is 0."""
        return parse_field(name, getattr(self, name))

    @cached_property
    def zone_info(self) -> ZoneInfo:
        return find_zone(self.zone)

    @property
    def counts_real_hours(self) -> bool:
        return self.hour.strip() == "*"

    @property
    def takes_either_day(self) -> bool:
        return not self.day_of_month.startswith("*") and not self.day_of_week.startswith("*")

    def has_day(self, day: date) -> bool:
        """Whether the rule is due on this day at all."""
        if day.month not in self.numbers("month"):
            return False
        by_month = day.day in self.numbers("day_of_month")
        by_week = day.isoweekday() % 7 in self.numbers("day_of_week")
        return by_month or by_week if self.takes_either_day else by_month and by_week


Rule = Interval | Crontab | Clocked


@dataclass(frozen=True, slots=True)
class Due:
    """A slot that has come: store `at` as last_due_at in any case, but start a job only if `should_run`."""

    at: datetime
    should_run: bool


def next_due(rule: Rule, after: datetime) -> datetime | None:
    """The first due time strictly after `after`, in UTC; None for never (a crontab is searched 40 years ahead)."""
    _refuse_naive(after)
    match rule:
        case Clocked(at):
            return at.astimezone(UTC) if at > after else None
        case Interval(seconds, start):
            periods = max(0, (after - start) // timedelta(seconds=seconds) + 1)
            return (start + periods * timedelta(seconds=seconds)).astimezone(UTC)
        case Crontab():
            return _next_by_wall_clock(rule, after)


def _next_by_wall_clock(rule: Crontab, after: datetime) -> datetime | None:
    """A clock change moves slots past each other, so all within its reach are looked at before one is chosen."""
    first: datetime | None = None
    last_wall: datetime | None = None
    for wall in _walls(rule, after.astimezone(rule.zone_info).replace(tzinfo=None) - LARGEST_SHIFT):
        if last_wall is not None and wall > last_wall:
            break
        for moment in _moments(rule, wall):
            if moment > after and (first is None or moment < first):
                first = moment
                last_wall = last_wall or wall + LARGEST_SHIFT
    return first


def _walls(rule: Crontab, start: datetime) -> Iterator[datetime]:
    """The wall-clock slots from `start` on, in the order of the wall clock."""
    hours, minutes = rule.numbers("hour"), rule.numbers("minute")
    for days in range(min(HORIZON_DAYS, (date.max - start.date()).days)):
        day = start.date() + timedelta(days=days)
        if not rule.has_day(day):
            continue
        for hour in hours:
            if days == 0 and hour < start.hour:
                continue
            for minute in minutes:
                yield datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001 - a wall clock has no zone


def _moments(rule: Crontab, wall: datetime) -> tuple[datetime, ...]:
    first = wall.replace(tzinfo=rule.zone_info).astimezone(UTC)
    if not rule.counts_real_hours:
        return (first,)
    second = wall.replace(tzinfo=rule.zone_info, fold=1).astimezone(UTC)
    moments = (first,) if first == second else (first, second)
    return tuple(moment for moment in moments if moment.astimezone(rule.zone_info).replace(tzinfo=None) == wall)


def latest_due(rule: Rule, after: datetime, now: datetime) -> datetime | None:
    """The last due time after `after` and not after `now`; None if there is none. Quick also after a long absence."""
    latest = next_due(rule, after)
    if latest is None or latest > now:
        return None
    end = now
    while end - latest >= timedelta(seconds=1):  # slots are at least a second apart
        middle = latest + (end - latest) / 2
        found = next_due(rule, middle)
        if found is not None and found <= now:
            latest = found
        else:
            end = middle
    return latest


def due_now(
    rule: Rule, last_due_at: datetime, now: datetime, catch_up: CatchUp, grace: timedelta = GRACE
) -> Due | None:
    """What is due at `now`: of all slots since `last_due_at` the latest, at most one; None if none has come.

    With catch-up "none" a slot older than `grace` is passed over (should_run is false). A clock set back gives None.
    """
    slot = latest_due(rule, last_due_at, now)
    if slot is None:
        return None
    return Due(slot, should_run=catch_up == "latest" or now - slot <= grace)


def next_times(rule: Rule, after: datetime, count: int = 5) -> list[datetime]:
    """The next due times in UTC, fewer if there are no more."""
    times: list[datetime] = []
    while len(times) < count and (found := next_due(rule, times[-1] if times else after)) is not None:
        times.append(found)
    return times


def times_between(rule: Rule, after: datetime, until: datetime, most: int) -> list[datetime]:
    """The first `most` due times after `after` and not after `until`, in UTC; quick also for every minute of a day."""
    times: list[datetime] = []
    if isinstance(rule, Crontab):
        last_wall = until.astimezone(rule.zone_info).replace(tzinfo=None) + LARGEST_SHIFT
        walls = _walls(rule, after.astimezone(rule.zone_info).replace(tzinfo=None) - LARGEST_SHIFT)
        near = takewhile(lambda wall: wall <= last_wall, walls)
        times = sorted({moment for wall in near for moment in _moments(rule, wall) if after < moment <= until})
        return times[:most]
    while len(times) < most and (found := next_due(rule, times[-1] if times else after)) and found <= until:
        times.append(found)
    return times


def rule_warnings(rule: Rule, now: datetime) -> list[str]:
    """What is legal but surely not meant, e.g. a crontab for 31 February."""
    if next_due(rule, now) is not None:
        return []
    if isinstance(rule, Clocked):
        return ["This time has passed, so the schedule will not run."]
    return ["No such day comes in the next 40 years, so the schedule will never run."]


def _check_moment(moment: datetime) -> None:
    _refuse_naive(moment)
    if moment.year not in YEARS:
        raise ValueError(f"the year {moment.year} is not one of {YEARS.start} to {YEARS.stop - 1}")


def _refuse_naive(moment: datetime) -> None:
    if moment.tzinfo is None:
        raise ValueError(f"the time {moment} needs a zone")
