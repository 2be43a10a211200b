"""Values of a mapping in SQL: what of each type Python would refuse, and conversions that are sure to agree with it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connectors.expressions import Call, ColumnValue, Constant, Expression, FirstThat, Function, call, once
from connectors.field_numbers import INTEGER_BOUNDS
from connectors.records import Field, FieldType

LONGEST_ORDINARY = 400  # digits before and after the point, well below what decoding refuses
DIGIT = "[0123456789]"
LONG_NUMBER = "[0123456789.]{16}"


class NotSaid(Exception):
    """This can not be said in SQL, or not surely alike."""


@dataclass(frozen=True, slots=True)
class SQLValue:
    """A value on its way through a mapping: its type, when only Python can decide, and when bounds made it null."""

    expression: Expression
    type: FieldType
    doubts: tuple[Expression, ...] = ()
    nulled: tuple[Expression, ...] = ()

    def doubted(self, *conditions: Expression) -> SQLValue:
        """The same, with further doubts."""
        return replace(self, doubts=(*self.doubts, *conditions))


# 1. Columns: reading gives some values that decoding refuses.


def column_value(field: Field) -> SQLValue:
    """A source column's own value."""
    value = ColumnValue(field.name)
    return SQLValue(value, field.type, tuple(_strange(value, field.type)))


def _strange(value: Expression, field_type: FieldType) -> list[Expression]:
    """Conditions under which a stored value is none that Python's decoding takes."""
    if field_type == "json":
        text = call("to_text", value)  # Python takes a JSON null for none, and may refuse long numbers
        return [call("text_eq", text, Constant("text", "null")), call("matches", text, Constant("text", LONG_NUMBER))]
    if field_type == "decimal":
        scale = call("gt", call("scale", value), Constant("integer", LONGEST_ORDINARY))
        limit = Decimal(10) ** LONGEST_ORDINARY
        return [outside(value, "decimal", -limit, limit), scale]
    limits = LIMITS.get(field_type)
    return [outside(value, field_type, *limits)] if limits else []


LIMITS: dict[FieldType, tuple[Any, Any]] = {
    "float": (-sys.float_info.max, sys.float_info.max),  # NaN is above every number there
    "date": (date.min, date.max),
    "datetime": (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
}


def outside(value: Expression, field_type: FieldType, low: Any, high: Any) -> Expression:
    """Whether a value lies outside two limits of its type."""
    return call("or", call("lt", value, Constant(field_type, low)), call("gt", value, Constant(field_type, high)))


TEXT_COMPARISONS: dict[str, Function] = {
    "eq": "text_eq",
    "ne": "text_ne",
    "lt": "text_lt",
    "le": "text_le",
    "gt": "text_gt",
    "ge": "text_ge",
    "in": "text_in",
}
COMPARISONS: dict[str, Function] = {"eq": "eq", "ne": "ne", "lt": "lt", "le": "le", "gt": "gt", "ge": "ge", "in": "in"}


def compared(operator: str, kind: FieldType) -> Function:
    """The function that compares values of a type as Python does."""
    return (TEXT_COMPARISONS if kind == "text" else COMPARISONS)[operator]


# 2. Conversions, as records.TYPES decodes.


def converted(value: SQLValue, wanted: FieldType) -> SQLValue:
    """The value as `wanted`. Raises NotSaid where the two sides may differ."""
    if value.type == wanted:
        return value
    convert = CONVERSIONS.get((value.type, wanted))
    if convert is None:
        raise NotSaid(f"{wanted} out of {value.type} is made in Python")
    return convert(value)


def _to(function: Function, result: FieldType) -> Callable[[SQLValue], SQLValue]:
    return lambda value: replace(value, expression=Call(function, (value.expression,)), type=result)


def _of_day(function: Function, result: FieldType) -> Callable[[SQLValue], SQLValue]:
    """Only of days that Python knows: one in the year 400,000 has no time."""

    def made(old: Expression) -> Expression:
        is_strange = outside(old, "date", *LIMITS["date"])
        return FirstThat(((is_strange, Constant(result, None)),), Call(function, (old,)))

    return lambda value: replace(value, expression=once(value.expression, made), type=result)


def _narrow(function: Function, result: FieldType, low: Any, high: Any) -> Callable[[SQLValue], SQLValue]:
    """Into whole numbers: what has a fraction or lies outside is left to Python."""

    def convert(value: SQLValue) -> SQLValue:
        def is_wrong(old: Expression) -> Expression:
            wrong = outside(old, value.type, low, high)
            if value.type in ("decimal", "float"):
                wrong = call("or", wrong, call("ne", old, call("whole_part", old)))
            return wrong

        def narrowed(old: Expression) -> Expression:
            return FirstThat(((is_wrong(old), Constant(result, None)),), Call(function, (old,)))

        doubted = value.doubted(once(value.expression, is_wrong))
        return replace(doubted, expression=once(value.expression, narrowed), type=result)

    return convert


def _parse(function: Function, result: FieldType, pattern: str, longest: int) -> Callable[[SQLValue], SQLValue]:
    """Out of text in its plainest spelling; any other is left to Python."""

    def is_plain(old: Expression) -> Expression:
        is_short = call("le", call("length", old), Constant("integer", longest))
        return call("and", is_short, call("matches", old, Constant("text", pattern)))

    def parsed(old: Expression) -> Expression:
        return FirstThat(((is_plain(old), Call(function, (old,))),), Constant(result, None))

    def convert(value: SQLValue) -> SQLValue:
        doubted = value.doubted(once(value.expression, lambda old: call("not", is_plain(old))))
        return replace(doubted, expression=once(value.expression, parsed), type=result)

    return convert


WHOLE_PATTERN = f"^-?{DIGIT}+$"  # PostgreSQL takes its time to count repetitions, so the length is looked at apart
NUMBER_PATTERN = f"^-?{DIGIT}+(\\.{DIGIT}+)?$"
INTEGER, BIGINT = INTEGER_BOUNDS["integer"], INTEGER_BOUNDS["bigint"]
CONVERSIONS: dict[tuple[FieldType, FieldType], Callable[[SQLValue], SQLValue]] = {
    ("integer", "bigint"): _to("to_bigint", "bigint"),
    ("integer", "decimal"): _to("to_decimal", "decimal"),
    ("bigint", "decimal"): _to("to_decimal", "decimal"),
    ("integer", "float"): _to("to_float", "float"),
    ("bigint", "float"): _to("to_float", "float"),
    ("integer", "text"): _to("to_text", "text"),
    ("bigint", "text"): _to("to_text", "text"),
    ("boolean", "text"): _to("to_text", "text"),
    ("uuid", "text"): _to("to_text", "text"),
    ("date", "text"): _of_day("date_to_text", "text"),
    ("date", "datetime"): _of_day("date_to_datetime", "datetime"),
    ("datetime", "date"): _to("datetime_to_date", "date"),
    ("bigint", "integer"): _narrow("to_integer", "integer", *INTEGER),
    ("decimal", "integer"): _narrow("to_integer", "integer", *map(Decimal, INTEGER)),
    ("decimal", "bigint"): _narrow("to_bigint", "bigint", *map(Decimal, BIGINT)),
    ("float", "integer"): _narrow("to_integer", "integer", *map(float, INTEGER)),
    ("float", "bigint"): _narrow("to_bigint", "bigint", -(2.0**53), 2.0**53),
    ("text", "integer"): _parse("to_integer", "integer", WHOLE_PATTERN, 9),
    ("text", "bigint"): _parse("to_bigint", "bigint", WHOLE_PATTERN, 18),
    ("text", "decimal"): _parse("to_decimal", "decimal", NUMBER_PATTERN, 100),
    ("text", "float"): _parse("to_float", "float", NUMBER_PATTERN, 100),
}


def is_blank(value: SQLValue) -> Expression:
    """Whether a value is one that `required` refuses."""
    if value.type != "text":
        return call("is_null", value.expression)
    return once(
        value.expression,
        lambda text: call("or", call("is_null", text), call("text_eq", call("strip", text), Constant("text", ""))),
    )
