"""Structured conditions {field, op, value}: their shape, and testing a value against one in Python."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any

from connectors.errors import ConfigError
from connectors.records import TYPES, Field, FieldType, Filter
from syncjobs.mapping.problems import NAME_SCHEMA, quote

Test = Callable[[Any], bool]
OPERATORS = ["eq", "ne", "lt", "le", "gt", "ge", "in", "not_in", "like", "regex", "is_null"]
SCALAR = {"type": ["string", "number", "boolean"]}
LONGEST_LIST = 10_000


def _when(operators: list[str], value_schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "if": {"properties": {"op": {"enum": operators}}, "required": ["op"]},
        "then": {"properties": {"value": value_schema}, "required": ["value"]},
    }


CONDITION_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Condition",
    "description": "As in SQL, a missing value meets no condition but is_null.",
    "properties": {
        "field": {**NAME_SCHEMA, "title": "Field", "description": "A column of the source."},
        "op": {
            "enum": OPERATORS,
            "title": "Operator",
            "description": "like knows % and _; is_null takes true or false.",
        },
        "value": {"title": "Value", "description": "Of the field's own type; in and not_in take a list."},
    },
    "required": ["field", "op"],
    "additionalProperties": False,
    "allOf": [
        _when(["eq", "ne", "lt", "le", "gt", "ge"], SCALAR),
        _when(["in", "not_in"], {"type": "array", "items": SCALAR, "minItems": 1, "maxItems": LONGEST_LIST}),
        _when(["like", "regex"], {"type": "string", "maxLength": 1_000}),
        _when(["is_null"], {"type": "boolean"}),
    ],
}


def read_condition(data: dict[str, Any]) -> Filter:
    """The Filter of a JSON condition that fits CONDITION_SCHEMA."""
    value = data["value"]
    return Filter(data["field"], data["op"], tuple(value) if isinstance(value, list) else value)


def condition_problems(condition: Filter, path: str) -> list[str]:
    """What JSON Schema can not see: numbers that are none."""
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    if any(isinstance(value, float) and not math.isfinite(value) for value in values):
        return [f"{path}.value: must be a finite number"]
    return []


def pattern_problems(condition: Filter, path: str) -> list[str]:
    """What is wrong with a regular expression that Python will run (a source runs those of filters in its own way)."""
    if condition.operator == "regex":
        try:
            re.compile(condition.value)
        except re.error as error:
            return [f"{path}.value: {quote(condition.value)} is not a regular expression: {error.msg}"]
    return []


def compile_condition(condition: Filter, field: Field) -> Test:
    """A test of one raw source value of `field`; the test raises ValueError where the value is not of the field's type.

    Text fields are compared as numbers where the condition's value is a number. Raises ConfigError where the
    condition's value can not be compared with such a field.
    """
    if condition.operator == "is_null":
        wanted_null = bool(condition.value)
        return lambda value: (value is None) is wanted_null
    if condition.operator in ("like", "regex"):
        return _pattern_test(condition)
    kind, wanted = comparable(condition, field)
    decode = TYPES[kind].decode
    compare = COMPARISONS[condition.operator]
    return lambda value: value is not None and compare(decode(value), wanted)


def _is_in(value: Any, wanted: Any) -> bool:
    return value in wanted


def _is_not_in(value: Any, wanted: Any) -> bool:
    return value not in wanted


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    **{name: getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    "in": _is_in,
    "not_in": _is_not_in,
}


def _pattern_test(condition: Filter) -> Test:
    search = (like_pattern(condition.value) if condition.operator == "like" else re.compile(condition.value)).search
    decode = TYPES["text"].decode
    return lambda value: value is not None and search(decode(value)) is not None


def like_pattern(like: str) -> re.Pattern[str]:
    """SQL's LIKE as a regular expression: % any text, _ one character, a backslash takes the next one as it is."""
    parts = re.findall(r"\\.|.", like, re.DOTALL)
    words = {"%": ".*", "_": "."}
    return re.compile(r"\A" + "".join(words.get(part) or re.escape(part[-1]) for part in parts) + r"\Z", re.DOTALL)


def comparable(condition: Filter, field: Field) -> tuple[FieldType, Any]:
    """The type as which the field's values are compared, and the condition's value of that type. Raises ConfigError."""
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    kind = _compared_as(field.type, values)
    decode = TYPES[kind].decode
    try:
        wanted = tuple(decode(value) for value in values)
    except ValueError as error:
        raise ConfigError(
            "bad_condition",
            f"the condition on '{field.name}' ({field.type}) has a value that {error}",
            hint="Give the condition a value of the field's type.",
        ) from error
    return kind, (wanted if isinstance(condition.value, tuple) else wanted[0])


def _compared_as(field_type: FieldType, values: tuple[Any, ...]) -> FieldType:
    if field_type in ("integer", "bigint"):
        return "decimal"  # so that 5000.5 is a legal border
    has_only_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return "decimal" if field_type == "text" and has_only_numbers else field_type
