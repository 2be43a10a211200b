"""Conditions, orders and pages of SELECT statements from structured requests. Builds text and parameters, runs nothing.

A page goes on after the last row of the page before by comparing its order columns (keyset), never by counting rows,
so rows that come and go meanwhile shift nothing. NULL fulfils no operator but is_null, as in SQL.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, LiteralString

from connectors.errors import ConfigError
from connectors.records import CursorRequest, Filter, decode_value
from connectors.sql_text import Column, SQLText, Table, joined, sql

COMPARISONS: dict[str, LiteralString] = {
    "eq": "{left} = {right}",
    "ne": "{left} <> {right}",
    "lt": "{left} < {right}",
    "le": "{left} <= {right}",
    "gt": "{left} > {right}",
    "ge": "{left} >= {right}",
}
MOST_FILTER_VALUES = 10_000  # drivers stop at 32,766 (SQLite) and 65,535 (PostgreSQL) parameters in a statement


class ReadDialect(ABC):
    """Where the SQL systems differ in reading."""

    nulls_come_last: ClassVar[bool]
    unique_means_ordered: ClassVar[bool]  # rows that a unique index tells apart also differ in ORDER BY

    @abstractmethod
    def placeholder(self, number: int, column: Column) -> SQLText:
        """How the parameter with this number (from 1) is written where it is compared with the column."""

    @abstractmethod
    def bound(self, column: Column, value: Any) -> Any:
        """What the driver is given for a value of the column's field type."""

    @abstractmethod
    def shown(self, column: Column, expression: SQLText) -> SQLText:
        """How a value of the column's type is read, e.g. with a cast that the driver needs."""

    @abstractmethod
    def collation(self, column: Column) -> SQLText:
        """What follows the column so that it is compared by value even where it is kept as text; mostly nothing."""

    def compared(self, column: Column) -> SQLText:
        """The expression of the column that filters compare."""
        return SQLText(column.sql + self.collation(column))

    @abstractmethod
    def pattern(self, operator: str, column: Column, placeholder: SQLText) -> SQLText:
        """The condition of operators like and regex."""

    @abstractmethod
    def positioned(self, column: Column, value: Any) -> Any:
        """A value that was read from an order column, as JSON for the position."""

    @abstractmethod
    def unpositioned(self, column: Column, value: Any) -> Any:
        """The parameter for a JSON value from a position."""


class Parameters:
    """The values of one statement, in the order of their placeholders."""

    def __init__(self, dialect: ReadDialect) -> None:
        self.dialect = dialect
        self.values: list[Any] = []

    def add(self, column: Column, value: Any) -> SQLText:
        self.values.append(value)
        return self.dialect.placeholder(len(self.values), column)

    def add_decoded(self, column: Column, item: Filter, value: Any) -> SQLText:
        """Add a filter's value as the column's type. Raises ConfigError `bad_filter`."""
        kind = "text" if item.operator in ("like", "regex") else column.field.type
        try:
            decoded = decode_value(kind, value)
        except ValueError as error:
            raise bad_filter(item, f"the value {str(value)[:80]!r} {error}") from None
        if decoded is None:
            raise bad_filter(item, "there is no value; use is_null to look for empty fields")
        if kind != column.field.type:
            return self.add(column, decoded)
        return self.add(column, self.dialect.bound(column, decoded))


def bad_filter(item: Filter, reason: str) -> ConfigError:
    """Names the filter and what is wrong with it."""
    return ConfigError("bad_filter", f"filter {item.operator} on '{item.field}': {reason}", hint="Correct the filter.")


def where(table: Table, filters: Sequence[Filter], parameters: Parameters) -> list[SQLText]:
    """One condition a filter. Raises ConfigError `bad_filter`, DataError `column_mismatch`."""
    columns = table.choose(item.field for item in filters)
    return [_condition(item, column, parameters) for item, column in zip(filters, columns, strict=True)]


def _condition(item: Filter, column: Column, parameters: Parameters) -> SQLText:
    if item.operator == "is_null":
        return sql("{column} IS NULL" if item.value else "{column} IS NOT NULL", column=column.sql)
    if item.operator in ("in", "not_in"):
        return _membership(item, column, parameters)
    if item.operator == "like" and len(str(item.value)) - len(str(item.value).rstrip("\\")) & 1:
        raise bad_filter(item, "the pattern ends in a backslash, which escapes nothing")
    if item.operator in ("like", "regex"):
        return parameters.dialect.pattern(item.operator, column, parameters.add_decoded(column, item, item.value))
    if item.operator not in COMPARISONS:
        raise bad_filter(item, "there is no such operator")
    value = parameters.add_decoded(column, item, item.value)
    return sql(COMPARISONS[item.operator], left=parameters.dialect.compared(column), right=value)


def _membership(item: Filter, column: Column, parameters: Parameters) -> SQLText:
    if not isinstance(item.value, list | tuple):
        raise bad_filter(item, "the value must be a list")
    if len(item.value) > MOST_FILTER_VALUES:
        raise bad_filter(item, f"there are {len(item.value)} values; {MOST_FILTER_VALUES} is the most")
    if not item.value:
        return sql("1 = 0") if item.operator == "in" else sql("{column} IS NOT NULL", column=column.sql)
    values = joined(parameters.add_decoded(column, item, value) for value in item.value)
    template: LiteralString = "{column} IN ({values})" if item.operator == "in" else "{column} NOT IN ({values})"
    return sql(template, column=parameters.dialect.compared(column), values=values)


def after(columns: Sequence[Column], position: Sequence[Any], parameters: Parameters) -> SQLText:
    """The condition of rows that come after the position. The position's values are JSON, null for an empty field."""
    # A comparison of whole rows can use an index; it passes over NULLs, which is right where they came first.
    is_plain = not (parameters.dialect.nulls_come_last and any(column.field.nullable for column in columns))
    if is_plain and all(value is not None for value in position):
        values = [_position_value(column, value, parameters) for column, value in zip(columns, position, strict=True)]
        return sql("({left}) > ({right})", left=joined(column.ordered for column in columns), right=joined(values))
    later: list[SQLText] = []
    for index, column in enumerate(columns):
        pairs = list(zip(columns[:index], position[:index], strict=True))
        same = [_is_same(earlier, value, parameters) for earlier, value in pairs]
        later.append(sql("({all})", all=joined([*same, _is_later(column, position[index], parameters)], " AND ")))
    return sql("({any})", any=joined(later, " OR "))


def _position_value(column: Column, value: Any, parameters: Parameters) -> SQLText:
    return parameters.add(column, parameters.dialect.unpositioned(column, value))


def _is_same(column: Column, value: Any, parameters: Parameters) -> SQLText:
    if value is None:
        return sql("{column} IS NULL", column=column.sql)
    return sql("{column} = {value}", column=column.ordered, value=_position_value(column, value, parameters))


def _is_later(column: Column, value: Any, parameters: Parameters) -> SQLText:
    nulls_last = parameters.dialect.nulls_come_last
    if value is None:
        return sql("1 = 0") if nulls_last else sql("{column} IS NOT NULL", column=column.sql)
    bound = _position_value(column, value, parameters)
    if nulls_last and column.field.nullable:
        return sql("({column} > {value} OR {column} IS NULL)", column=column.ordered, value=bound)
    return sql("{column} > {value}", column=column.ordered, value=bound)


def beyond_cursor(cursor: CursorRequest, first: Column, position: Any, parameters: Parameters) -> SQLText:
    """The condition of rows that the cursor has not left behind, on one column alone, so that an index answers it.

    `first` is the order's first column, `position` its value there (JSON) if the reading goes on.
    """
    if position is not None:
        return sql("{column} >= {value}", column=first.ordered, value=_position_value(first, position, parameters))
    if cursor.start is None:
        return sql("{column} IS NOT NULL", column=first.sql)
    value = parameters.add_decoded(first, Filter(cursor.field, "ge", cursor.start), cursor.start)
    template: LiteralString = "{column} >= {value}" if cursor.is_inclusive else "{column} > {value}"
    return sql(template, column=first.ordered, value=value)


@dataclass(frozen=True, slots=True)
class Order:
    """By which columns pages go on; `is_total` where no two rows can be alike in them."""

    columns: tuple[Column, ...]
    is_total: bool


def in_order(query: SQLText, order: Order) -> SQLText:
    """The statement, whose rows are of alias t, with its rows in that order."""
    by = joined(sql("t.{column}", column=column.ordered) for column in order.columns)
    return sql("{query} ORDER BY {by}", query=query, by=by)


def reading_order(table: Table, key: Sequence[str], dialect: ReadDialect) -> Order:
    """The order for a wanted key (the table's own if none is wanted), made total by the row's own place if need be."""
    names = tuple(key) or table.key
    columns = table.choose(names)
    # A unique index takes any number of rows with an empty field.
    is_unique = table.has_unique(names) and not any(column.field.nullable for column in columns)
    if is_unique and dialect.unique_means_ordered:
        return Order(columns, is_total=True)
    rest = tuple(column for column in table.row_order if column.name not in names)
    return Order(columns + rest, is_total=is_unique or bool(table.row_order))


def cursor_order(order: Order, cursor: Column, collation: SQLText) -> Order:
    """An order of the same rows by the cursor's value first; rows without one are not read, so it is never empty."""
    first = replace(cursor, field=replace(cursor.field, nullable=False), collation=collation)
    # Values that mean the same may still be spelled in two ways that a key tells apart.
    rest = tuple(column for column in order.columns if first.collation or column.name != cursor.name)
    return Order((first, *rest), order.is_total)
