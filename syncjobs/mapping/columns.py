"""Running a function over a column of values: at full speed while all goes well, value by value once one is refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from connectors.columns import UnmadeColumn
from connectors.field_numbers import INTEGER_BOUNDS, LONGEST_NUMBER, NotFinite, not_finite_name
from connectors.field_types import MAKES_NUMBER, TYPES, FieldType, HoldsNUL, decode_for_target
from connectors.records import Field
from syncjobs.mapping.at_once import AtOnce, run_at_once
from syncjobs.mapping.problems import quote
from syncjobs.mapping.steps import OneStep, RefusedValue
from syncjobs.mapping.text_decoding import are_plain_numbers, decode_texts

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


@dataclass(frozen=True, slots=True)
class Step:
    """A function over values: `alone` takes any one of them, `at_once` many of a kind, where there is such a way."""

    alone: OneStep
    at_once: Mapping[type, AtOnce] = field(default_factory=dict)


@dataclass(slots=True)
class Refusals:
    """The rejects of one batch; the first one of each record counts."""

    by_index: dict[int, RowReject] = field(default_factory=dict)

    def add(self, index: int, field_name: str, code: str, reason: str) -> None:
        self.by_index.setdefault(index, RowReject(index, field_name, code, reason))

    def add_error(self, index: int, field_name: str, value: Any, error: Exception) -> None:
        code = error.code if isinstance(error, RefusedValue) else "wrong_type"
        words = str(error) if isinstance(error, ValueError) else "is nested or extended too far"
        words += "; strip_nul takes it out" if isinstance(error, HoldsNUL) else ""
        self.add(index, field_name, code, f"value {quote(value)} {words}")


def run_step(step: Step, values: list[Any], field_name: str, refusals: Refusals) -> list[Any]:
    """`step` over all values but nulls; a refused one becomes null, and its record a reject."""
    alone = step.alone
    try:
        made = run_at_once(step.at_once, values) if step.at_once else None
        return [None if value is None else alone(value) for value in values] if made is None else made
    except REFUSALS:
        return [_try_step(alone, index, value, field_name, refusals) for index, value in enumerate(values)]


def _try_step(alone: OneStep, index: int, value: Any, field_name: str, refusals: Refusals) -> Any:
    try:
        return None if value is None else alone(value)
    except REFUSALS as error:
        refusals.add_error(index, field_name, value, error)
        return None


Keeps = Callable[[Field, NotFinite], bool]
"""Whether the target holds a number that is not finite in this field."""


def keeps_none(_field: Field, _number: NotFinite) -> bool:
    """As targets do of which nothing is known."""
    return False


def decoder(target: Field, keeps: Keeps) -> Step:
    """What makes Python objects of the field's type, as far as the target takes them."""
    decode = TYPES[target.type].decode

    def decode_kept(value: Any) -> Any:
        try:
            return decode(value)
        except ValueError:
            name = not_finite_name(value)
            if name is None or not keeps(target, name):
                raise
            return decode_for_target(target.type, value)

    return Step(decode_kept if target.type in MAKES_NUMBER else decode, {str: partial(decode_texts, target.type)})


def decode_column(
    field_type: FieldType, decode: Step, values: list[Any], field_name: str, refusals: Refusals
) -> Sequence[Any]:
    """The values as Python objects of the type; those already right in one go, the others by decode_value's table.

    Decimals wait to be made of their texts until somebody looks at them.
    """
    kinds = set(map(type, values))
    present = [value for value in values if value is not None] if type(None) in kinds else values
    ready = READY.get(field_type)
    if ready is not None and kinds <= {ready.kind, type(None)} and ready.are_fine(present):
        return values
    if field_type == "decimal" and kinds <= {str, type(None)} and are_plain_numbers(present):
        return UnmadeColumn(values, Decimal)
    return run_step(decode, values, field_name, refusals)


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
    return not [value for value in values if value.tzinfo is not UTC]


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
