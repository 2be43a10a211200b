"""Pages of SQLite whose order may have equal rows: these stay together at a page's end, without ranking the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from connectors.sql_batches import Rows, begin_of_last_equals
from connectors.sql_selects import Order
from connectors.sql_text import Column, SQLText, joined, sql

BY_BYTES = sql(" COLLATE BINARY")


def is_exact(column: Column) -> bool:
    """Whether values that are equal in the order are equal here, too: not where a collation of the column says so."""
    return column.collation == BY_BYTES or (not column.collation and column.field.type != "text")


def fetch_with_equals(
    fetch_some: Callable[[SQLText, Sequence[Any]], tuple[Rows, bool]],
    fetch: Callable[[SQLText, Sequence[Any]], Rows],
    query: SQLText,
    selected: Sequence[Column],
    order: Order,
    size: int,
    values: Sequence[Any],
) -> tuple[Rows, bool]:
    """The first `size` rows with all the equals of the last one; a row more is asked for, to see whether it is one.

    Fewer where they are large. Also whether there may be more.
    """
    by = joined(sql("t.{column}", column=column.ordered) for column in order.columns)
    limit = SQLText(str(int(size) + 1))
    rows, is_cut = fetch_some(sql("{query} ORDER BY {by} LIMIT {limit}", query=query, by=by, limit=limit), values)
    names = [column.name for column in selected]
    places = [names.index(column.name) for column in order.columns]
    if is_cut and (end := begin_of_last_equals(rows, places)):
        return rows[:end], True
    if is_cut:
        size = len(rows)
    elif len(rows) <= size:
        return rows, False
    last = [rows[size - 1][place] for place in places]
    if not is_cut and [rows[size][place] for place in places] != last:
        return rows[:size], True
    equal = joined((sql("t.{column} IS ?", column=column.ordered) for column in order.columns), " AND ")
    wanted = joined(sql("t.{column}", column=column.sql) for column in selected)
    equals = fetch(
        sql("SELECT {wanted} FROM ({query}) AS t WHERE {equal}", wanted=wanted, query=query, equal=equal),
        [*values, *last],
    )
    return [row for row in rows[:size] if [row[place] for place in places] != last] + equals, True
