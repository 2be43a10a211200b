"""What of a mapping PostgreSQL computes exactly as Python does, and what it has to leave to Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from syncjobs.mapping import parse_mapping
from syncjobs.mapping.in_sql import NotInSQL, SQLMapping, compile_in_sql
from tests.postgres_server import PostgresServer
from tests.streams.sql_mappings import (
    COLUMNS,
    TODAY,
    Table,
    check_against_python,
    computed,
    fill,
    in_sql,
    table_of_rows,
)


@pytest.fixture(scope="module")
def table(postgres_server: PostgresServer) -> Iterator[Table]:
    with table_of_rows(postgres_server) as made:
        yield made


ORDINARY: list[dict[str, str | None]] = [
    {
        "t": " 12\u00a0a ",
        "v": "007",
        "c": "ab",
        "n": "name",
        "i2": "5",
        "i4": "42",
        "i8": "9007199254740993",
        "d": "41.60",
        "f4": "0.1",
        "f8": "-0",
        "b": "true",
        "day": "2026-11-23",
        "at": "2026-11-23 00:00+01",
        "local": "2026-07-01 12:00",
        "u": "00000000-0000-0000-0000-000000000005",
        "x": "\\x00ff",
        "j": '{"a": [1.5, null]}',
        "clock": "23:59:59.5",
        "host": "10.0.0.1",
        "list": "{1,NULL}",
    },
    dict.fromkeys(COLUMNS),
]


def whole(field: str, **rest: Any) -> dict[str, Any]:
    return {"to": "x", "from": field, **rest}


def through(field: str, *chain: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return whole(field, transforms=list(chain), **rest)


def case(field: str, op: str, value: Any) -> dict[str, Any]:
    return {"to": "x", "case": [{"when": {"field": field, "op": op, "value": value}, "then": "yes"}], "else": "no"}


@pytest.mark.parametrize(
    "rule",
    [
        *(whole(name) for name in COLUMNS),
        *(whole(name, type="text") for name in ("i4", "i8", "b", "u", "day")),
        *(whole("i4", type=wanted) for wanted in ("bigint", "decimal", "float")),
        whole("i2", type="integer"),
        whole("v", type="integer"),
        through("v", {"op": "decimal"}),
        through("t", {"op": "strip"}, {"op": "strip_nul"}, {"op": "collapse_spaces"}, {"op": "truncate", "length": 3}),
        through("t", {"op": "null_if", "values": ["", "N/A", 0]}, type="text"),
        through("d", {"op": "bounds", "min": 41.6, "max": 42.1, "outside": "null"}),
        through("f8", {"op": "bounds", "max": 120}),
        through("i8", {"op": "bounds", "min": 0, "outside": "null"}, {"op": "null_if", "values": [5]}),
        through("u", {"op": "hash", "salt": "s"}),
        through("n", {"op": "mask", "keep_first": 1}),
        through("c", {"op": "lookup", "table": {"ab     ": "x"}, "missing": "null"}),
        through("day", {"op": "datetime"}),
        through("at", {"op": "date"}),
        {"to": "x", "template": "{t}-{i8}/{b} {day}"},
        {"to": "x", "value": {"a": [1]}},
        {"to": "x", "value": "2026-11-23", "type": "date"},
        *(case("t", op, "12") for op in ("eq", "ne", "lt", "le", "gt", "ge", "like")),
        case("i4", "gt", 41.5),
        case("f8", "in", [0, 0.1]),
        case("u", "not_in", ["00000000-0000-0000-0000-000000000005"]),
        case("at", "lt", "2026-11-23T00:00Z"),
        case("day", "ge", "2026-11-23"),
        case("j", "is_null", False),
    ],
    ids=str,
)
def test_sql_is_sure_of_ordinary_rows(table: Table, rule: dict[str, Any]) -> None:
    connection, connector = table
    fill(connection, ORDINARY)
    said = in_sql(connector, [rule])
    assert isinstance(said, SQLMapping), said
    assert check_against_python(connector, [rule], said) == len(ORDINARY)


COMPARED: dict[str, tuple[list[str], list[Any]]] = {
    "t": (["", " ", "B", "Z", "a", "b", "é", "e\u0301", "🛫", "~"], ["", "B", "a", "b", "é", "~", "🛫"]),
    "i4": (["-1", "5", "6"], [5, 5.5, -0.5]),
    "i8": (["9007199254740992", "9007199254740993", "5"], [9007199254740992, 9007199254740993, 5.0]),
    "d": (["0.1", "0.10000000000000001", "5", "5.0", "-0"], [0.1, 5, 0, 5.0]),
    "f8": (["0.1", "0.30000000000000004", "-0", "9007199254740992"], [0.1, 0.3, 0, 9007199254740992]),
    "day": (["2026-11-22", "2026-11-23", "0001-01-01"], ["2026-11-23"]),
    "at": (["2026-11-23 00:00+00", "2026-11-23 00:00+01"], ["2026-11-23", "2026-11-22T23:00Z"]),
    "b": (["true", "false"], [True, False]),
}


LETTERS = ["N/A", "unKnown", "Un\u212anown", "unk\u017f", "Äpfel Ж", "ĳ Ǆ ǆ", "\u10d0\u1c90", "𐐨𐐀", "1 a"]
ODD_LETTERS = ["straße", "İ", "ΣΑΣ", "ﬁ"]


def test_the_case_of_letters_is_that_of_python_in_any_language(table: Table) -> None:
    connection, connector = table
    chains: list[dict[str, Any]] = [
        {"op": "upper"},
        {"op": "lower"},
        {"op": "null_if", "values": ["n/a", "UNKNOWN", "unks"], "ignore_case": True},
        {"op": "lookup", "table": {"UNKNOWN": "?", "unks": "!"}, "ignore_case": True, "missing": "keep"},
    ]
    mapping = [{"to": f"x{number}", "from": "t", "transforms": [step]} for number, step in enumerate(chains)]
    fill(connection, [{"t": text} for text in [*LETTERS, *ODD_LETTERS]])
    said = in_sql(connector, mapping)
    assert isinstance(said, SQLMapping), said
    assert check_against_python(connector, mapping, said) == len(LETTERS)


@pytest.mark.parametrize("field", COMPARED)
def test_values_are_compared_alike(table: Table, field: str) -> None:
    connection, connector = table
    values, wanted = COMPARED[field]
    whens = [{"op": op, "value": one} for op in ("eq", "ne", "lt", "le", "gt", "ge") for one in wanted]
    whens += [{"op": op, "value": wanted} for op in ("in", "not_in")]
    mapping = [
        {"to": f"x{number}", "case": [{"when": {"field": field, **when}, "then": 1}], "else": 0}
        for number, when in enumerate(whens)
    ]
    fill(connection, [{field: value} for value in [*values, None]])
    said = in_sql(connector, mapping)
    assert isinstance(said, SQLMapping), said
    assert check_against_python(connector, mapping, said) == len(values) + 1


@pytest.mark.parametrize("limit", [0, 0.1, 5, 5.0, -1, 9007199254740993, 1e300])
def test_bounds_and_equal_numbers_are_told_alike(table: Table, limit: float) -> None:
    connection, connector = table
    numbers = {name: COMPARED[name][0] for name in ("i4", "i8", "d", "f8")}
    transforms = [
        {"op": "bounds", "min": limit, "outside": "null"},
        {"op": "bounds", "max": limit, "outside": "null"},
        {"op": "null_if", "values": [limit]},
    ]
    mapping = [
        {"to": f"{name}{number}", "from": name, "transforms": [transform]}
        for name in numbers
        for number, transform in enumerate(transforms)
        if not (name == "f8" and limit == 9007199254740993)  # no float is like it, so bounds are Python's
    ]
    fill(connection, [{name: value} for name, values in numbers.items() for value in values])
    said = in_sql(connector, mapping)
    assert isinstance(said, SQLMapping), said
    assert check_against_python(connector, mapping, said) == sum(map(len, numbers.values()))


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (
            through("t", {"op": "null_if", "values": ["ä"], "ignore_case": True}),
            "these letters are compared in any case by Python",
        ),
        (
            through("t", {"op": "lookup", "table": {"Miss": "x"}, "ignore_case": True}),
            "these letters are compared in any case by Python",
        ),
        (through("j", {"op": "json_path", "path": "$.a"}), "JSON is taken apart by Python"),
        (through("day", {"op": "datetime", "zone": "Europe/Berlin"}), "days are placed in a time zone by Python"),
        (through("t", {"op": "date"}), "date out of text is made in Python"),
        (whole("f8", type="text"), "text out of float is made in Python"),
        (case("t", "regex", "^1"), "regular expressions differ from system to system"),
        (case("t", "gt", 5), "texts are compared with numbers in Python"),
        (case("t", "like", "a\\"), "a pattern that ends in a backslash is an error in SQL"),
    ],
)
def test_what_may_differ_is_left_to_python(table: Table, rule: dict[str, Any], reason: str) -> None:
    assert in_sql(table[1], [rule]) == NotInSQL("x", reason)


@pytest.mark.parametrize(
    ("rule", "row"),
    [
        (whole("f8"), {"f8": "NaN"}),
        (whole("day"), {"day": "infinity"}),
        (whole("day", type="datetime"), {"day": "400000-01-01"}),
        (whole("day", type="text"), {"day": "-infinity"}),
        (whole("at"), {"at": "0044-03-15 BC"}),
        (whole("d"), {"d": "1e401"}),
        (whole("j"), {"j": "null"}),
        (whole("i8", type="integer"), {"i8": "2147483648"}),
        (whole("t", required=True), {"t": "\u2003"}),
        (whole("t", type="integer"), {"t": "twelve"}),
        (through("i4", {"op": "bounds", "min": 0}), {"i4": "-1"}),
        (through("t", {"op": "lookup", "table": {"a": "b"}}), {"t": "c"}),
    ],
)
def test_a_record_that_python_refuses_is_doubted(
    table: Table, rule: dict[str, Any], row: dict[str, str | None]
) -> None:
    connection, connector = table
    fill(connection, [row])
    said = in_sql(connector, [rule])
    assert isinstance(said, SQLMapping), said
    ((_, is_doubted),) = computed(connector, said)
    assert is_doubted is True


def test_an_empty_key_is_doubted(table: Table) -> None:
    connection, connector = table
    fill(connection, [{"t": None}, {"t": "a"}])
    said = compile_in_sql(parse_mapping([whole("t")]), connector.schema("rows"), None, TODAY, key=("x",))
    assert isinstance(said, SQLMapping)
    assert computed(connector, said) == [(None, True), ("a", False)]
