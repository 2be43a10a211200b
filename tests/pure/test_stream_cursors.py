"""The arithmetic of stored cursors: how far back a run begins, what lies ahead, which of two is later."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.records import FieldType
from syncjobs.stream_cursors import CursorSpec, as_cursor, begin_of, cursor_fields, is_ahead, later_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field_type", "stored", "begin"),
    [
        ("datetime", "2026-01-01T00:01:00.000001Z", "2025-12-31T23:56:00.000001Z"),
        ("datetime", "0001-01-01T00:00:10Z", None),
        ("date", "2026-03-01", "2026-02-28"),
        ("date", "0001-01-01", None),
        ("integer", 7, 4),
        ("bigint", "9007199254740995", 9007199254740992),
        ("decimal", "10.25", "7.75"),
        ("text", "v7", "v7"),
    ],
)
def test_run_begins_as_far_before_the_stored_value_as_the_overlap_says(
    field_type: FieldType, stored: Any, begin: Any
) -> None:
    assert begin_of(CursorSpec("seen", 300, 2.5), field_type, stored) == begin


def test_without_overlap_it_begins_at_the_stored_value() -> None:
    for field_type, stored in (("datetime", "2026-01-01T00:00:00Z"), ("date", "2026-01-01"), ("decimal", "0.1")):
        assert begin_of(CursorSpec("seen", 0), field_type, stored) == stored  # type: ignore[arg-type]


def test_value_of_another_type_is_refused() -> None:
    with pytest.raises(ValueError, match="not a time"):
        begin_of(CursorSpec("seen"), "datetime", "v7")


@pytest.mark.parametrize(
    ("field_type", "value", "expected"),
    [
        ("datetime", "2026-11-23T12:00:00Z", False),
        ("datetime", "2026-11-23T12:00:00.000001Z", True),
        ("date", "2026-11-24", False),
        ("date", "2026-11-25", True),
        ("integer", 99999999, False),
        ("text", "zzz", False),
    ],
)
def test_only_times_and_dates_lie_in_the_future(field_type: FieldType, value: Any, expected: bool) -> None:
    assert is_ahead(field_type, value, NOW) is expected


def test_moment_becomes_a_time_or_the_day_before() -> None:
    assert as_cursor("datetime", NOW) == "2026-11-23T12:00:00Z"
    assert as_cursor("date", NOW) == "2026-11-22"


@pytest.mark.parametrize(
    ("field_type", "stored", "found", "later"),
    [
        ("bigint", 9, 10, 10),
        ("bigint", "9007199254740993", 7, "9007199254740993"),
        ("decimal", "10", "9.5", "10"),
        ("datetime", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5+00:00", "2026-01-01T00:00:00.5+00:00"),
        ("text", "b", "a", "a"),
        ("integer", None, 1, 1),
    ],
)
def test_later_of_two_goes_by_value_and_for_texts_by_the_source(
    field_type: FieldType, stored: Any, found: Any, later: Any
) -> None:
    assert later_of(field_type, stored, found) == later


def test_cursors_of_a_config_are_those_of_its_incremental_streams_without_a_range() -> None:
    one = {"source": "a", "target": "b", "extent": "incremental", "cursor": {"field": "seen"}}
    backfill = one | {"source": "c", "range": {"start": "2020-01-01", "end": None}}
    assert cursor_fields({"streams": [one, backfill, {"source": "d", "target": "d"}]}) == {"a": "seen"}
    assert cursor_fields({"anything": "of another controller"}) == {}
