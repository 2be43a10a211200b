"""How a connector did in the last days: its tests and the jobs that used it, as a strip with a table beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils import timezone

from connectors.models import ConnectionTest, Connector
from syncjobs.operations.visible import visible_jobs
from syncjobs.portal.words import plural
from syncjobs.statuses import DONE, Status

DAYS, TESTS_SHOWN = 14, 10
BAD = frozenset({Status.FAILED.value, Status.ERROR.value})
GOOD = frozenset(status.value for status in DONE)
STEP, WIDTH, TALLEST = 20, 14, 22  # pixels of the drawing
HEIGHTS = {"none": 3, "ok": 10, "warn": 16, "bad": TALLEST}  # so that it can be read without colours


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of one line: where it stands, how tall, in which colour, and what it says."""

    x: int
    y: int
    height: int
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class Tally:
    """So many went well, so many failed."""

    well: int
    failed: int

    @property
    def kind(self) -> str:
        if not (self.well or self.failed):
            return "none"
        return ("warn" if self.well else "bad") if self.failed else "ok"

    def words(self, what: str) -> str:
        if self.kind == "none":
            return f"no {what}"
        return f"{plural(self.well + self.failed, what)}, {self.failed or 'none'} failed"


@dataclass(frozen=True, slots=True)
class HealthDay:
    """The tests and jobs of one day, in the project's time zone."""

    day: date
    tests: Tally
    jobs: Tally


def health_days(tests: Iterable[ConnectionTest], types: list[int], now: datetime) -> list[HealthDay]:
    """The last days, oldest first. `tests` are those that are kept, `types` those that use the connector."""
    today = timezone.localdate(now)
    days = [today - timedelta(days=number) for number in reversed(range(DAYS))]
    tested = Counter((timezone.localdate(test.created_at), test.ok) for test in tests)
    ran = _jobs_by_day(types, now)
    return [HealthDay(day, Tally(tested[day, True], tested[day, False]), ran.get(day, Tally(0, 0))) for day in days]


def _jobs_by_day(types: list[int], now: datetime) -> dict[date, Tally]:
    first = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)
    jobs = visible_jobs().filter(job_type__in=types, parent=None, created_at__gte=first).order_by()
    well: Counter[date] = Counter()
    failed: Counter[date] = Counter()
    rows = jobs.annotate(day=TruncDate("created_at")).values_list("day", "status").annotate(number=Count("*"))
    for day, status, number in rows:
        well[day] += number if status in GOOD else 0
        failed[day] += number if status in BAD else 0
    return {day: Tally(well[day], failed[day]) for day in well | failed}


def health_context(connector: Connector, types: list[int]) -> dict[str, Any]:
    """What the pages show of it: all kept tests, the days, and the bars of both lines."""
    tests = list(connector.tests.all())  # no more are kept than a page can use
    days = health_days(tests, types, timezone.now())
    return {
        "tests": tests[:TESTS_SHOWN],
        "days": days,
        "test_bars": bars(days, "tests", "test"),
        "job_bars": bars(days, "jobs", "job"),
    }


def bars(days: list[HealthDay], line: str, what: str) -> list[Bar]:
    """The strip of `tests` or `jobs`: the taller a bar, the worse the day."""
    found = []
    for place, one in enumerate(days):
        tally: Tally = getattr(one, line)
        height = HEIGHTS[tally.kind]
        found.append(Bar(place * STEP, TALLEST - height, height, tally.kind, f"{one.day:%d %b}: {tally.words(what)}"))
    return found
