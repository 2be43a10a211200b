"""Texts with more blanks at their end than varchar(n) takes, which PostgreSQL cuts off without a word. Runs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.records import Field
from connectors.sql_text import Column, SQLText, sql


def uncut(column: Column, value: SQLText) -> SQLText:
    """The value, with another character behind blanks that would be cut off, so that it is refused."""
    if not _may_cut(column):
        return value
    length = SQLText(str(column.length))
    return sql("CASE WHEN length({value}) > {length} THEN {value} || '.' ELSE {value} END", value=value, length=length)


def cutting_columns(fields: Sequence[Field], columns: Sequence[Column]) -> Iterator[tuple[int, Column]]:
    """The columns, with their places, that may be given more than they take."""
    for place, (field, column) in enumerate(zip(fields, columns, strict=True)):
        if _may_cut(column) and not 0 < (field.length or 0) <= (column.length or 0):
            yield place, column


def _may_cut(column: Column) -> bool:
    """To char(n) blanks at the end mean nothing."""
    return column.native == "varchar" and column.length is not None
