"""How far a stream was read: the settings of its cursor, and the arithmetic of the stored value. Knows no clock."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.records import FieldType, decode_value, encode_value
from syncjobs.mapping.problems import quote

A_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CursorSpec:
    """The field that says how far a source was read.

    Late records are looked for that far back: `overlap_seconds` in a field of times (in one of dates rounded up to
    days), `overlap` in a field of numbers, in its own unit; in a field of texts there is no way back.
    """

    field: str
    overlap_seconds: int = 300
    overlap: float = 0


# 1. Settings, as they stand in a type's config


def cursor_fields(config: dict[str, Any]) -> dict[str, str]:
    """{source: cursor field} of the streams whose runs begin at the stored cursor; also of a config long past."""
    return {
        data["source"]: data["cursor"]["field"]
        for data in config.get("streams", [])
        if data.get("extent") == "incremental" and not has_range(data)
    }


def has_range(data: dict[str, Any]) -> bool:
    """Whether a stream is limited to an explicit range for one run."""
    limits = data.get("range") or {}
    return limits.get("start") is not None or limits.get("end") is not None


def double_cursors(streams: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The ledger knows a stream by its source, so one type can keep only one cursor for it."""
    first: dict[str, int] = {}
    for number, data in enumerate(streams):
        if data.get("extent") != "incremental":
            continue
        earlier = first.setdefault(data["source"], number)
        if earlier != number:
            yield (
                f"streams[{number}].extent: streams[{earlier}] reads {quote(data['source'])} incrementally already; "
                "give this one a job type of its own, so that each has its own cursor"
            )


# 2. Values, in the JSON forms that the ledger keeps


def begin_of(cursor: CursorSpec, field_type: FieldType, stored: Any) -> Any:
    """From where to read again after `stored`; None where that would be before all values. ValueError if it is none."""
    value = decode_value(field_type, stored)
    try:
        return encode_value(field_type, _reach_back(cursor, field_type, value))
    except OverflowError:  # before the year 1
        return None


def _reach_back(cursor: CursorSpec, field_type: FieldType, value: Any) -> Any:
    if field_type == "datetime":
        return value - dt.timedelta(seconds=cursor.overlap_seconds)
    if field_type == "date":
        return value - dt.timedelta(days=math.ceil(cursor.overlap_seconds / A_DAY.total_seconds()))
    if field_type in ("integer", "bigint"):
        return value - math.ceil(cursor.overlap)
    return value - Decimal(str(cursor.overlap)) if field_type == "decimal" else value


def is_ahead(field_type: FieldType, value: Any, now: dt.datetime) -> bool:
    """Whether a time or date lies in the future; a date only where it does so in every zone."""
    if field_type == "datetime":
        return bool(decode_value(field_type, value) > now)
    return field_type == "date" and bool(decode_value(field_type, value) > (now + A_DAY).date())


def as_cursor(field_type: FieldType, moment: dt.datetime) -> Any:
    """A moment as a value of a field of times, or of dates: then the day before, which has begun everywhere."""
    return encode_value(field_type, moment if field_type == "datetime" else (moment - A_DAY).date())


def later_of(field_type: FieldType, stored: Any, found: Any) -> Any:
    """The later one. Texts are ordered by the source alone, and what it gives is never before where it began."""
    if stored is None or field_type == "text":
        return found
    return max(stored, found, key=lambda value: decode_value(field_type, value))
