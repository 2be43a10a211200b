"""Expressions over the columns of one record, as a frozen tree: what a system can be asked to compute while it reads.

They carry no SQL; a dialect spells them (postgres_expressions). Text is compared by code points in any collation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from connectors.records import FieldType

Function = Literal[
    "and",
    "or",
    "not",
    "is_null",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "text_eq",
    "text_ne",
    "text_lt",
    "text_le",
    "text_gt",
    "text_ge",
    "in",
    "text_in",
    "text_like",
    "matches",
    "to_text",
    "to_integer",
    "to_bigint",
    "to_decimal",
    "to_float",
    "date_to_text",
    "date_to_datetime",
    "datetime_to_date",
    "whole_part",
    "scale",
    "concat",
    "or_empty",
    "strip",
    "single_spaces",
    "upper",
    "lower",
    "fold_to_ascii",
    "length",
    "left",
    "mask",
    "sha256_of_text",
    "sha512_of_text",
]


@dataclass(frozen=True, slots=True)
class ColumnValue:
    """A column's value as reading gives it, of its field's type."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value for every record: a Python object of its type, None for NULL."""

    type: FieldType
    value: Any


@dataclass(frozen=True, slots=True)
class Call:
    """A function; `and`, `or`, `concat` and `in` take any number of arguments. NULL in, NULL out, as in SQL."""

    function: Function
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class FirstThat:
    """The expression after the first condition that is true, else `otherwise`; the others are not computed."""

    cases: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class Given:
    """The value of the Let with this number, inside its body."""

    number: int


@dataclass(frozen=True, slots=True)
class Let:
    """The body, for which a value is computed once; see `once`."""

    number: int
    value: Expression
    body: Expression


Expression = ColumnValue | Constant | Call | FirstThat | Given | Let


def call(function: Function, *arguments: Expression) -> Call:
    """A call as one reads it."""
    return Call(function, arguments)


def once(value: Expression, make: Callable[[Expression], Expression]) -> Expression:
    """What `make` makes of a value, in which it may stand several times and is yet computed once."""
    if isinstance(value, ColumnValue | Constant | Given):
        return make(value)
    number = _highest(value) + 1
    return Let(number, value, make(Given(number)))


def _highest(expression: Expression) -> int:
    """The highest number of a Let in it, or around it; 0 where there is none."""
    match expression:
        case Given(number):
            return number
        case Let(number, value, body):
            return max(number, _highest(value), _highest(body))
        case Call(_, arguments):
            return max(map(_highest, arguments), default=0)
        case FirstThat(cases, otherwise):
            return max(_highest(otherwise), *(_highest(part) for pair in cases for part in pair))
    return 0


def any_of(*conditions: Expression) -> Expression | None:
    """Whether one of the conditions holds; None if there are none."""
    return conditions[0] if len(conditions) == 1 else Call("or", conditions) if conditions else None
