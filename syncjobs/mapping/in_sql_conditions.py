"""Conditions of a case said in SQL, where both sides compare alike: by value, and texts by code points."""

from __future__ import annotations

import re
from typing import Any

from connectors.expressions import Call, Constant, Expression, call
from connectors.records import Field, FieldType, Filter
from syncjobs.mapping.conditions import comparable
from syncjobs.mapping.in_sql_values import NotSaid, column_value, compared

ENDS_IN_BACKSLASH = re.compile(r"(\\.|[^\\])*\\", re.DOTALL)
WHOLE = ("integer", "bigint")


def sql_condition(condition: Filter, field: Field) -> tuple[Expression, tuple[Expression, ...]]:
    """Whether a source value meets the condition, and when only Python can tell. Raises NotSaid."""
    value = column_value(field)
    if condition.operator == "is_null":
        is_null = call("is_null", value.expression)
        return (is_null if condition.value else call("not", is_null)), value.doubts if field.type == "json" else ()
    if field.type == "json":
        raise NotSaid("JSON is compared by Python")
    if condition.operator in ("like", "regex"):
        return _like(condition, field, value.expression), value.doubts
    kind, wanted = comparable(condition, field)
    if kind == field.type:
        return _compare(condition.operator, value.expression, kind, wanted), value.doubts
    if field.type in WHOLE:
        return _compare(condition.operator, call("to_decimal", value.expression), kind, wanted), value.doubts
    raise NotSaid("texts are compared with numbers in Python")


def _compare(operator: str, value: Expression, kind: FieldType, wanted: Any) -> Expression:
    if operator not in ("in", "not_in"):
        return Call(compared(operator, kind), (value, Constant(kind, wanted)))
    found = Call(compared("in", kind), (value, *(Constant(kind, one) for one in wanted)))
    return found if operator == "in" else call("not", found)


def _like(condition: Filter, field: Field, value: Expression) -> Expression:
    if condition.operator == "regex":
        raise NotSaid("regular expressions differ from system to system")
    if field.type != "text":
        raise NotSaid(f"the text of a {field.type} is made in Python")
    if ENDS_IN_BACKSLASH.fullmatch(condition.value):
        raise NotSaid("a pattern that ends in a backslash is an error in SQL")
    return call("text_like", value, Constant("text", condition.value))
