"""Where the parts of a large PostgreSQL table end, about, by a sample of its pages. Builds text, runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.records import Filter
from connectors.sql_selects import Parameters, ReadDialect, where
from connectors.sql_text import Column, SQLText, Table, joined, sql

WORTH_SAMPLING = 500_000  # records
SAMPLED = 200_000  # records


def sample_query(
    dialect: ReadDialect, table: Table, column: Column, filters: Sequence[Filter], parts: int, records: int
) -> tuple[SQLText, list[Any]]:
    """The statement, with its parameters, for the first value of each part but the first, ascending.

    Gives nothing where the sample has fewer records than there are parts.
    """
    parameters = Parameters(dialect)
    conditions = where(table, (*filters, Filter(column.name, "is_null", False)), parameters)
    query = sql(
        "SELECT {shown} FROM (SELECT t.{name}, row_number() OVER (ORDER BY t.{ordered}) - 1 AS syncdeck_place,"
        " count(*) OVER () AS syncdeck_records FROM {table} AS t TABLESAMPLE SYSTEM ({percent}) WHERE {all}) AS t"
        " WHERE syncdeck_records >= {parts} AND syncdeck_place > 0"
        " AND syncdeck_place * {parts} / syncdeck_records > (syncdeck_place - 1) * {parts} / syncdeck_records"
        " ORDER BY syncdeck_place",
        shown=dialect.shown(column, sql("t.{name}", name=column.sql)),
        name=column.sql,
        ordered=column.ordered,
        table=table.sql,
        percent=SQLText(f"{min(100.0, 100.0 * SAMPLED / records):.6f}"),
        all=joined(conditions, " AND "),
        parts=SQLText(str(int(parts))),
    )
    return query, parameters.values
