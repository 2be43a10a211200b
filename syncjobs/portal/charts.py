"""The dashboard's charts as numbers, for the browser's drawing and for the table behind it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from syncjobs.portal.figures import Day


@dataclass(frozen=True, slots=True)
class ChartHour:
    """One hour of a day."""

    begins: datetime
    records: int
    jobs: int
    failed: int
    mean_seconds: float | None
    most_seconds: float | None


@dataclass(frozen=True, slots=True)
class DayCharts:
    """A row an hour, and the same as columns: {"hours": [seconds since 1970], "records": […], …}."""

    rows: list[ChartHour]
    columns: dict[str, list[Any]]

    @property
    def has_records(self) -> bool:
        """Whether there is anything to draw of records, or of failures beneath them."""
        return any(row.records or row.failed for row in self.rows)

    @property
    def has_durations(self) -> bool:
        return any(row.most_seconds is not None for row in self.rows)


def day_charts(day: Day) -> DayCharts:
    """The charts of a day."""
    by_hour = zip(
        day.records_by_hour,
        day.jobs_by_hour,
        day.failures_by_hour,
        day.mean_seconds_by_hour,
        day.most_seconds_by_hour,
        strict=True,
    )
    rows = [ChartHour(day.since + timedelta(hours=number), *values) for number, values in enumerate(by_hour)]
    columns: dict[str, list[Any]] = {
        "labels": [f"{timezone.localtime(row.begins):%H:%M}" for row in rows],
        "hours": [int(row.begins.timestamp()) for row in rows],
        "records": [row.records for row in rows],
        "failed": [row.failed for row in rows],
        "mean": [row.mean_seconds for row in rows],
        "most": [row.most_seconds for row in rows],
    }
    return DayCharts(rows, columns)
