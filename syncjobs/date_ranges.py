"""Days and times of a window or an explicit range, made into conditions. The current time is passed in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from connectors.records import Filter
from syncjobs.mapping.problems import quote

Moment = date | datetime
SHAPE = re.compile(r"([0-9]{4,})-[0-9]{2}-[0-9]{2}(?P<time>[T ].+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """The last `days` days by `field`, and today."""

    field: str
    days: int


@dataclass(frozen=True, slots=True)
class RangeSpec:
    """From `start` to `end` by `field`; a bare end day belongs to the range, an end with a time does not."""

    field: str
    start: Moment | None
    end: Moment | None


def parse_day_or_time(text: object) -> Moment:
    """`2026-11-23` as a date, `2026-11-23T02:30` (with or without a zone) as a datetime; ValueError says why not."""
    shape = SHAPE.fullmatch(text.strip()) if isinstance(text, str) else None
    if shape is None:
        raise ValueError(f"{quote(text)} is neither a day such as 2026-11-23 nor a time such as 2026-11-23T02:30")
    if len(shape[1]) > 4:
        raise ValueError(f"{quote(text)} lies beyond the year 9999")
    try:
        return datetime.fromisoformat(shape[0]) if shape["time"] else date.fromisoformat(shape[0])
    except ValueError:
        what = "no time such as 2026-11-23T02:30" if shape["time"] else "not in the calendar"
        raise ValueError(f"{quote(text)} is {what}") from None


def window_start(window: WindowSpec, now: datetime, zone: tzinfo) -> datetime:
    """Midnight in `zone`, `days` days before today."""
    return midnight(now.astimezone(zone).date() - timedelta(days=window.days), zone)


def midnight(day: date, zone: tzinfo) -> datetime:
    """When `day` begins in `zone`."""
    return datetime.combine(day, time.min, zone)


def range_filters(limits: RangeSpec, zone: tzinfo) -> tuple[Filter, ...]:
    """At most two conditions, ge start and lt end; times without a zone, and bare days, are in `zone`.

    Raises ValueError where the range is empty.
    """
    start = None if limits.start is None else _begin(limits.start, zone)
    end = None if limits.end is None else _end(limits.end, zone)
    if start is not None and end is not None and start >= end:
        raise ValueError(f"the range is empty: its start {limits.start} is not before its end {limits.end}")
    found = []
    if start is not None:
        found.append(Filter(limits.field, "ge", start))
    if end is not None:
        found.append(Filter(limits.field, "lt", end))
    return tuple(found)


def _begin(moment: Moment, zone: tzinfo) -> datetime:
    if not isinstance(moment, datetime):
        return midnight(moment, zone)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def _end(moment: Moment, zone: tzinfo) -> datetime | None:
    if isinstance(moment, datetime):
        return _begin(moment, zone)
    return None if moment == date.max else midnight(moment + timedelta(days=1), zone)
