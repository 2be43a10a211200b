"""Mappings drawn at random, computed by PostgreSQL and in Python on the same random rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, reject, settings
from hypothesis import strategies as st

from connectors.errors import ConfigError
from syncjobs.mapping import MappingProblems
from syncjobs.mapping.in_sql import NotInSQL, SQLMapping
from tests.postgres_server import PostgresServer
from tests.streams.sql_mappings import COLUMNS, Table, check_against_python, fill, in_sql, table_of_rows

BLANKS = " \t\u00a0\u2003\x1c\x85"
TEXTS = st.one_of(
    st.sampled_from(["", " ", "0", "-5", "12.50", "007", "+1", "1e3", "NaN", "N/A", "n/a", "5000", "9007199254740993"]),
    st.sampled_from(["'", "\\", "\\\\", "50%", "a_b", "e\u0301", "é", "İ", "ß", "🛫b", "\u200b", "{}", "true", "\n"]),
    st.text(st.sampled_from(f"aB1é{BLANKS}"), max_size=6),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=4),
)
FLOATS = st.one_of(
    st.sampled_from(
        ["NaN", "Infinity", "-Infinity", "-0", "0.1", "41.6", "42.1", "1e308", "5e-324", "9007199254740993"]
    ),
    st.floats(width=32).map(repr),
)
DECIMALS = st.sampled_from(
    ["NaN", "0", "-0.00", "1.10", "0.1", "41.6", "42.10", "5", "5.0", "5000.5", "2147483648", "1e399", "1e-30", "1e401"]
)
DAYS = [
    "0001-01-01",
    "9999-12-31",
    "2024-02-29",
    "2026-11-23",
    "infinity",
    "-infinity",
    "200000-01-01",
    "0044-03-15 BC",
]
TIMES = [
    *(f"{day} 23:59:59.999999" if day[0].isdigit() and "BC" not in day else day for day in DAYS),
    "2026-07-01 00:00",
]
SMALL = st.sampled_from(["0", "-1", "5", "120", "32767", "-32768"])
WHOLE = st.one_of(SMALL, st.sampled_from(["2147483647", "-2147483648", "5000"]))
BIG = st.one_of(
    WHOLE, st.sampled_from(["9007199254740993", "-9223372036854775808", "9223372036854775807", "2147483648"])
)
VALUES: dict[str, st.SearchStrategy[str]] = {
    "t": TEXTS,
    "v": TEXTS,
    "c": TEXTS.map(lambda text: text[:7]),
    "n": TEXTS.map(lambda text: text[:8]),
    "i2": SMALL,
    "i4": WHOLE,
    "i8": BIG,
    "d": DECIMALS,
    "f4": st.sampled_from(["NaN", "Infinity", "-0", "0.1", "41.6"]) | st.floats(width=32).map(repr),
    "f8": FLOATS,
    "b": st.sampled_from(["true", "false"]),
    "day": st.sampled_from(DAYS),
    "at": st.sampled_from(TIMES),
    "local": st.sampled_from(TIMES),
    "u": st.uuids().map(str),
    "x": st.sampled_from(["\\x", "\\x00ff"]),
    "j": st.sampled_from(["null", "5", '"text"', '{"a": [1.10, null]}', '"12345678901234567"', "1e30"]),
    "clock": st.sampled_from(["00:00", "23:59:59.5"]),
    "host": st.sampled_from(["10.0.0.1", "10.0.0.0/8"]),
    "list": st.sampled_from(["{}", "{1,NULL}"]),
}
ROWS = st.lists(st.fixed_dictionaries({name: st.none() | values for name, values in VALUES.items()}), max_size=4)


@pytest.fixture(scope="module")
def table(postgres_server: PostgresServer) -> Iterator[Table]:
    with table_of_rows(postgres_server) as made:
        yield made


TRANSFORMS: list[dict[str, Any]] = [
    *(
        {"op": op}
        for op in ("strip", "collapse_spaces", "upper", "lower", "number", "integer", "decimal", "boolean", "date")
    ),
    {"op": "datetime"},
    {"op": "datetime", "zone": "Europe/Berlin"},
    {"op": "null_if", "values": ["", "N/A", "0", "true", "2026-11-23"]},
    {"op": "null_if", "values": [0, 0.1, 5.0, 9007199254740993, True]},
    {"op": "null_if", "values": ["n/a"], "ignore_case": True},
    {"op": "truncate", "length": 2},
    {"op": "bounds", "min": 41.6, "max": 42.1, "outside": "null"},
    {"op": "bounds", "min": 0, "max": "next_year"},
    {"op": "bounds", "max": 9007199254740993, "outside": "null"},
    {"op": "hash"},
    {"op": "hash", "algorithm": "sha512", "salt": "it's \\"},
    {"op": "mask", "keep_first": 1, "keep_last": 2},
    {"op": "mask", "with": "•"},
    {"op": "lookup", "table": {"a": "x", "5": "five", "true": None}, "missing": "keep"},
    {"op": "lookup", "table": {"": 1, "5": 2}, "missing": "null"},
    {"op": "lookup", "table": {"5": 2.5}, "default": 0.5},
    {"op": "lookup", "table": {"a": "x"}},
    {"op": "lookup", "table": {"A": "x", "N/A": None}, "ignore_case": True, "missing": "keep"},
]
CONDITIONS: list[dict[str, Any]] = [
    *(
        {"op": op, "value": value}
        for op in ("eq", "ne", "lt", "le", "gt", "ge")
        for value in ("a", "é", "B", 5, 5000.5)
    ),
    *({"op": op, "value": value} for op in ("lt", "eq") for value in ("2026-11-23", "2026-07-01T00:00Z", 41.6, True)),
    {"op": "in", "value": ["a", "", "N/A"]},
    {"op": "not_in", "value": [5, 0.1]},
    {"op": "like", "value": "a%"},
    {"op": "like", "value": "_\\%%"},
    {"op": "like", "value": "a\\"},
    {"op": "is_null", "value": True},
    {"op": "is_null", "value": False},
]
NAMES = st.sampled_from(list(COLUMNS))
WHEN = st.builds(lambda name, rest: {"field": name, **rest}, NAMES, st.sampled_from(CONDITIONS))
ORIGINS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    NAMES.map(lambda name: {"from": name}),
    st.tuples(NAMES, NAMES).map(lambda pair: {"template": f"{{{pair[0]}}}'\\ {{{pair[1]}}}"}),
    st.sampled_from(["it's", 5, 2.5, True, None, [1, "x"]]).map(lambda value: {"value": value}),
    st.lists(WHEN, min_size=1, max_size=2).map(
        lambda whens: {"case": [{"when": when, "then": then} for then, when in enumerate(whens)], "else": -1}
    ),
)
TYPES_ = ["text", "integer", "bigint", "decimal", "float", "boolean", "date", "datetime", "json", "binary", "uuid"]
RULES = st.builds(
    lambda origin, rest: {"to": "x", **origin, **rest},
    ORIGINS,
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(TYPES_),
            "required": st.booleans(),
            "transforms": st.lists(st.sampled_from(TRANSFORMS), min_size=1, max_size=3),
        },
    ),
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(rule=RULES, rows=ROWS.filter(bool))
def test_sql_says_of_any_rule_what_python_says_or_declines(
    table: Table, rule: dict[str, Any], rows: list[dict[str, str | None]]
) -> None:
    connection, connector = table
    try:
        said = in_sql(connector, [rule])
    except (MappingProblems, ConfigError):
        reject()  # no mapping at all
    if isinstance(said, NotInSQL):
        event("left to Python")
        return
    fill(connection, rows)
    event("compared" if check_against_python(connector, [rule], said) else "doubted")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=ROWS.filter(bool))
def test_sql_copies_any_row_as_python_does(table: Table, rows: list[dict[str, str | None]]) -> None:
    connection, connector = table
    fill(connection, rows)
    said = in_sql(connector, None)
    assert isinstance(said, SQLMapping)
    check_against_python(connector, None, said)
