"""What a query selects: the columns as SQL, `*` spelled out, names of the output, aggregates. Runs no query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.sandbox.datasets import SODA2_TYPES, SYSTEM_TYPES, stored_value
from connectors.sandbox.errors import SodaError
from connectors.sandbox.faults import LiveColumn
from connectors.sandbox.soql import Selected
from connectors.sandbox.soql_sql import Columns, Sql, column_sql
from connectors.sandbox.tables import column_of

SYSTEM_FIELDS = tuple(SYSTEM_TYPES)
ADDED_VALUES: Mapping[str, object] = {
    "text": "added by the sandbox",
    "number": "1",
    "calendar_date": "2026-01-01T00:00:00.000",
    "checkbox": True,
    "url": {"url": "http://sandbox.invalid/"},
    "point": {"type": "Point", "coordinates": [0, 0]},
    "location": {"latitude": "0", "longitude": "0"},
}


def sql_columns(live: Sequence[LiveColumn]) -> dict[str, Sql]:
    columns = {name: Sql(name[1:], kind, nullable=False) for name, kind in SYSTEM_TYPES.items()}
    return columns | {column.name: _sql_column(column) for column in live}


def _sql_column(column: LiveColumn) -> Sql:
    kind = SODA2_TYPES[column.type]
    if column.origin == "added":
        return Sql("?", kind, (stored_value(column.type, ADDED_VALUES[column.type]),))
    stored = column_of(column.name)
    if column.origin == "retyped":
        return Sql(f"CAST({stored} AS {'NUMERIC' if column.type == 'number' else 'TEXT'})", kind)
    return Sql(stored, kind)


def expand_stars(items: Sequence[Selected], live: Sequence[LiveColumn]) -> list[Selected]:
    """The items with `*` and `:*` spelled out, each output name once. Raises SodaError (400)."""
    stars = {"*": [column.name for column in live], ":*": list(SYSTEM_FIELDS)}
    expanded: dict[str, Selected] = {}
    for item in items:
        named = [Selected(name) for name in stars[item.column]] if item.column in stars else [item]
        for one in named:
            if expanded.setdefault(output_name(one), one) != one:
                raise SodaError(400, "query.soql.duplicate-alias", f"Duplicate alias: {output_name(one)}")
    columns = sql_columns(live)
    for item in expanded.values():
        if item.column is not None:
            column_sql(item.column, columns)
    return list(expanded.values())


def output_name(item: Selected) -> str:
    if item.alias:
        return item.alias
    if item.function:
        return f"{item.function}_{item.column.lstrip(':')}" if item.column else item.function
    return str(item.column)


def output_names(items: Sequence[Selected]) -> tuple[str, ...]:
    return tuple(output_name(item) for item in items)


def aggregate_sql(item: Selected, columns: Columns) -> Sql:
    if item.column is None:
        return Sql("count(*)", "number")
    column = column_sql(item.column, columns)
    kind = column.type if item.function in ("max", "min") else "number"
    if item.function in ("sum", "avg") and column.type != "number":
        raise SodaError(400, "query.soql.type-mismatch", f"Type mismatch: {item.function} takes a number column")
    return Sql(f"{item.function}({column.text})", kind, column.parameters)
