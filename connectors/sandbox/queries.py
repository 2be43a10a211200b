"""Answers one query on one dataset: what SODA 2 or 3 was asked in, fields, types and JSON text out. Knows no HTTP."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from connectors.sandbox.datasets import DatasetSpec
from connectors.sandbox.errors import SodaError, malformed_query
from connectors.sandbox.faults import LiveColumn
from connectors.sandbox.rendering import Answer, aggregate_answer, rows_text
from connectors.sandbox.selecting import aggregate_sql, expand_stars, output_names, sql_columns
from connectors.sandbox.soql import ColumnName, Comparison, Expression, Literal, Logical, Query
from connectors.sandbox.soql_parser import parse_order, parse_select, parse_statement, parse_where
from connectors.sandbox.soql_sql import Columns, Sql, compile_order, compile_where
from connectors.sandbox.tables import table_of

DEFAULT_LIMIT = 1000
MAX_LIMIT = 50_000
# What rendering makes an answer of: the system fields and the record's ready-made JSON text.
RECORD_COLUMNS = tuple(Sql(name, "text") for name in ("id", "created_at", "updated_at", "body"))
CLAUSES = {"$select", "$where", "$order", "$limit", "$offset", "$$app_token"}
BODY_FIELDS = {"query", "page", "includeSynthetic"}


def answer_query(connection: sqlite3.Connection, spec: DatasetSpec, live: Sequence[LiveColumn], query: Query) -> Answer:
    """Raises SodaError (400) for what the query language or this dataset does not know."""
    columns = sql_columns(live)
    items = expand_stars(query.items, live)
    is_aggregate = [item.function is not None for item in items]
    if not any(is_aggregate):
        rows = _rows(connection, spec, list(RECORD_COLUMNS), query, columns)
        types = tuple(columns[str(item.column)].type for item in items)
        return Answer(output_names(items), types, rows_text(items, spec.columns, live, rows))
    if not all(is_aggregate):
        raise SodaError(400, "query.soql.column-not-in-group-bys", "Columns and aggregates cannot stand side by side.")
    selected = [aggregate_sql(item, columns) for item in items]
    return aggregate_answer(items, selected, _rows(connection, spec, selected, query, columns))


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


def query_of_parameters(parameters: Mapping[str, str]) -> Query:
    """What SODA 2 is asked by. Raises SodaError (400)."""
    conditions: list[Expression] = [
        Comparison("=", ColumnName(name.lower()), Literal(value))
        for name, value in parameters.items()
        if not name.startswith("$")
    ]
    if parameters.get("$where"):
        conditions.append(parse_where(parameters["$where"]))
    limit = _count(parameters, "$limit", DEFAULT_LIMIT)
    if limit > MAX_LIMIT:
        raise malformed_query(f"$limit is at most {MAX_LIMIT}, not {limit}")
    return Query(
        items=parse_select(parameters.get("$select") or "*"),
        where=Logical("AND", tuple(conditions)) if conditions else None,
        order=parse_order(parameters["$order"]) if parameters.get("$order") else (),
        limit=limit,
        offset=_count(parameters, "$offset", 0),
    )


def query_of_body(body: object) -> Query:
    """What SODA 3 is asked by: {query, page: {pageNumber, pageSize}, includeSynthetic}. Raises SodaError (400)."""
    if not isinstance(body, dict) or not body.keys() <= BODY_FIELDS or not isinstance(body.get("query"), str):
        raise malformed_query("the body of a query has a query and may have a page and includeSynthetic")
    query, page = parse_statement(body["query"]), body.get("page")
    if page is None:
        return query
    try:
        number, size = int(page["pageNumber"]), int(page["pageSize"])
    except (TypeError, KeyError, ValueError):
        raise malformed_query("a page has a pageNumber and a pageSize") from None
    if number < 1 or size < 1 or query.limit is not None or query.offset:
        raise malformed_query("pages are counted from 1, and are not for a query with LIMIT or OFFSET")
    return replace(query, limit=size, offset=(number - 1) * size)


def _rows(
    connection: sqlite3.Connection, spec: DatasetSpec, selected: Sequence[Sql], asked: Query, columns: Columns
) -> sqlite3.Cursor:
    query = f"SELECT {', '.join(part.text for part in selected)} FROM {table_of(spec)}"  # noqa: S608 - known names
    values = [value for part in selected for value in part.parameters]
    where = compile_where(asked.where, columns) if asked.where else None
    order = compile_order(asked.order, columns) if asked.order else None
    for word, clause in (("WHERE", where), ("ORDER BY", order)):
        if clause is not None:
            query += f" {word} {clause.text}"
            values += clause.parameters
    values += [-1 if asked.limit is None else asked.limit, asked.offset]
    return connection.execute(f"{query} LIMIT ? OFFSET ?", values)


def _count(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise malformed_query(f"{name} takes a whole number from 0, not {text!r}")
    return int(text)
