"""Running a function over a column of values: at full speed while all goes well, value by value once one is refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from connectors.field_types import INTEGER_BOUNDS, LONGEST_NUMBER, TYPES, FieldType
from syncjobs.mapping.problems import quote
from syncjobs.mapping.steps import RefusedValue, Step
from syncjobs.mapping.text_decoding import decode_texts

ROWS_AT_ONCE = 500
REFUSALS = (ValueError, ArithmeticError, RecursionError)
"""What decoding and transforms raise for a value; RecursionError comes from deeply nested JSON text."""


@dataclass(frozen=True, slots=True)
class RowReject:
    """A record that can not be mapped: its index in the batch, the target field, a code, and words such as
    `value 'abc' is not a number` that follow the field's name.

    Codes: wrong_type, out_of_bounds, not_in_table, required.
    """

    index: int
    field: str
    code: str
    reason: str


@dataclass(slots=True)
class Refusals:
    """The rejects of one batch; the first one of each record counts."""

    by_index: dict[int, RowReject] = field(default_factory=dict)

    def add(self, index: int, field_name: str, code: str, reason: str) -> None:
        self.by_index.setdefault(index, RowReject(index, field_name, code, reason))

    def add_error(self, index: int, field_name: str, value: Any, error: Exception) -> None:
        code = error.code if isinstance(error, RefusedValue) else "wrong_type"
        words = str(error) if isinstance(error, ValueError) else "is nested or extended too far"
        self.add(index, field_name, code, f"value {quote(value)} {words}")


def turned(names: Sequence[str], rows: Sequence[tuple[Any, ...]], wanted: Sequence[str]) -> dict[str, list[Any]]:
    """The wanted columns of rows; some hundred rows at a time, which stay in the processor's cache."""
    columns: list[list[Any]] = [[] for _ in names]
    for begin in range(0, len(rows), ROWS_AT_ONCE):
        for column, part in zip(columns, zip(*rows[begin : begin + ROWS_AT_ONCE], strict=True), strict=True):
            column += part
    return {name: columns[names.index(name)] for name in wanted}


def run_step(step: Step, values: list[Any], field_name: str, refusals: Refusals) -> list[Any]:
    """`step` over all values but nulls; a refused one becomes null, and its record a reject."""
    try:
        return [None if value is None else step(value) for value in values]
    except REFUSALS:
        return [_try_step(step, index, value, field_name, refusals) for index, value in enumerate(values)]


def _try_step(step: Step, index: int, value: Any, field_name: str, refusals: Refusals) -> Any:
    try:
        return None if value is None else step(value)
    except REFUSALS as error:
        refusals.add_error(index, field_name, value, error)
        return None


def decode_column(field_type: FieldType, values: list[Any], field_name: str, refusals: Refusals) -> list[Any]:
    """The values as Python objects of the type; those already right in one go, the others by decode_value's table."""
    kinds = set(map(type, values))
    has_nulls = type(None) in kinds
    present = [value for value in values if value is not None] if has_nulls else values
    kinds -= {type(None)}
    ready = READY.get(field_type)
    if ready is not None and kinds <= {ready.kind} and ready.are_fine(present):
        return values
    decoded = decode_texts(field_type, present) if kinds == {str} else None
    if decoded is None:
        return run_step(TYPES[field_type].decode, values, field_name, refusals)
    if not has_nulls:
        return decoded
    following = iter(decoded)
    return [None if value is None else next(following) for value in values]


# Whole columns that need no decoding. Each check is sure when it says yes; a no only means the slower way.


def _are_fine_texts(values: list[str]) -> bool:
    joined = "".join(values)
    if joined.isascii():
        return "\x00" not in joined
    try:
        joined.encode()  # refuses halves of surrogate pairs
    except UnicodeEncodeError:
        return False
    return "\x00" not in joined


def _are_within(bounds: tuple[int, int]) -> Callable[[list[int]], bool]:
    return lambda values: not values or (bounds[0] <= min(values) and max(values) <= bounds[1])


def _are_finite(values: list[float]) -> bool:
    return math.isfinite(sum(values))  # infinities and NaN survive every sum


def _are_fine_decimals(values: list[Decimal]) -> bool:
    return all(value.is_finite() and abs(value.adjusted()) <= LONGEST_NUMBER // 2 for value in values)


def _are_utc(values: list[datetime]) -> bool:
    return all(value.tzinfo is UTC for value in values)


def _are_fine(_values: list[Any]) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Ready:
    """The exact class of values that need no decoding if `are_fine` agrees."""

    kind: type
    are_fine: Callable[[list[Any]], bool] = _are_fine


READY: dict[FieldType, Ready] = {
    "text": Ready(str, _are_fine_texts),
    "integer": Ready(int, _are_within(INTEGER_BOUNDS["integer"])),
    "bigint": Ready(int, _are_within(INTEGER_BOUNDS["bigint"])),
    "decimal": Ready(Decimal, _are_fine_decimals),
    "float": Ready(float, _are_finite),
    "boolean": Ready(bool),
    "date": Ready(date),
    "datetime": Ready(datetime, _are_utc),
    "binary": Ready(bytes),
    "uuid": Ready(UUID),
}
