"""Filters judged record by record, by the rules of SQL kinds: NULL meets nothing but is_null. Opens nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from connectors.errors import DataError
from connectors.records import Field, Filter, decode_value
from connectors.sql_selects import MOST_FILTER_VALUES, bad_filter

Judge = Callable[[Any], bool]
ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "lt": lambda left, right: bool(left < right),
    "le": lambda left, right: bool(left <= right),
    "gt": lambda left, right: bool(left > right),
    "ge": lambda left, right: bool(left >= right),
}


class Misfit(Exception):
    """A value is none of its column's type, so that no filter can judge it."""


def judges(filters: Sequence[Filter], fields: Sequence[Field]) -> list[tuple[int, Judge]]:
    """The place of each filter's column, and what judges a value there. Raises ConfigError `bad_filter`.

    A judge raises Misfit. DataError `column_mismatch` for unknown columns is for `chosen` to raise.
    """
    names = [field.name for field in fields]
    return [(names.index(item.field), _judge(item, fields[names.index(item.field)])) for item in filters]


def _judge(item: Filter, field: Field) -> Judge:
    if item.operator == "is_null":
        wanted = bool(item.value)
        return lambda value: (value is None) is wanted
    if item.operator in ("like", "regex"):
        return _pattern_judge(item)
    if item.operator in ("in", "not_in"):
        return _member_judge(item, field)
    wanted_value = _decoded(item, field, item.value)
    if item.operator in ("eq", "ne"):
        is_equal = item.operator == "eq"
        return _typed(field, lambda value: bool(value == wanted_value) is is_equal)
    if item.operator not in ORDERS:
        raise bad_filter(item, "there is no such operator")
    if field.type == "json":
        raise bad_filter(item, "JSON values have no order")
    compare = ORDERS[item.operator]
    return _typed(field, lambda value: compare(value, wanted_value))


def _member_judge(item: Filter, field: Field) -> Judge:
    if not isinstance(item.value, list | tuple):
        raise bad_filter(item, "the value must be a list")
    if len(item.value) > MOST_FILTER_VALUES:
        raise bad_filter(item, f"there are {len(item.value)} values; {MOST_FILTER_VALUES} is the most")
    values = [_decoded(item, field, value) for value in item.value]
    known = values if field.type == "json" else frozenset(values)
    is_member = item.operator == "in"
    return _typed(field, lambda value: (value in known) is is_member)


def _pattern_judge(item: Filter) -> Judge:
    pattern = _decoded(item, Field(item.field, "text"), item.value)
    if item.operator == "like":
        expression = re.compile(_like_expression(item, pattern), re.DOTALL)
        return lambda value: value is not None and expression.fullmatch(_text(value)) is not None
    try:
        searched = re.compile(pattern)
    except re.error as error:
        raise bad_filter(item, f"the regular expression is not understood ({error})") from None
    return lambda value: value is not None and searched.search(_text(value)) is not None


def _like_expression(item: Filter, pattern: str) -> str:
    parts, letters = [], iter(pattern)
    for letter in letters:
        if letter == "\\":
            escaped = next(letters, None)
            if escaped is None:
                raise bad_filter(item, "the pattern ends in a backslash, which escapes nothing")
            parts.append(re.escape(escaped))
        else:
            parts.append({"%": ".*", "_": "."}.get(letter) or re.escape(letter))
    return "".join(parts)


def _typed(field: Field, judge: Judge) -> Judge:
    def judged(value: Any) -> bool:
        if value is None:
            return False
        try:
            return judge(decode_value(field.type, value))
        except ValueError as error:
            raise Misfit(f"the value {str(value)[:80]!r} of {field.name} {error}") from None

    return judged


def _text(value: Any) -> str:
    try:
        return str(decode_value("text", value))
    except ValueError as error:
        raise Misfit(f"the value {str(value)[:80]!r} {error}") from None


def _decoded(item: Filter, field: Field, value: Any) -> Any:
    try:
        decoded = decode_value(field.type, value)
    except ValueError as error:
        raise bad_filter(item, f"the value {str(value)[:80]!r} {error}") from None
    if decoded is None:
        raise bad_filter(item, "there is no value; use is_null to look for empty fields")
    return decoded


def chosen(stream: str, names: Sequence[str], fields: Sequence[Field]) -> list[int]:
    """The places of columns by name. Raises DataError `column_mismatch` naming the missing ones."""
    known = [field.name for field in fields]
    missing = ", ".join(f"'{name}'" for name in names if name not in known)
    if missing:
        raise DataError(
            "column_mismatch",
            f"{stream} has no column {missing} (it has: {', '.join(known)})",
            hint="Correct the mapping, key or filters, or add the column.",
        )
    return [known.index(name) for name in names]
