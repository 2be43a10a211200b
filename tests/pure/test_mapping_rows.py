"""Mappings at work: rows in, typed rows, rejects and counted nulls out."""

from __future__ import annotations

import json
import math
import time
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from connectors.errors import ConfigError, DataError
from connectors.records import TYPES, Field, FieldType, StreamSchema
from syncjobs.mapping import MappedRows, Mapper, RowReject, compile_mapping, parse_mapping
from tests.appendix import MAPPING

TODAY = date(2026, 11, 23)
AIRPORTS = StreamSchema(
    (
        Field("icao", "text", nullable=False),
        Field("name", "text"),
        Field("lat", "text"),
        Field("elevation", "integer"),
    )
)


def compiled(mapping: list[dict[str, Any]], *fields: Field) -> Mapper:
    return compile_mapping(parse_mapping(mapping), StreamSchema(fields or (Field("a", "text"),)), None, TODAY)


def mapped(values: list[Any], *, source: FieldType = "text", **rule: Any) -> MappedRows:
    """A column `a` through one rule from it to `b`."""
    mapper = compiled([{"to": "b", "from": "a", **rule}], Field("a", source))
    return mapper.map_rows(("a",), [(value,) for value in values])


def column(result: MappedRows) -> list[Any]:
    return [row[0] for row in result.rows]


def test_the_mapping_of_the_appendix_runs() -> None:
    mapper = compile_mapping(parse_mapping(MAPPING), AIRPORTS, None, TODAY)
    assert mapper.fields == (
        Field("icao", "text", nullable=False),
        Field("lat", "float"),
        Field("label", "text", nullable=False),
        Field("source", "text", nullable=False),
        Field("size", "text", nullable=False),
    )
    assert mapper.source_columns == ("icao", "lat", "name", "elevation")
    result = mapper.map_rows(
        ("elevation", "icao", "lat", "name"),
        [
            (13, " KJFK ", "40.64", "John F Kennedy"),
            (5431, "KDEN", 39.8, None),
            (0, "N/A", "1", "Nowhere"),
            (None, "XXXX", "91", ""),
        ],
    )
    assert result.rows == [
        ("KJFK", 40.64, "John F Kennedy ( KJFK )", "airportsdata", "low"),
        ("KDEN", 39.8, " (KDEN)", "airportsdata", "high"),
        ("XXXX", None, " (XXXX)", "airportsdata", "low"),
    ]
    assert result.kept == [0, 1, 3]
    assert result.rejects == [RowReject(2, "icao", "required", "has no value, which the mapping requires")]
    assert result.nulled == {"lat": 1}


def test_without_a_mapping_names_and_types_stay() -> None:
    everything = compile_mapping(None, AIRPORTS, None, TODAY)
    assert everything.fields == AIRPORTS.fields
    some = compile_mapping(None, AIRPORTS, ("elevation", "icao"), TODAY)
    assert some.fields == (Field("elevation", "integer"), Field("icao", "text", nullable=False))
    assert some.map_rows(("icao", "elevation"), [("KJFK", "13"), ("KDEN", None)]).rows == [(13, "KJFK"), (None, "KDEN")]
    assert some.map_rows(("icao", "elevation"), []).rows == []


@pytest.mark.parametrize(
    ("chain", "value", "expected"),
    [
        ([{"op": "strip"}], "  a b \t", "a b"),
        ([{"op": "strip"}], None, None),
        ([{"op": "collapse_spaces"}], "  a \n  b\u00a0c ", "a b c"),
        ([{"op": "strip_nul"}], "\x00a\x00b \x00", "ab "),
        ([{"op": "strip_nul"}, {"op": "integer"}], "4\x002", 42),
        ([{"op": "strip_nul"}], "\x00", ""),
        ([{"op": "upper"}], "straße", "STRASSE"),
        ([{"op": "lower"}], "ABC", "abc"),
        ([{"op": "truncate", "length": 3}], "🛫abcd", "🛫ab"),
        ([{"op": "null_if", "values": ["N/A"]}], "N/A", None),
        ([{"op": "null_if", "values": ["N/A"]}], "n/a", "n/a"),
        ([{"op": "null_if", "values": ["N/A", "Unknown"], "ignore_case": True}], "UNKNOWN", None),
        ([{"op": "null_if", "values": [0]}], "0", None),
        ([{"op": "strip"}, {"op": "upper"}, {"op": "null_if", "values": ["NULL"]}], " null ", None),
        ([{"op": "number"}], "12.5", 12.5),
        ([{"op": "integer"}], "12.0", 12),
        ([{"op": "decimal"}], "9007199254740993.10", Decimal("9007199254740993.10")),
        ([{"op": "boolean"}], "Yes", True),
        ([{"op": "date"}], "2026-11-23T10:00:00", date(2026, 11, 23)),
        ([{"op": "date", "format": "%d.%m.%Y"}], "23.11.2026", date(2026, 11, 23)),
        ([{"op": "datetime"}], "2026-11-23 10:00", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        (
            [{"op": "datetime", "zone": "America/Chicago"}],
            "2026-11-23T10:00",
            datetime(2026, 11, 23, 16, tzinfo=UTC),
        ),
        (
            [{"op": "datetime", "zone": "America/Chicago"}],
            "2026-11-23T10:00+01:00",
            datetime(2026, 11, 23, 9, tzinfo=UTC),
        ),
        (
            [{"op": "datetime", "format": "%m/%d/%Y %I:%M %p", "zone": "Europe/Berlin"}],
            "07/01/2026 02:30 PM",
            datetime(2026, 7, 1, 12, 30, tzinfo=UTC),
        ),
        ([{"op": "bounds", "min": 41.6, "max": 42.1}], "41.6", "41.6"),
        ([{"op": "bounds", "min": 0, "max": 120, "outside": "null"}], "121", None),
        ([{"op": "bounds", "min": 1900, "max": "next_year", "outside": "null"}], "2027", "2027"),
        ([{"op": "bounds", "min": 1900, "max": "next_year", "outside": "null"}], "2028", None),
        ([{"op": "bounds", "max": "this_year", "outside": "null"}], "2027", None),
    ],
)
def test_a_chain_of_transforms_makes_of_a_text(chain: list[dict[str, Any]], value: Any, expected: Any) -> None:
    assert column(mapped([value], transforms=chain)) == [expected]


@pytest.mark.parametrize(
    ("source", "op", "value", "expected"),
    [
        ("integer", {"op": "strip"}, 5, 5),
        ("integer", {"op": "null_if", "values": [5]}, 5, None),
        ("boolean", {"op": "null_if", "values": [1]}, True, True),
        ("decimal", {"op": "null_if", "values": [0.1]}, Decimal("0.1"), None),
        ("float", {"op": "null_if", "values": ["NaN"]}, math.nan, None),
        ("float", {"op": "null_if", "values": ["-infinity"], "ignore_case": True}, -math.inf, None),
        ("float", {"op": "null_if", "values": ["", "NaN", "Infinity"]}, 1.5, 1.5),
        ("decimal", {"op": "null_if", "values": ["NaN"]}, Decimal("NaN"), None),
        ("decimal", {"op": "null_if", "values": ["Infinity"]}, Decimal("1e400"), Decimal("1e400")),
        ("date", {"op": "null_if", "values": ["1900-01-01"]}, date(1900, 1, 1), None),
        ("decimal", {"op": "bounds", "min": 0.1}, Decimal("0.1"), Decimal("0.1")),
        ("date", {"op": "datetime", "zone": "Europe/Berlin"}, date(2026, 7, 1), datetime(2026, 6, 30, 22, tzinfo=UTC)),
    ],
)
def test_transforms_take_typed_values_too(source: FieldType, op: dict[str, Any], value: Any, expected: Any) -> None:
    assert column(mapped([value], source=source, transforms=[op])) == [expected]


@pytest.mark.parametrize(
    ("rule", "value", "code", "reason"),
    [
        ({"type": "integer"}, "abc", "wrong_type", "value 'abc' is not a number"),
        ({"type": "integer"}, "", "wrong_type", "value '' is not a number"),
        ({"type": "integer"}, "2147483648", "wrong_type", "value '2147483648' is outside -2147483648 to 2147483647"),
        ({"type": "float"}, "nan", "wrong_type", "value 'nan' is not a finite number"),
        ({"type": "date"}, "2026-02-30", "wrong_type", "value '2026-02-30' is not a date such as 2026-11-23"),
        (
            {},
            "a\x00b",
            "wrong_type",
            "value 'a\\x00b' holds a NUL character, which text columns refuse; strip_nul takes it out",
        ),
        ({}, "\ud83d", "wrong_type", "value '\\ud83d' holds half of a surrogate pair, which is no valid text"),
        ({"type": "json"}, "[" * 100_000, "wrong_type", f"value '{'[' * 58}… is not valid JSON"),
        ({"type": "boolean"}, "x" * 61, "wrong_type", f"value '{'x' * 58}… is neither true nor false"),
        ({"transforms": [{"op": "number"}]}, "1,5", "wrong_type", "value '1,5' is not a number"),
        (
            {"transforms": [{"op": "date", "format": "%d.%m.%Y"}]},
            "2026-11-23",
            "wrong_type",
            "value '2026-11-23' does not look like %d.%m.%Y",
        ),
        (
            {"transforms": [{"op": "bounds", "min": -90, "max": 90, "outside": "reject"}]},
            "91.5",
            "out_of_bounds",
            "value '91.5' is outside -90 to 90",
        ),
        ({"transforms": [{"op": "bounds", "min": 1}]}, "0", "out_of_bounds", "value '0' is below 1"),
        ({"transforms": [{"op": "bounds", "max": 1}]}, "x", "wrong_type", "value 'x' is not a number"),
        ({"required": True}, None, "required", "has no value, which the mapping requires"),
        ({"required": True}, " \t", "required", "has no value, which the mapping requires"),
        (
            {"required": True, "transforms": [{"op": "null_if", "values": ["-"]}]},
            "-",
            "required",
            "has no value, which the mapping requires",
        ),
    ],
)
def test_a_bad_value_rejects_its_row_alone(rule: dict[str, Any], value: Any, code: str, reason: str) -> None:
    source: FieldType = "json" if rule.get("type") == "json" else "text"
    good: dict[str, Any] = {"date": "2026-11-23", "boolean": "yes", "json": "{}"}
    fine = "23.11.2026" if "date" in str(rule.get("transforms")) else good.get(rule.get("type", ""), "1")
    result = mapped([fine, value, fine], source=source, **rule)
    assert result.rejects == [RowReject(1, "b", code, reason)]
    assert result.kept == [0, 2]
    assert len(result.rows) == 2


def test_only_the_first_bad_field_of_a_row_is_told() -> None:
    mapper = compiled([{"to": "x", "from": "a", "type": "integer"}, {"to": "y", "from": "a", "type": "date"}])
    result = mapper.map_rows(("a",), [("bad",), ("bad",)])
    assert [(reject.index, reject.field) for reject in result.rejects] == [(0, "x"), (1, "x")]


def test_values_of_rejected_rows_are_not_counted_as_nulled() -> None:
    bounds = {"op": "bounds", "max": 10, "outside": "null"}
    mapper = compiled(
        [{"to": "x", "from": "a", "transforms": [bounds]}, {"to": "y", "from": "b", "type": "integer"}],
        Field("a", "integer"),
        Field("b", "text"),
    )
    result = mapper.map_rows(("a", "b"), [(11, "1"), (12, "bad"), (None, "3"), (5, "4")])
    assert result.rows == [(None, 1), (None, 3), (5, 4)]
    assert result.nulled == {"x": 1}


def test_values_that_lose_nul_characters_are_counted_by_field() -> None:
    chain = [{"op": "strip_nul"}, {"op": "null_if", "values": [""]}, {"op": "upper"}]
    rules: list[dict[str, Any]] = [{"to": "x", "from": "a", "transforms": chain}]
    rules.append({"to": "y", "from": "b", "type": "integer"})
    mapper = compiled(rules, Field("a", "text"), Field("b", "text"))
    texts = ["a\0b", "a\0b", "\0", "plain", None, "\0lost"]
    for times in (1, 50):  # few different texts of many are mapped once each
        rows = [(text, "bad" if text == "\0lost" else "1") for text in texts * times]
        result = mapper.map_rows(("a", "b"), rows)
        assert (result.stripped, result.nulled) == ({"x": 3 * times}, {})


@pytest.mark.parametrize(
    ("when", "source", "matching", "others"),
    [
        ({"op": "eq", "value": 5}, "integer", [5, "5", "5.0"], [6, None]),
        ({"op": "ne", "value": "US"}, "text", ["CA", ""], ["US", None]),
        ({"op": "gt", "value": 5000.5}, "integer", [5001], [5000, None]),
        ({"op": "gt", "value": 5000}, "text", ["5001", "10000"], ["9", "-1", None]),
        ({"op": "lt", "value": "b"}, "text", ["a", "B"], ["b", "c"]),
        ({"op": "le", "value": "2026-11-23"}, "date", ["2026-11-22", date(2026, 11, 23)], ["2026-11-24"]),
        ({"op": "ge", "value": "2026-11-23T00:00:00Z"}, "datetime", ["2026-11-23T01:00+01:00"], ["2026-11-22"]),
        ({"op": "in", "value": ["US", "CA"]}, "text", ["US", "CA"], ["us", None]),
        ({"op": "not_in", "value": [1, 2]}, "integer", [3], [1, "2", None]),
        ({"op": "like", "value": "K%_"}, "text", ["KJ", "KJFK", "K\nX"], ["K", "k1", "AKX", None]),
        ({"op": "like", "value": "50\\% (.*)"}, "text", ["50% (.*)"], ["50x (.*)", "50% (abc)"]),
        ({"op": "regex", "value": "^[A-Z]{4}$"}, "text", ["KJFK"], ["KJF", "kjfk", None]),
        ({"op": "is_null", "value": True}, "text", [None], ["", "x"]),
        ({"op": "is_null", "value": False}, "text", ["", "x"], [None]),
        ({"op": "eq", "value": True}, "boolean", [True, "yes"], [False, None]),
    ],
)
def test_a_case_meets(when: dict[str, Any], source: FieldType, matching: list[Any], others: list[Any]) -> None:
    rule = {"to": "b", "case": [{"when": {"field": "a", **when}, "then": "meets"}], "else": "other"}
    result = compiled([rule], Field("a", source)).map_rows(("a",), [(value,) for value in matching + others])
    assert column(result) == ["meets"] * len(matching) + ["other"] * len(others)


def test_the_first_case_that_holds_decides_and_else_is_null_by_default() -> None:
    cases = [
        {"when": {"field": "a", "op": "ge", "value": 10}, "then": 10},
        {"when": {"field": "a", "op": "ge", "value": 5}, "then": 2.5},
    ]
    mapper = compiled([{"to": "b", "case": cases}], Field("a", "integer"))
    assert mapper.fields == (Field("b", "float", nullable=True),)
    result = mapper.map_rows(("a",), [(12,), (7,), (1,), ("x",)])
    assert column(result) == [10.0, 2.5, None]
    assert result.rejects == [RowReject(3, "b", "wrong_type", "value 'x' is not a number")]


def test_a_template_of_missing_values_is_missing() -> None:
    mapper = compiled([{"to": "b", "template": "{a}/{n}"}], Field("a", "text"), Field("n", "integer"))
    rows = [("x", 1), (None, 2), ("x", None), (None, None), (b"\x00", 1)]
    result = mapper.map_rows(("a", "n"), rows)
    assert column(result) == ["x/1", "/2", "x/", None]
    assert mapper.fields[0] == Field("b", "text", nullable=True)
    assert [reject.index for reject in result.rejects] == [4]


@pytest.mark.parametrize(
    ("rule", "source", "expected"),
    [
        ({"from": "a"}, Field("a", "uuid", nullable=False), Field("b", "uuid", nullable=False)),
        ({"from": "a"}, Field("a", "decimal"), Field("b", "decimal", nullable=True)),
        (
            {"from": "a", "transforms": [{"op": "strip"}]},
            Field("a", "text", nullable=False),
            Field("b", "text", nullable=False),
        ),
        (
            {"from": "a", "transforms": [{"op": "null_if", "values": ["x"]}]},
            Field("a", "text", nullable=False),
            Field("b", "text", nullable=True),
        ),
        ({"from": "a", "transforms": [{"op": "integer"}]}, Field("a", "text"), Field("b", "bigint", nullable=True)),
        (
            {"from": "a", "type": "integer", "transforms": [{"op": "number"}]},
            Field("a", "text"),
            Field("b", "integer", nullable=True),
        ),
        ({"from": "a", "required": True}, Field("a", "text"), Field("b", "text", nullable=False)),
        ({"value": 3_000_000_000}, Field("a", "text"), Field("b", "bigint", nullable=False)),
        ({"value": None, "type": "date"}, Field("a", "text"), Field("b", "date", nullable=True)),
        ({"value": {"x": [1]}}, Field("a", "text"), Field("b", "json", nullable=False)),
        ({"value": True}, Field("a", "text"), Field("b", "boolean", nullable=False)),
    ],
)
def test_the_target_field_is_inferred(rule: dict[str, Any], source: Field, expected: Field) -> None:
    mapper = compiled([{"to": "b", **rule}], source)
    assert mapper.fields == (expected,)


def test_constants_are_typed_values() -> None:
    mapper = compiled([{"to": "b", "value": "2026-11-23", "type": "date"}])
    assert column(mapper.map_rows(("a",), [("x",), ("y",)])) == [date(2026, 11, 23)] * 2


def test_the_source_column_of_a_target_field_is_known() -> None:
    mapper = compiled(
        [
            {"to": "same", "from": "a"},
            {"to": "clean", "from": "a", "transforms": [{"op": "strip"}]},
            {"to": "guarded", "from": "n", "transforms": [{"op": "bounds", "min": 1}]},
            {"to": "wide", "from": "n", "type": "bigint"},
            {"to": "typed", "from": "a", "type": "integer"},
            {"to": "label", "template": "{a}"},
        ],
        Field("a", "text"),
        Field("n", "integer"),
    )
    sources = {field.name: mapper.source_of(field.name) for field in mapper.fields}
    assert sources == {"same": "a", "clean": "a", "guarded": "n", "wide": "n", "typed": "a", "label": None}
    kept = [field.name for field in mapper.fields if mapper.keeps_values(field.name)]
    assert kept == ["same", "guarded", "wide"]
    assert mapper.source_of("nowhere") is None


def test_a_missing_source_column_is_named_before_reading_and_in_a_batch() -> None:
    rules = parse_mapping([{"to": "x", "from": "b"}, {"to": "y", "template": "{a}{c}"}])
    with pytest.raises(DataError) as caught:
        compile_mapping(rules, StreamSchema((Field("a", "text"), Field("c", "text"))), None, TODAY)
    assert caught.value.code == "column_mismatch"
    assert caught.value.message == "column 'b' missing in source (needed by the mapping; source has: a, c)"
    with pytest.raises(DataError, match=r"^columns 'b' and 'a' missing in source \(needed by the mapping;"):
        compile_mapping(rules, StreamSchema((Field("c", "text"),)), None, TODAY)
    mapper = compile_mapping(rules, StreamSchema(tuple(Field(name, "text") for name in "abc")), None, TODAY)
    with pytest.raises(DataError, match=r"columns 'b' and 'c' missing in source \(needed by the mapping; source has:"):
        mapper.map_rows(("a",), [("1",)])
    with pytest.raises(DataError, match=r"column 'z' missing in source \(needed by the columns setting"):
        compile_mapping(None, AIRPORTS, ("icao", "z"), TODAY)


def test_a_condition_that_can_not_be_compared_is_a_config_failure() -> None:
    with pytest.raises(ConfigError, match=r"the condition on 'a' \(integer\) has a value that is not a number"):
        compiled(
            [{"to": "b", "case": [{"when": {"field": "a", "op": "gt", "value": "high"}, "then": 1}]}],
            Field("a", "integer"),
        )


BERLIN_SUMMER = timezone(timedelta(hours=2))
SAMPLES: dict[FieldType, list[Any]] = {
    "text": ["", "abc", "żółć 🛫", "a\x00", "\ud800", 5, True, [1]],
    "integer": [0, -(2**31), 2**31, "7", 7.0, 7.5, True, "x"],
    "bigint": [2**63 - 1, 2**63, "9007199254740993", 1.5],
    "decimal": [Decimal("1.10"), Decimal("NaN"), Decimal("1E+400"), Decimal("1E+2000"), "2.50", 3, 1.5, "x"],
    "float": [1.5, float("inf"), -0.0, float("nan"), 1e308, "2.5", 7, True],
    "boolean": [True, False, "t", "maybe", 1],
    "date": [date(2026, 1, 2), datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02", "0000-00-00"],
    "datetime": [
        datetime(2026, 1, 2, tzinfo=UTC),
        datetime(2026, 7, 2, tzinfo=BERLIN_SUMMER),
        date(2026, 1, 2),
        "2026-01-02T03:04:05.678901+02:00",
        "10000-01-01",
    ],
    "json": [{"a": 1}, [1], "[1, 2]", "no json", 5],
    "binary": [b"\x00\xff", bytearray(b"x"), "AAE=", "%"],
    "uuid": [UUID(int=5), "00000000-0000-0000-0000-000000000005", "5"],
}


@pytest.mark.parametrize("field_type", SAMPLES)
def test_whole_columns_decode_exactly_as_single_values(field_type: FieldType) -> None:
    decode = TYPES[field_type].decode
    for values in ([value] * 3 for value in SAMPLES[field_type]):
        result = mapped([None, *values], source=field_type)
        try:
            expected = decode(values[0])
        except ValueError:
            assert [reject.index for reject in result.rejects] == [1, 2, 3]
        else:
            assert column(result) == [None, expected, expected, expected]
            assert {repr(value) for value in column(result)[1:]} == {repr(expected)}  # of the same class and zone, too


def test_mixed_columns_decode_every_value() -> None:
    for field_type, values in SAMPLES.items():
        result = mapped(values, source=field_type)
        assert len(result.rows) + len(result.rejects) == len(values)
        assert result.rows, field_type


def test_mapping_is_fast_enough_for_the_pages_it_gets() -> None:
    """28,000 records of 10 text fields, the size of the demo: well under half a second of the processor."""
    cleaning = [
        {"op": "strip"},
        {"op": "collapse_spaces"},
        {"op": "null_if", "values": ["", "N/A"], "ignore_case": True},
    ]
    names = tuple(f"f{number}" for number in range(10))
    mapper = compiled(
        [{"to": name, "from": name, "transforms": cleaning} for name in names], *(Field(name, "text") for name in names)
    )
    rows = [tuple(f" value {index} of {name} " for name in names) for index in range(28_000)]
    started = time.process_time()
    result = mapper.map_rows(names, rows)
    assert time.process_time() - started < 2  # a wide margin: the machine is shared
    assert result.rows[5][9] == "value 5 of f9"
    assert len(result.rows) == 28_000


def test_a_reject_can_be_stored_as_json() -> None:
    (reject,) = mapped(["\ud83d\x00<script>"], type="integer").rejects
    assert json.dumps(reject.reason) == "\"value '\\\\ud83d\\\\x00<script>' is not a number\""
