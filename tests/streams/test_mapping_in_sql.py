"""A mapping computed by PostgreSQL against the same mapping in Python, on the same rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, event, given, reject, settings
from hypothesis import strategies as st

from connectors.errors import ConfigError
from connectors.expressions import Constant, Expression
from connectors.postgres import PostgresConnector
from connectors.postgres_expressions import spell
from connectors.records import ReadRequest
from connectors.sql_text import joined, sql
from syncjobs.mapping import MappingProblems, compile_mapping, parse_mapping
from syncjobs.mapping.in_sql import NotInSQL, SQLMapping, compile_in_sql
from tests.connectors.sql_systems import postgres_config
from tests.postgres_server import PostgresServer

TODAY = date(2026, 11, 23)
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
DAYS = ["0001-01-01", "9999-12-31", "2024-02-29", "2026-11-23", "infinity", "-infinity", "10000-01-01", "0044-03-15 BC"]
TIMES = [
    *(f"{day} 23:59:59.999999" if day[0].isdigit() and "BC" not in day else day for day in DAYS),
    "2026-07-01 00:00",
]
SMALL = st.sampled_from(["0", "-1", "5", "120", "32767", "-32768"])
WHOLE = st.one_of(SMALL, st.sampled_from(["2147483647", "-2147483648", "5000"]))
BIG = st.one_of(
    WHOLE, st.sampled_from(["9007199254740993", "-9223372036854775808", "9223372036854775807", "2147483648"])
)
COLUMNS: dict[str, tuple[str, st.SearchStrategy[str]]] = {
    "t": ("text", TEXTS),
    "v": ("varchar(40)", TEXTS),
    "c": ("char(7)", TEXTS.map(lambda text: text[:7])),
    "n": ("name", TEXTS.map(lambda text: text[:8])),
    "i2": ("int2", SMALL),
    "i4": ("int4", WHOLE),
    "i8": ("int8", BIG),
    "d": ("numeric", DECIMALS),
    "f4": ("float4", st.sampled_from(["NaN", "Infinity", "-0", "0.1", "41.6"]) | st.floats(width=32).map(repr)),
    "f8": ("float8", FLOATS),
    "b": ("boolean", st.sampled_from(["true", "false"])),
    "day": ("date", st.sampled_from(DAYS)),
    "at": ("timestamptz", st.sampled_from(TIMES)),
    "local": ("timestamp", st.sampled_from(TIMES)),
    "u": ("uuid", st.uuids().map(str)),
    "x": ("bytea", st.sampled_from(["\\x", "\\x00ff"])),
    "j": ("jsonb", st.sampled_from(["null", "5", '"text"', '{"a": [1.10, null]}', '"12345678901234567"', "1e30"])),
    "clock": ("time", st.sampled_from(["00:00", "23:59:59.5"])),
    "host": ("inet", st.sampled_from(["10.0.0.1", "10.0.0.0/8"])),
    "list": ("int4[]", st.sampled_from(["{}", "{1,NULL}"])),
}
ROWS = st.lists(st.fixed_dictionaries({name: st.none() | values for name, (_, values) in COLUMNS.items()}), max_size=4)


@pytest.fixture(scope="module")
def source(postgres_server: PostgresServer) -> Iterator[tuple[psycopg.Connection, PostgresConnector]]:
    """A connection to write by, and the connector that reads the table `rows`."""
    url = postgres_server.create_database()
    config, credentials = postgres_config(postgres_server, url)
    connector = PostgresConnector("source", config, credentials)
    with psycopg.connect(url, autocommit=True) as connection:
        columns = ", ".join(f"{name} {native}" for name, (native, _) in COLUMNS.items())
        connection.execute(f"CREATE TABLE rows (id int PRIMARY KEY, {columns})")
        yield connection, connector
    connector.close()
    postgres_server.drop_database(url)


def fill(connection: psycopg.Connection, rows: list[dict[str, str | None]]) -> None:
    connection.execute("TRUNCATE rows")
    for number, row in enumerate(rows):
        places = ", ".join(f"%s::text::{COLUMNS[name][0]}" for name in row)
        query = f"INSERT INTO rows (id, {', '.join(row)}) VALUES ({number}, {places})"  # noqa: S608 - our own names
        connection.execute(query, list(row.values()))


def in_sql(connector: PostgresConnector, mapping: list[dict[str, Any]] | None) -> SQLMapping | NotInSQL:
    schema = connector.schema("rows")
    return compile_in_sql(None if mapping is None else parse_mapping(mapping), schema, None, TODAY)


NEVER = Constant("boolean", value=False)


def computed(connector: PostgresConnector, said: SQLMapping) -> list[tuple[Any, ...]]:
    """The target values of every row, then whether it is doubted, then whether each bounded field was made null."""
    columns = {column.name: column for column in connector.find_table("rows").columns}
    flags = [said.doubts or NEVER, *(condition for _, condition in said.nulled)]
    asked: list[Expression] = [expression for _, expression in said.columns]
    query = sql(
        "SELECT {asked} FROM rows AS t ORDER BY t.id",
        asked=joined(spell(expression, columns) for expression in [*asked, *flags]),
    )
    return connector.reader().fetch(query)


def check_against_python(connector: PostgresConnector, mapping: list[dict[str, Any]] | None, said: SQLMapping) -> int:
    """Compare row by row; how many rows SQL was sure of."""
    schema = connector.schema("rows")
    mapper = compile_mapping(None if mapping is None else parse_mapping(mapping), schema, None, TODAY)
    assert tuple(field for field, _ in said.columns) == mapper.fields
    sure = 0
    for batch in connector.read(ReadRequest("rows", columns=None, key=("id",))):
        answers = computed(connector, said)
        for number, row in enumerate(batch.rows):
            result = mapper.map_rows(batch.names, [row])
            values, doubted = answers[number][: len(mapper.fields)], answers[number][len(mapper.fields)]
            if doubted:
                continue
            sure += 1
            assert result.rejects == [], f"SQL did not doubt {row}"
            shown = [show(value, one.type) for value, one in zip(values, mapper.fields, strict=True)]
            assert shown == [show(value, one.type) for value, one in zip(result.rows[0], mapper.fields, strict=True)]
            flags = answers[number][len(mapper.fields) + 1 :]
            nulled = {name for (name, _), is_null in zip(said.nulled, flags, strict=True) if is_null}
            assert nulled == result.nulled.keys()
    return sure


def show(value: Any, field_type: str) -> str:
    """A value to the letter; JSON as its content, since spaces and trailing zeros are the server's."""
    if field_type != "json":
        return repr(value)
    return json.dumps(json.loads(value) if isinstance(value, str) and value[:1] in '"[{' else value, sort_keys=True)


# 1. Whole mappings, drawn at random.

TRANSFORMS: list[dict[str, Any]] = [
    *({"op": op} for op in ("strip", "collapse_spaces", "upper", "number", "integer", "decimal", "boolean", "date")),
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


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(rule=RULES, rows=ROWS.filter(bool))
def test_sql_says_of_any_rule_what_python_says_or_declines(
    source: tuple[psycopg.Connection, PostgresConnector], rule: dict[str, Any], rows: list[dict[str, str | None]]
) -> None:
    connection, connector = source
    try:
        said = in_sql(connector, [rule])
    except (MappingProblems, ConfigError):
        reject()  # no mapping at all
    if isinstance(said, NotInSQL):
        event("left to Python")
        return
    fill(connection, rows)
    event("compared" if check_against_python(connector, [rule], said) else "doubted")


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=ROWS.filter(bool))
def test_sql_copies_any_row_as_python_does(
    source: tuple[psycopg.Connection, PostgresConnector], rows: list[dict[str, str | None]]
) -> None:
    connection, connector = source
    fill(connection, rows)
    said = in_sql(connector, None)
    assert isinstance(said, SQLMapping)
    check_against_python(connector, None, said)
