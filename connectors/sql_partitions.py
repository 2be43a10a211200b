"""Reads a table or query in ranges of one field, so that no statement has to go through all of it. Runs nothing.

A range is (low, high]; low or high None = open. A position is the range, and where the reading is inside it: JSON that
a later attempt goes on from, also where nothing but the range gives the records an order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from connectors.errors import ConfigError
from connectors.records import Batch, Field, Filter, PartitionRequest, ReadRequest, decode_value, encode_value
from connectors.sql_selects import Parameters, ReadDialect, where
from connectors.sql_text import Column, SQLText, Table, joined, sql

PARTITION_TYPES = ("integer", "bigint", "decimal", "date", "datetime", "text")
COARSEST = 10  # times the wanted rows, that a range without any order inside may hold
END = "end"

Read = Callable[[ReadRequest], Iterator[Batch]]
Boundary = Callable[[Any], Any]
"""From the high end of a range (None = from the start) to that of the next one; None = there is no further one."""


@dataclass(frozen=True, slots=True)
class Range:
    """Records with low < value <= high, or those without a value."""

    low: Any = None
    high: Any = None
    is_empty: bool = False

    def filters(self, field: str) -> tuple[Filter, ...]:
        if self.is_empty or (self.low is None and self.high is None):
            return (Filter(field, "is_null", self.is_empty),)
        low = () if self.low is None else (Filter(field, "gt", self.low),)
        return low if self.high is None else (*low, Filter(field, "le", self.high))

    def position(self, at: Any) -> dict[str, Any]:
        return {"low": self.low, "high": self.high, "is_empty": self.is_empty, "at": at}


class PartitionReader:
    """Reads one request range by range; `read` reads a range, `boundary` finds where the next one ends."""

    def __init__(
        self, request: ReadRequest, partition: PartitionRequest, field: Field, read: Read, boundary: Boundary
    ) -> None:
        self._request = request
        self._partition = partition
        self._field = field
        self._read = read
        self._boundary = boundary

    def batches(self) -> Iterator[Batch]:
        """Raises ConfigError `bad_partition`, `partition_too_coarse` or `bad_position`."""
        check_partition_type(self._request.stream, self._field)
        current, at = self._begin()
        while current is not None:
            if at != END:
                yield from self._read_range(current, at)
            current, at = self._next(current), None

    def _begin(self) -> tuple[Range | None, Any]:
        position = self._request.position
        if position is None:
            return Range(None, self._boundary(None)), None
        try:
            return Range(position["low"], position["high"], position["is_empty"]), position["at"]
        except (KeyError, TypeError):
            raise ConfigError(
                "bad_position",
                f"{self._request.stream}: the stored position does not fit the partition that is read by now",
                hint="Restart the job, so that it reads from the beginning.",
            ) from None

    def _next(self, last: Range) -> Range | None:
        if last.is_empty:
            return None
        if last.high is not None:
            return Range(last.high, self._boundary(last.high))
        return Range(is_empty=True) if self._field.nullable else None

    def _read_range(self, current: Range, at: Any) -> Iterator[Batch]:
        filters = self._request.filters + current.filters(self._field.name)
        unordered: list[Batch] = []
        for batch in self._read(replace(self._request, partition=None, filters=filters, position=at)):
            if batch.position is None:
                unordered.append(batch)
                self._check_size(current, sum(len(one.rows) for one in unordered))
            else:
                yield replace(batch, position=current.position(batch.position))
        if unordered:
            rows = [row for one in unordered for row in one.rows]
            byte_count = sum(one.byte_count for one in unordered)
            yield replace(unordered[0], rows=rows, position=current.position(END), byte_count=byte_count)

    def _check_size(self, current: Range, rows: int) -> None:
        if rows > self._partition.rows * COARSEST:
            who = "without a value" if current.is_empty else f"up to {current.high}"
            raise ConfigError(
                "partition_too_coarse",
                f"{self._request.stream}: more than {self._partition.rows * COARSEST:,} records lie in one range of"
                f" {self._field.name} ({who}), and without a key they can not be told apart",
                hint="Name a key of the source, or choose a partition field with more different values.",
            )


def check_partition_type(stream: str, field: Field) -> None:
    """Raise ConfigError `bad_partition` for a field whose values have no order to part by."""
    if field.type not in PARTITION_TYPES:
        raise ConfigError(
            "bad_partition",
            f"{stream}: the field {field.name} is of type {field.type}, by which records can not be parted",
            hint=f"Choose a partition field of type {', '.join(PARTITION_TYPES[:-1])} or {PARTITION_TYPES[-1]}.",
        )


def boundary_query(
    dialect: ReadDialect, table: Table, column: Column, request: ReadRequest, low: Any, rows: int
) -> tuple[SQLText, list[Any]]:
    """The statement, with its parameters, for the value of the record `rows` records beyond `low`."""
    parameters = Parameters(dialect)
    beyond = Range(low=low).filters(column.name)
    conditions = where(table, (*request.filters, *beyond), parameters)
    query = sql(
        "SELECT {shown} FROM {table} AS t WHERE {all} ORDER BY t.{ordered} LIMIT 1 OFFSET {offset}",
        shown=dialect.shown(column, sql("t.{column}", column=column.sql)),
        table=table.sql,
        all=joined(conditions, " AND "),
        ordered=column.ordered,
        offset=SQLText(str(int(rows) - 1)),
    )
    return query, parameters.values


def as_bounds(field: Field, values: Iterable[Any]) -> list[Any]:
    """The JSON forms of ascending values, each once; those that are none of their type bound nothing."""
    found = [as_boundary(field, value) for value in values]
    return [value for place, value in enumerate(found) if value is not None and value not in found[:place]]


def as_boundary(field: Field, value: Any) -> Any:
    """The value's JSON form; None (an open end) for one that is none of its type, which lie beyond all others."""
    try:
        return encode_value(field.type, decode_value(field.type, value))
    except ValueError:
        return None
