"""A PostgreSQL table of awkward columns, and a mapping of it computed there against the same in Python."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import psycopg

from connectors.expressions import Constant, Expression
from connectors.postgres import PostgresConnector
from connectors.postgres_expressions import spell
from connectors.records import ReadRequest
from connectors.sql_text import joined, sql
from syncjobs.mapping import compile_mapping, parse_mapping
from syncjobs.mapping.in_sql import NotInSQL, SQLMapping, compile_in_sql
from tests.connectors.sql_systems import postgres_config
from tests.postgres_server import PostgresServer

TODAY = date(2026, 11, 23)
COLUMNS = {
    "t": "text",
    "v": "varchar(40)",
    "c": "char(7)",
    "n": "name",
    "i2": "int2",
    "i4": "int4",
    "i8": "int8",
    "d": "numeric",
    "f4": "float4",
    "f8": "float8",
    "b": "boolean",
    "day": "date",
    "at": "timestamptz",
    "local": "timestamp",
    "u": "uuid",
    "x": "bytea",
    "j": "jsonb",
    "clock": "time",
    "host": "inet",
    "list": "int4[]",
}
NEVER = Constant("boolean", value=False)
Table = tuple[psycopg.Connection, PostgresConnector]
"""A connection to write the table `rows` by, and the connector that reads it."""


@contextmanager
def table_of_rows(server: PostgresServer) -> Iterator[Table]:
    """An empty table `rows` in a database of its own."""
    url = server.create_database()
    config, credentials = postgres_config(server, url)
    connector = PostgresConnector("source", config, credentials)
    with psycopg.connect(url, autocommit=True) as connection:
        columns = ", ".join(f"{name} {native}" for name, native in COLUMNS.items())
        connection.execute(f"CREATE TABLE rows (id int PRIMARY KEY, {columns})")
        yield connection, connector
    connector.close()
    server.drop_database(url)


def fill(connection: psycopg.Connection, rows: list[dict[str, str | None]]) -> None:
    connection.execute("TRUNCATE rows")
    for number, row in enumerate(rows):
        places = ", ".join(f"%s::text::{COLUMNS[name]}" for name in row)
        query = f"INSERT INTO rows (id, {', '.join(row)}) VALUES ({number}, {places})"  # noqa: S608 - our own names
        connection.execute(query, list(row.values()))


def in_sql(connector: PostgresConnector, mapping: list[dict[str, Any]] | None) -> SQLMapping | NotInSQL:
    schema = connector.schema("rows")
    return compile_in_sql(None if mapping is None else parse_mapping(mapping), schema, None, TODAY)


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
