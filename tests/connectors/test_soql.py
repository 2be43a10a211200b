"""SoQL: filters of every type and operator, quoting, and times without a zone."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import ConfigError, DataError
from connectors.records import Field, Filter, Operator, decode_value
from connectors.sandbox.soql import ColumnName, Comparison, Literal
from connectors.sandbox.soql_parser import parse_where
from connectors.soql import Conditions, FloatingTimes, quote_name, quote_text

CHICAGO = FloatingTimes(ZoneInfo("America/Chicago"))
FIELDS = (
    Field("name", "text"),
    Field("size", "decimal"),
    Field("at", "datetime"),
    Field("updated", "datetime"),
    Field("open", "boolean"),
    Field("place", "json"),
)
CONDITIONS = Conditions("airports", FIELDS, frozenset({"at"}), CHICAGO)


def written(field: str, operator: Operator, value: Any) -> str:
    return CONDITIONS.where([Filter(field, operator, value)])[0]


@pytest.mark.parametrize(
    ("field", "operator", "value", "soql"),
    [
        ("name", "eq", "O'Hare", "name = 'O''Hare'"),
        ("name", "ne", 5, "name != '5'"),
        ("name", "in", ["US", "CA"], "name IN ('US', 'CA')"),
        ("name", "not_in", ("US",), "name NOT IN ('US')"),
        ("name", "in", [], "1 = 0"),
        ("name", "not_in", [], "name IS NOT NULL"),
        ("name", "like", "100%_'", "name LIKE '100%_'''"),
        ("name", "is_null", True, "name IS NULL"),
        ("place", "is_null", False, "place IS NOT NULL"),
        ("size", "lt", 5, "size < 5"),
        ("size", "le", "5.50", "size <= 5.50"),
        ("size", "gt", -1, "size > -1"),
        ("size", "ge", "1e3", "size >= 1000"),
        ("size", "eq", "9007199254740993", "size = 9007199254740993"),
        ("open", "eq", True, "open = true"),
        ("open", "eq", "no", "open = false"),
        ("at", "ge", "2026-07-01T00:00:00Z", "at >= '2026-06-30T19:00:00.000'"),
        ("at", "ge", "2026-01-01T00:00:00+00:00", "at >= '2025-12-31T18:00:00.000'"),
        ("at", "lt", dt.datetime(2026, 7, 1, tzinfo=dt.UTC), "at < '2026-06-30T19:00:00.000'"),
        ("at", "lt", dt.date(2026, 7, 1), "at < '2026-07-01T00:00:00.000'"),
        ("at", "lt", "2026-07-01", "at < '2026-07-01T00:00:00.000'"),
        ("at", "lt", "2026-07-01T10:00:00.123456", "at < '2026-07-01T10:00:00.123456'"),
        ("updated", "gt", "2026-07-01T02:00:00+02:00", "updated > '2026-07-01T00:00:00.000Z'"),
        ("updated", "gt", "2026-07-01", "updated > '2026-07-01T00:00:00.000Z'"),
    ],
)
def test_filters_are_written_by_type(field: str, operator: Operator, value: Any, soql: str) -> None:
    assert written(field, operator, value) == soql


@pytest.mark.parametrize(
    ("field", "operator", "value", "reason"),
    [
        ("name", "regex", "^a", "do not know this operator"),
        ("name", "contains", "a", "do not know this operator"),
        ("name", "eq", None, "use is_null"),
        ("name", "in", ["a", None], "use is_null"),
        ("name", "in", "abc", "must be a list"),
        ("name", "in", ["a"] * 501, "500 is the most"),
        ("name", "eq", "a\0b", "NUL"),
        ("size", "eq", "1 OR 1=1", "is not a number"),
        ("size", "eq", "NaN", "is not a finite number"),
        ("size", "like", "1%", "only texts"),
        ("at", "ge", "yesterday", "is not a time"),
        ("at", "ge", 5, "is not a time"),
        ("updated", "ge", "2026-02-30", "is not a time"),
        ("open", "eq", "maybe", "neither true nor false"),
        ("place", "eq", {}, "only be tested by is_null"),
    ],
)
def test_filters_that_do_not_fit_are_refused_with_their_name(
    field: str, operator: Any, value: Any, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        written(field, operator, value)
    assert caught.value.code == "bad_filter"
    assert f"'{field}'" in caught.value.message


def test_unknown_field_is_a_data_failure_that_lists_the_fields() -> None:
    with pytest.raises(DataError, match=r"airports has no column 'nmae' \(it has: name, size, ") as caught:
        written("nmae", "eq", "x")
    assert caught.value.code == "column_mismatch"


@given(st.text())
def test_any_text_arrives_as_one_literal(text: str) -> None:
    parsed = parse_where(f"name = {quote_text(text)}")
    assert parsed == Comparison("=", ColumnName("name"), Literal(text))


def test_odd_names_are_quoted() -> None:
    assert quote_name("select me") == "`select me`"
    with pytest.raises(DataError):
        quote_name("a`b")


@pytest.mark.parametrize(
    ("value", "localized"),
    [
        ("2026-07-01T10:00:00.000", "2026-07-01T10:00:00.000-05:00"),
        ("2026-01-01T10:00:00", "2026-01-01T10:00:00-06:00"),
        ("2026-07-01", "2026-07-01T00:00:00-05:00"),
        ("2026-07-01T10:00:00.123456", "2026-07-01T10:00:00.123456-05:00"),
        ("2026-03-08T01:59:00.000", "2026-03-08T01:59:00-06:00"),
        ("2026-03-08T03:00:00.000", "2026-03-08T03:00:00-05:00"),
        ("2026-11-01T00:30:00.000", "2026-11-01T00:30:00-05:00"),
        ("2026-11-01T02:30:00.000", "2026-11-01T02:30:00-06:00"),
        ("2026-07-01T10:00:00.000Z", "2026-07-01T10:00:00.000Z"),
        ("9999-12-31T10:00:00.000", "9999-12-31T10:00:00-06:00"),
        ("2026-02-30T10:00:00.000", "2026-02-30T10:00:00.000"),
        ("no time at all, certainly", "no time at all, certainly"),
        ("", ""),
        (5, 5),
        (None, None),
    ],
)
def test_times_get_the_offset_their_zone_had(value: Any, localized: Any) -> None:
    assert CHICAGO.localize([value]) == [localized]


@given(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)))  # noqa: DTZ001 - without a zone is the point
def test_localized_times_say_what_python_says(moment: dt.datetime) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    shown = decode_value("datetime", CHICAGO.localize([moment.isoformat(timespec="milliseconds")])[0])
    assert shown == moment.replace(tzinfo=CHICAGO.zone).astimezone(dt.UTC)
