"""Values that are too large to be read: SQLite measures them and gives a mark in their place. Runs nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from secrets import token_hex
from typing import Any, LiteralString

from connectors.records import FieldType, OversizedValue
from connectors.sql_batches import Rows
from connectors.sql_text import Column, SQLText, joined, sql

LONG_TYPES: tuple[FieldType, ...] = ("text", "json", "binary")
MARK = f"syncdeck-too-large-{token_hex(16)}:"  # this process's own, so that no record can hold it
KNOWS_OCTETS = sqlite3.sqlite_version_info >= (3, 43)  # it tells them without loading the value
SIZE: LiteralString = "octet_length({value})" if KNOWS_OCTETS else "length(CAST({value} AS BLOB))"


def measured_columns(columns: Sequence[Column], most: int, unmeasured: Collection[str]) -> SQLText:
    """What to select from alias t, so that for values of more than `most` bytes a mark with their size comes.

    Columns in `unmeasured` come as they are: what is ordered by them needs their collation.
    """
    limit = SQLText(str(int(most)))
    asked = []
    for column in columns:
        value = sql("t.{column}", column=column.sql)
        if column.field.type in LONG_TYPES and column.name not in unmeasured:
            asked.append(
                sql(
                    "CASE WHEN {size} > {limit} THEN '{mark}' || {size} ELSE {value} END AS {name}",
                    size=sql(SIZE, value=value),
                    limit=limit,
                    mark=SQLText(MARK),
                    value=value,
                    name=column.sql,
                )
            )
        else:
            asked.append(value)
    return joined(asked)


def without_marks(columns: Sequence[Column], rows: Rows) -> Rows:
    """The rows with OversizedValues where marks are."""
    places = [place for place, column in enumerate(columns) if column.field.type in LONG_TYPES]
    large = {at for place in places for at, row in enumerate(rows) if _is_mark(row[place])}
    if not large:
        return rows
    return [tuple(map(_unmarked, row)) if at in large else row for at, row in enumerate(rows)]


def _is_mark(value: Any) -> bool:
    return type(value) is str and value.startswith(MARK)


def _unmarked(value: Any) -> Any:
    return OversizedValue(int(value[len(MARK) :])) if _is_mark(value) else value
