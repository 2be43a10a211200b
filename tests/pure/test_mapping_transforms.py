"""Transforms that hide, exchange and take apart; and what every transform makes of awkward values."""

from __future__ import annotations

import hashlib
import itertools
import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from connectors.records import Field, FieldType, StreamSchema, encode_value
from syncjobs.mapping import MappedRows, Mapper, RowReject, compile_mapping, parse_mapping
from syncjobs.mapping.transform_table import OPERATIONS

TODAY = date(2026, 11, 23)
HUGE = "9" * 5_000
LONG_DECIMAL = "0.123456789012345678901234567890"


def compiled(rule: dict[str, Any], source: FieldType = "text") -> Mapper:
    schema = StreamSchema((Field("a", source),))
    return compile_mapping(parse_mapping([{"to": "b", "from": "a", **rule}]), schema, None, TODAY)


def mapped(value: Any, *chain: dict[str, Any], source: FieldType = "text", **rule: Any) -> MappedRows:
    """One record's value in field `a` through one rule to `b`."""
    return compiled({"transforms": list(chain), **rule} if chain else rule, source).map_rows(("a",), [(value,)])


def result_of(value: Any, *chain: dict[str, Any], source: FieldType = "text", **rule: Any) -> Any:
    result = mapped(value, *chain, source=source, **rule)
    assert result.rejects == []
    return result.rows[0][0]


# 1. hash, mask, lookup, json path


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("value", "source", "options", "expected"),
    [
        ("Zoë", "text", {}, sha256("Zoë".encode())),
        ("", "text", {}, sha256(b"")),
        (None, "text", {}, None),
        (5, "integer", {}, sha256(b"5")),
        (True, "boolean", {}, sha256(b"true")),
        (b"\x00\xff", "binary", {}, sha256(b"\x00\xff")),
        ("a", "text", {"salt": "sel "}, sha256(b"sel a")),
        ("a", "text", {"algorithm": "sha512"}, hashlib.sha512(b"a").hexdigest()),
    ],
)
def test_hash_is_that_of_the_values_text(value: Any, source: FieldType, options: dict[str, Any], expected: Any) -> None:
    assert result_of(value, {"op": "hash", **options}, source=source) == expected


@pytest.mark.parametrize(
    ("value", "source", "options", "expected"),
    [
        ("4111111111111111", "text", {"keep_last": 4}, "************1111"),
        (4111111111111111, "bigint", {"keep_first": 1, "keep_last": 2, "with": "•"}, "4•••••••••••••11"),
        ("secret", "text", {}, "******"),
        ("ab", "text", {"keep_first": 1, "keep_last": 1}, "**"),
        ("abc", "text", {"keep_first": 1, "keep_last": 1}, "a*c"),
        ("", "text", {"keep_first": 1}, ""),
        (None, "text", {}, None),
        ("🛫🛬x", "text", {"keep_first": 1}, "🛫**"),
        (date(2026, 1, 2), "date", {"keep_first": 4}, "2026******"),
    ],
)
def test_mask_keeps_a_few_characters(value: Any, source: FieldType, options: dict[str, Any], expected: Any) -> None:
    assert result_of(value, {"op": "mask", **options}, source=source) == expected


COUNTRIES = {"US": "United States", "CA": "Canada", "-": None}


@pytest.mark.parametrize(
    ("value", "source", "options", "expected"),
    [
        ("US", "text", {}, "United States"),
        ("-", "text", {}, None),
        (None, "text", {}, None),
        ("us", "text", {"ignore_case": True}, "United States"),
        ("us", "text", {"missing": "keep"}, "us"),
        ("us", "text", {"default": "elsewhere"}, "elsewhere"),
        ("us", "text", {"default": None}, None),
        (1, "integer", {"table": {"1": "one"}}, "one"),
        (True, "boolean", {"table": {"true": 1, "false": 0}}, 1),
        (2, "integer", {"table": {"1": "one"}, "missing": "keep"}, "2"),
    ],
)
def test_lookup_exchanges_values(value: Any, source: FieldType, options: dict[str, Any], expected: Any) -> None:
    result = result_of(value, {"op": "lookup", "table": COUNTRIES, **options}, source=source)
    assert (result, type(result)) == (expected, type(expected))


def test_lookup_rejects_what_it_does_not_know_by_default() -> None:
    (reject,) = mapped("us", {"op": "lookup", "table": COUNTRIES}).rejects
    assert reject == RowReject(0, "b", "not_in_table", "value 'us' is not in the table of its lookup")


@pytest.mark.parametrize("value", [math.nan, -math.inf, Decimal("Infinity"), "NaN", " -inf "])
def test_finite_makes_null_of_what_is_no_finite_number_and_counts_it(value: Any) -> None:
    source: FieldType = "text" if isinstance(value, str) else "decimal" if isinstance(value, Decimal) else "float"
    mapper = compiled({"transforms": [{"op": "finite", "otherwise": "null"}]}, source=source)
    result = mapper.map_rows(("a",), [(value,), (None,), (type(value)("1.5"),)])
    assert (result.nulled, result.rejects) == ({"b": 1}, [])
    assert [row[0] for row in result.rows] == [None, None, type(value)("1.5")]


@pytest.mark.parametrize(("field_type", "value"), [("float", math.nan), ("decimal", "Infinity"), ("float", "-inf")])
def test_number_that_is_not_finite_passes_to_targets_that_keep_it(field_type: FieldType, value: Any) -> None:
    rules, schema = parse_mapping([{"to": "b", "from": "a", "type": field_type}]), StreamSchema((Field("a", "text"),))
    strict = compile_mapping(rules, schema, None, TODAY)
    (reject,) = strict.map_rows(("a",), [(value,)]).rejects
    assert (reject.code, reject.reason.endswith("is not a finite number")) == ("wrong_type", True)
    keeping = compile_mapping(rules, schema, None, TODAY, lambda field, _number: field.name == "b")
    result = keeping.map_rows(("a",), [(value,), ("1.5",), ("1e999",)])
    assert encode_value(field_type, result.rows[0][0]) in ("NaN", "Infinity", "-Infinity")
    assert len(result.rejects) == (field_type == "float")  # 1e999 is a number that no float holds


def test_lookup_counts_what_it_makes_null() -> None:
    mapper = compiled({"transforms": [{"op": "lookup", "table": COUNTRIES, "missing": "null"}]})
    result = mapper.map_rows(("a",), [("US",), ("us",), (None,)])
    assert (list(result.rows), result.nulled) == ([("United States",), (None,), (None,)], {"b": 1})


@pytest.mark.parametrize(
    ("options", "source", "expected"),
    [
        ({"table": {"a": "x"}}, "text", Field("b", "text")),
        ({"table": {"a": 1, "b": 2.5}}, "text", Field("b", "float")),
        ({"table": {"a": 1}, "missing": "keep"}, "text", Field("b", "text")),
        ({"table": {"1": 2}, "missing": "keep"}, "integer", Field("b", "integer")),
        ({"table": {"1": None}, "missing": "keep"}, "integer", Field("b", "integer")),
    ],
)
def test_the_type_of_a_lookup_holds_all_it_can_give(
    options: dict[str, Any], source: FieldType, expected: Field
) -> None:
    assert compiled({"transforms": [{"op": "lookup", **options}]}, source).fields == (expected,)


def test_a_lookup_that_always_finds_a_value_makes_no_nulls() -> None:
    schema = StreamSchema((Field("a", "text", nullable=False),))
    for options, may_be_null in (({"default": 0}, False), ({"default": None}, True), ({"missing": "null"}, True)):
        transform = {"op": "lookup", "table": {"x": 1}, **options}
        rules = parse_mapping([{"to": "b", "from": "a", "transforms": [transform]}])
        assert compile_mapping(rules, schema, None, TODAY).fields[0].nullable is may_be_null


PLACE = {"type": "Point", "coordinates": [-87.6, 41.9], "a b": {"c": None}}


@pytest.mark.parametrize(
    ("value", "path", "expected"),
    [
        (PLACE, "$.type", "Point"),
        (PLACE, "$.coordinates[1]", "41.9"),
        (PLACE, "$.coordinates[-1]", "41.9"),
        (PLACE, "$.coordinates[2]", None),
        (PLACE, "$.coordinates", "[-87.6,41.9]"),
        (PLACE, "$['a b']", '{"c":null}'),
        (PLACE, "$['a b'].c", None),
        (PLACE, "$.nowhere.at.all", None),
        (PLACE, "$[0]", None),
        ([PLACE], '$[0]["type"]', "Point"),
        ('{"a": {"b": [1, 2]}}', "$.a.b[0]", "1"),
        ('{"a": {"b": [1, 2]}}', "$.a", '{"b":[1,2]}'),
        (f'{{"a": {LONG_DECIMAL}}}', "$.a", LONG_DECIMAL),
        ('{"a": 9007199254740993}', "$.a", "9007199254740993"),
        (5, "$.a", None),
        (None, "$.a", None),
    ],
)
def test_json_path_takes_one_value(value: Any, path: str, expected: Any) -> None:
    assert result_of(value, {"op": "json_path", "path": path}, source="json") == expected


def test_what_a_json_path_finds_can_go_through_further_transforms() -> None:
    chain: list[dict[str, Any]] = [{"op": "json_path", "path": "$.coordinates[1]"}]
    chain.append({"op": "bounds", "min": 41.6, "max": 42.1})
    assert result_of(PLACE, *chain, source="json", type="float") == 41.9
    assert result_of('{"coordinates": [0, 41.7]}', *chain, {"op": "decimal"}) == Decimal("41.7")


# 2. awkward values: each is either kept to the letter or refused by name


@pytest.mark.parametrize(
    ("chain", "value", "expected"),
    [
        ([{"op": "lower"}], "İI", "i̇i"),  # no Turkish rules: a dot of its own, and an i with a dot
        ([{"op": "upper"}], "\u0131i", "II"),
        ([{"op": "null_if", "values": ["ß"], "ignore_case": True}], "SS", None),
        ([{"op": "null_if", "values": ["é"]}], "e\u0301", "e\u0301"),  # looks the same, is not
        ([{"op": "truncate", "length": 1}], "e\u0301", "e"),
        ([{"op": "strip"}], "\u2003\ufeffa\u200b ", "\ufeffa\u200b"),  # these two are no blanks
        ([{"op": "collapse_spaces"}], "\x1c a\x85b\u3000", "a b"),
        ([{"op": "null_if", "values": ["N/A"]}], "", ""),
        ([{"op": "null_if", "values": [""]}], "", None),
        ([{"op": "null_if", "values": [""]}], " ", " "),
        ([{"op": "integer"}], "9007199254740993", 9007199254740993),
        ([{"op": "integer"}], "-9223372036854775808", -(2**63)),
        ([{"op": "integer"}], "1e3", 1000),
        ([{"op": "decimal"}], LONG_DECIMAL, Decimal(LONG_DECIMAL)),
        ([{"op": "decimal"}], "1e-30", Decimal("1E-30")),
        ([{"op": "number"}], "-0", -0.0),
        ([{"op": "date"}], "0001-01-01", date(1, 1, 1)),
        ([{"op": "date"}], "9999-12-31", date(9999, 12, 31)),
        ([{"op": "date"}], "2024-02-29", date(2024, 2, 29)),
        ([{"op": "datetime", "zone": "America/Chicago"}], "2026-03-08T02:30", datetime(2026, 3, 8, 8, 30, tzinfo=UTC)),
        ([{"op": "datetime", "zone": "America/Chicago"}], "2026-11-01T01:30", datetime(2026, 11, 1, 6, 30, tzinfo=UTC)),
        ([{"op": "bounds", "min": 9007199254740992.5}], "9007199254740993", "9007199254740993"),
    ],
)
def test_an_awkward_value_becomes(chain: list[dict[str, Any]], value: Any, expected: Any) -> None:
    assert repr(result_of(value, *chain)) == repr(expected)


SHOWN_HUGE = f"'{'9' * 58}…"


@pytest.mark.parametrize(
    ("chain", "value", "code", "reason"),
    [
        (
            [],
            "a\x00",
            "wrong_type",
            "value 'a\\x00' holds a NUL character, which text columns refuse; strip_nul takes it out",
        ),
        (
            [{"op": "upper"}],
            "\udc80",
            "wrong_type",
            "value '\\udc80' holds half of a surrogate pair, which is no valid text",
        ),
        (
            [{"op": "hash"}],
            "\udc80",
            "wrong_type",
            "value '\\udc80' holds half of a surrogate pair, which is no valid text",
        ),
        (
            [{"op": "mask"}],
            "\x00",
            "wrong_type",
            "value '\\x00' holds a NUL character, which text columns refuse; strip_nul takes it out",
        ),
        ([{"op": "integer"}], HUGE, "wrong_type", f"value {SHOWN_HUGE} has more than 1000 digits"),
        ([{"op": "integer"}], "9223372036854775808", "wrong_type", None),
        ([{"op": "integer"}], "1.5", "wrong_type", "value '1.5' is not a whole number"),
        ([{"op": "integer"}], "", "wrong_type", "value '' is not a number"),
        ([{"op": "decimal"}], HUGE, "wrong_type", f"value {SHOWN_HUGE} has more than 1000 digits"),
        ([{"op": "decimal"}], "1e99999999999999999999", "wrong_type", None),
        ([{"op": "decimal"}], "NaN", "wrong_type", "value NaN is not a finite number"),
        ([{"op": "number"}], "Infinity", "wrong_type", "value inf is not a finite number"),
        ([{"op": "number"}], "1e999", "wrong_type", "value '1e999' is not a finite number"),
        ([{"op": "bounds", "min": 0}], "NaN", "out_of_bounds", "value 'NaN' lies within no bounds"),
        ([{"op": "finite"}], "-inf", "wrong_type", "value '-inf' is not a finite number"),
        ([{"op": "bounds", "min": 0}], HUGE, "wrong_type", f"value {SHOWN_HUGE} has more than 1000 digits"),
        ([{"op": "date"}], "2026-02-30", "wrong_type", "value '2026-02-30' is not a date such as 2026-11-23"),
        ([{"op": "date"}], "0000-01-01", "wrong_type", "value '0000-01-01' is not a date such as 2026-11-23"),
        ([{"op": "date"}], "10000-01-01", "wrong_type", "value '10000-01-01' is not a date such as 2026-11-23"),
        ([{"op": "date", "format": "%d.%m.%Y"}], "30.02.2026", "wrong_type", None),
        ([{"op": "datetime"}], "2026-02-30T00:00", "wrong_type", None),
        ([{"op": "datetime"}], "10000-01-01T00:00", "wrong_type", None),
        ([{"op": "datetime"}], "2026-01-01T25:00", "wrong_type", None),
        (
            [{"op": "datetime", "zone": "Asia/Tokyo"}],
            "0001-01-01T00:00",
            "wrong_type",
            "value '0001-01-01T00:00' is outside the years 1 to 9999",
        ),
        ([{"op": "datetime", "zone": "America/Chicago"}], "9999-12-31T23:59", "wrong_type", None),
        ([{"op": "boolean"}], "maybe", "wrong_type", "value 'maybe' is neither true nor false"),
        ([{"op": "json_path", "path": "$.a"}], "{", "wrong_type", "value '{' is not valid JSON"),
        ([{"op": "json_path", "path": "$.a"}], "[" * 100_000, "wrong_type", None),
        ([{"op": "json_path", "path": "$.a"}], f'{{"a": {HUGE}}}', "wrong_type", None),
        ([{"op": "lookup", "table": {"a": 1}}], b"a", "wrong_type", "value b'a' is binary, not text"),
        ([{"op": "null_if", "values": ["x"]}, {"op": "integer"}], " ", "wrong_type", "value ' ' is not a number"),
    ],
    ids=map(str, itertools.count()),  # some of these values are too long for a name
)
def test_an_awkward_value_is_refused_by_name(chain: list[dict[str, Any]], value: Any, code: str, reason: Any) -> None:
    (reject,) = mapped(value, *chain).rejects
    assert (reject.index, reject.field, reject.code) == (0, "b", code)
    assert reject.reason.startswith("value ")
    assert reason in (reject.reason, None)
    assert len(reject.reason) < 200


AWKWARD: list[Any] = [
    "",
    " ",
    "\x00",
    "\ud800",
    "e\u0301",
    "İ",
    HUGE,
    10**5_000,
    -(2**63) - 1,
    9007199254740993,
    True,
    float("nan"),
    float("-inf"),
    -0.0,
    Decimal("NaN"),
    Decimal("1E+999999"),
    Decimal(LONG_DECIMAL),
    "0000-00-00",
    "2026-02-30",
    "10000-01-01",
    date.min,
    date.max,
    datetime.min,  # noqa: DTZ901 - a time without a zone, at the very edge
    datetime.max.replace(tzinfo=UTC),
    b"\xff",
    {"a": float("nan"), "b": {"c": ["\x00"]}},
    [[[]]],
    "[" * 50_000,
    UUID(int=0),
]
OPTIONS: dict[str, dict[str, Any]] = {
    "null_if": {"values": ["", "N/A", 0], "ignore_case": True},
    "truncate": {"length": 3},
    "bounds": {"min": -90, "max": "next_year"},
    "date": {"format": "%d.%m.%Y"},
    "datetime": {"zone": "Asia/Tokyo"},
    "mask": {"keep_last": 4},
    "lookup": {"table": {"": 0, "True": 1}},
    "json_path": {"path": "$.b.c[0]"},
}


@pytest.mark.parametrize("source", ["text", "json", "decimal", "datetime"])
@pytest.mark.parametrize("op", OPERATIONS)
def test_whatever_the_value_its_record_is_kept_or_rejected_but_never_an_error(op: str, source: FieldType) -> None:
    mapper = compiled({"transforms": [{"op": op, **OPTIONS.get(op, {})}]}, source)
    result = mapper.map_rows(("a",), [(value,) for value in AWKWARD])
    assert sorted([*result.kept, *(reject.index for reject in result.rejects)]) == list(range(len(AWKWARD)))
    for reject in result.rejects:
        assert reject.field == "b"
        assert reject.code in ("wrong_type", "out_of_bounds", "not_in_table")
        assert len(reject.reason) < 200
        reject.reason.encode()
