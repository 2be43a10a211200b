"""Answers one SODA 2 query on one dataset: request parameters in, fields, types and JSON text out. Knows no HTTP."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from connectors.sandbox.datasets import DatasetSpec
from connectors.sandbox.errors import SodaError, malformed_query
from connectors.sandbox.faults import LiveColumn
from connectors.sandbox.rendering import Answer, aggregate_answer, rows_text
from connectors.sandbox.selecting import aggregate_sql, expand_stars, output_names, sql_columns
from connectors.sandbox.soql import ColumnName, Comparison, Literal
from connectors.sandbox.soql_parser import parse_order, parse_select, parse_where
from connectors.sandbox.soql_sql import Columns, Sql, compile_order, compile_where, join_conditions
from connectors.sandbox.tables import table_of

DEFAULT_LIMIT = 1000
MAX_LIMIT = 50_000
# What rendering makes an answer of: the system fields and the record's ready-made JSON text.
RECORD_COLUMNS = tuple(Sql(name, "text") for name in ("id", "created_at", "updated_at", "body"))
CLAUSES = {"$select", "$where", "$order", "$limit", "$offset", "$$app_token"}


def answer_query(
    connection: sqlite3.Connection, spec: DatasetSpec, live: Sequence[LiveColumn], parameters: Mapping[str, str]
) -> Answer:
    """Raises SodaError (400) for what the query language or this dataset does not know."""
    columns = sql_columns(live)
    items = expand_stars(parse_select(parameters.get("$select") or "*"), live)
    is_aggregate = [item.function is not None for item in items]
    if not any(is_aggregate):
        rows = _rows(connection, spec, list(RECORD_COLUMNS), parameters, columns)
        types = tuple(columns[str(item.column)].type for item in items)
        return Answer(output_names(items), types, rows_text(items, spec.columns, live, rows))
    if not all(is_aggregate):
        raise SodaError(400, "query.soql.column-not-in-group-bys", "Columns and aggregates cannot stand side by side.")
    selected = [aggregate_sql(item, columns) for item in items]
    return aggregate_answer(items, selected, _rows(connection, spec, selected, parameters, columns))


def parse_parameters(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The query string's parameters, each at most once. Raises SodaError (400)."""
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name in parameters:
            raise malformed_query(f"the parameter {name} stands twice")
        if name.startswith("$") and name not in CLAUSES:
            raise malformed_query(f"the sandbox does not know the parameter {name}")
        parameters[name] = value
    return parameters


def _rows(
    connection: sqlite3.Connection,
    spec: DatasetSpec,
    selected: Sequence[Sql],
    parameters: Mapping[str, str],
    columns: Columns,
) -> sqlite3.Cursor:
    query = f"SELECT {', '.join(part.text for part in selected)} FROM {table_of(spec)}"  # noqa: S608 - known names
    values = [value for part in selected for value in part.parameters]
    for word, clause in (("WHERE", _where(parameters, columns)), ("ORDER BY", _order(parameters, columns))):
        if clause is not None:
            query += f" {word} {clause.text}"
            values += clause.parameters
    values += [_count(parameters, "$limit", DEFAULT_LIMIT), _count(parameters, "$offset", 0)]
    return connection.execute(f"{query} LIMIT ? OFFSET ?", values)


def _order(parameters: Mapping[str, str], columns: Columns) -> Sql | None:
    return compile_order(parse_order(parameters["$order"]), columns) if parameters.get("$order") else None


def _where(parameters: Mapping[str, str], columns: Columns) -> Sql | None:
    conditions = [
        compile_where(Comparison("=", ColumnName(name.lower()), Literal(value)), columns)
        for name, value in parameters.items()
        if not name.startswith("$")
    ]
    if parameters.get("$where"):
        conditions.append(compile_where(parse_where(parameters["$where"]), columns))
    return join_conditions("AND", conditions) if conditions else None


def _count(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise malformed_query(f"{name} takes a whole number from 0, not {text!r}")
    if name == "$limit" and int(text) > MAX_LIMIT:
        raise malformed_query(f"$limit is at most {MAX_LIMIT}, not {text}")
    return int(text)
