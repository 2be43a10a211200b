"""Differences of records as tables: how values are told in JSON, which are the same, what a comparison shows."""

from __future__ import annotations

import datetime as dt
import json
import math
import uuid
from decimal import Decimal
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.field_types import decode_value, encode_value
from syncjobs.diffs import MASK, compare_values, hide_secrets, is_same, json_form, mask_values, shorten_for_show

CHICAGO = ZoneInfo("America/Chicago")
NIGHT = dt.datetime(2026, 11, 1, 1, 30, tzinfo=CHICAGO)  # told twice, an hour apart
NO_ZONE = dt.datetime(2026, 11, 23, 2, 30, tzinfo=dt.UTC).replace(tzinfo=None)
SOME_UUID = uuid.UUID("12345678123456781234567812345678")


def short_name(value: Any) -> str:
    """The same in every test process, so without an address or the order of a set."""
    if isinstance(value, set | frozenset):
        return f"the set {sorted(value)}"
    if isinstance(value, memoryview):
        return f"a view of {value.tobytes()!r}"
    return "many digits" if isinstance(value, int) and value > 10**100 else repr(value)[:40]


class Color(Enum):
    RED = "red"


class Silent(dt.tzinfo):
    """A zone that says nothing: times in it are as good as without one."""

    def utcoffset(self, moment: dt.datetime | None) -> None:
        return None

    dst = utcoffset

    def tzname(self, moment: dt.datetime | None) -> None:
        return None


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (None, None),
        (True, True),
        (0, 0),
        (2**53, 2**53),
        (2**53 + 1, "9007199254740993"),
        (-(2**63), "-9223372036854775808"),
        (10**5_000, "1" + "0" * 5_000),
        (0.1, 0.1),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (Decimal("10.50"), "10.50"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal("1E+1000000"), "1E+1000000"),
        (Decimal("NaN"), "NaN"),
        (dt.date(2026, 11, 23), "2026-11-23"),
        (NO_ZONE, "2026-11-23T02:30:00"),
        (dt.datetime(2026, 11, 23, 2, 30, 0, 15, tzinfo=dt.UTC), "2026-11-23T02:30:00.000015Z"),
        (NIGHT, "2026-11-01T06:30:00Z"),
        (NIGHT.replace(fold=1), "2026-11-01T07:30:00Z"),
        (dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=2))), "0001-01-01T00:00:00+02:00"),
        (dt.datetime(2026, 1, 1, tzinfo=Silent()), "2026-01-01T00:00:00"),
        (dt.time(2, 30, 0, 15), "02:30:00.000015"),
        (dt.timedelta(days=1, hours=2, microseconds=5), "P1DT02H00M00.000005S"),
        (dt.timedelta(seconds=-1), "-P0DT00H00M01S"),
        (SOME_UUID, "12345678-1234-5678-1234-567812345678"),
        (b"\x00\xff", "AP8="),
        (memoryview(b"abcd")[::2], "YWM="),
        (Color.RED, "red"),
        ("a\x00b\ud800c", "a\ufffdb?c"),
        ((1, b"a"), [1, "YQ=="]),
        ({"b": Decimal("1.0"), "a": {2: None}}, {"a": {"2": None}, "b": "1.0"}),
        (frozenset({"b", "a"}), ["a", "b"]),
        (ZoneInfo("Europe/Berlin"), "Europe/Berlin"),
    ],
    ids=short_name,
)
def test_a_value_has_one_json_form(value: Any, form: Any) -> None:
    assert json_form(value) == form
    assert type(json_form(value)) is type(form)


def test_the_names_of_an_object_are_sorted_at_every_depth() -> None:
    assert json.dumps(json_form({"b": [{"z": 1, "y": 2}], "a": 0})) == '{"a": 0, "b": [{"y": 2, "z": 1}]}'


@pytest.mark.parametrize(
    ("field_type", "value"),
    [
        ("bigint", 2**60),
        ("decimal", Decimal("10.50")),
        ("datetime", dt.datetime(2026, 11, 23, tzinfo=dt.UTC)),
        ("binary", b"\x01\x02"),
        ("uuid", SOME_UUID),
        ("date", dt.date(2026, 11, 23)),
    ],
)
def test_documents_and_streams_tell_a_value_in_the_same_form(field_type: Any, value: Any) -> None:
    assert json_form(value) == encode_value(field_type, value)
    assert decode_value(field_type, json_form(value)) == value


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (Decimal("1.0"), Decimal("1.00")),
        (1, Decimal("1.0")),
        (1.5, Decimal("1.5")),
        (1, 1.0),
        (math.nan, math.nan),
        (Decimal("NaN"), math.nan),
        (Decimal("sNaN"), Decimal("sNaN")),
        (NIGHT, dt.datetime(2026, 11, 1, 6, 30, tzinfo=dt.UTC)),
        (NIGHT.replace(fold=1), dt.datetime(2026, 11, 1, 7, 30, tzinfo=dt.UTC)),
        (dt.datetime.max.replace(tzinfo=CHICAGO), dt.datetime.max.replace(tzinfo=CHICAGO)),
        (b"a", bytearray(b"a")),
        (b"ac", memoryview(b"abcd")[::2]),
        ({"a": 1, "b": [Decimal("1.0")]}, {"b": (1,), "a": 1}),
        (Color.RED, "red"),
        ({1, 2}, {2, 1}),
        (None, None),
    ],
    ids=short_name,
)
def test_what_reads_the_same_is_the_same(old: Any, new: Any) -> None:
    assert is_same(old, new)
    assert is_same(new, old)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (1, True),
        (0, False),
        (0, None),
        ("", None),
        (1, "1"),
        (0.1, Decimal("0.1")),
        (2**53 + 1, float(2**53)),
        (math.nan, 0.0),
        (NIGHT, NIGHT.replace(fold=1)),
        (NIGHT, NIGHT.replace(tzinfo=None)),
        (NO_ZONE, NO_ZONE.date()),
        (dt.date(2026, 1, 1), "2026-01-01"),
        (b"a", "a"),
        (SOME_UUID, str(SOME_UUID)),
        ([1, 2], [2, 1]),
        ([1], [1, 1]),
        ({"a": 1}, {"a": True}),
        ({"a": None}, {}),
        ({1: "a"}, {"1": "a"}),
    ],
    ids=short_name,
)
def test_what_reads_otherwise_differs(old: Any, new: Any) -> None:
    assert not is_same(old, new)
    assert not is_same(new, old)


def test_an_update_shows_only_what_differs() -> None:
    old = {"id": 7, "price": Decimal("10.50"), "name": "Ann", "seen": None}
    new = {"id": 7, "price": Decimal("10.5"), "name": "Anna", "tags": ["a"]}
    assert compare_values(old, new) == {"name": ["Ann", "Anna"], "tags": [None, ["a"]]}


def test_a_field_that_is_gone_shows_as_emptied() -> None:
    assert compare_values({"a": 1}, {}) == {"a": [1, None]}


def test_an_insert_shows_every_field_that_has_a_value() -> None:
    new = {"id": 7, "name": "", "active": False, "seen": None}
    assert compare_values(None, new) == {"id": [None, 7], "name": [None, ""], "active": [None, False]}


def test_a_delete_shows_every_field_that_had_a_value() -> None:
    assert compare_values({"id": 7, "seen": None}, None) == {"id": [7, None]}


def test_masked_fields_show_that_they_differ_and_never_how() -> None:
    masked = frozenset({"ssn", "pin"})
    assert compare_values({"ssn": "078-05-1120", "pin": 1}, {"ssn": None, "pin": 2}, masked) == {
        "ssn": [MASK, None],
        "pin": [MASK, MASK],
    }
    assert compare_values({"ssn": "078-05-1120"}, {"ssn": "078-05-1120"}, masked) == {}
    assert mask_values({"ssn": {"no": "078-05-1120"}, "pin": None, "price": Decimal(1)}, masked) == {
        "ssn": MASK,
        "pin": None,
        "price": "1",
    }


def test_only_long_texts_are_shortened_however_deep_they_are() -> None:
    long = "x" * 12_345
    shown = "x" * 500 + "… (12,345 characters)"
    assert shorten_for_show({"a": [long, "y" * 500], "b": {"c": long}, "d": 1}) == {
        "a": [shown, "y" * 500],
        "b": {"c": shown},
        "d": 1,
    }
    assert shorten_for_show("abcd", longest=3) == "abc… (4 characters)"


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text(st.characters(exclude_categories=()))
    | st.binary()
    | st.uuids()
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.datetimes()
    | st.datetimes(timezones=st.timezones())
    | st.sampled_from(Color)
)
KEYS = st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=())) | st.dates()
ANYTHING = st.recursive(
    PLAIN, lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(KEYS, inner), max_leaves=8
)


@given(ANYTHING)
def test_anything_has_a_json_form_that_stays_as_it_is(value: Any) -> None:
    form = json_form(value)
    text = json.dumps(form, allow_nan=False, ensure_ascii=False)
    assert "\x00" not in text
    assert "\\u0000" not in text
    assert json.loads(text.encode("utf-8")) == form
    assert json_form(value) == form
    assert json_form(form) == form


def test_what_is_named_like_a_secret_is_hidden_at_any_depth_and_nothing_else() -> None:
    given = {"db_password": "x", "API-Key": "y", "api_key": "z", "why": "x", "a": [{"Secret": {"b": 1}}], "token": None}
    hidden = {"db_password": MASK, "API-Key": MASK, "api_key": MASK, "why": "x", "a": [{"Secret": MASK}], "token": None}
    assert hide_secrets(given) == hidden


@given(st.dictionaries(st.text(), ANYTHING))
def test_a_record_does_not_differ_from_itself(values: dict[str, Any]) -> None:
    assert compare_values(values, values) == {}
    assert compare_values(values, dict(reversed(values.items()))) == {}


@given(ANYTHING, ANYTHING)
def test_sameness_has_no_direction(one: Any, other: Any) -> None:
    assert is_same(one, other) == is_same(other, one)
