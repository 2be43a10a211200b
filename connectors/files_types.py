"""Judges the types of a file's columns by their first values, never narrower than what was seen. Opens nothing."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from connectors.field_numbers import INTEGER_BOUNDS
from connectors.records import FieldType

WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")  # no leading zeros, which are part of codes such as 00123
NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MOMENT = re.compile(DATE.pattern + r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})")
WIDER: dict[frozenset[FieldType], FieldType] = {frozenset(("bigint", "decimal")): "decimal"}


def type_of_texts(values: Iterable[str | None]) -> FieldType:
    """The type of a CSV column; text as soon as two values disagree. A time without a zone is a text as well."""
    return _joined((_type_of_text(value) for value in values if value is not None), otherwise="text")


def type_of_values(values: Iterable[Any]) -> FieldType:
    """The type of a JSON property; json, which keeps each value's own type, as soon as two values disagree."""
    return _joined((_type_of_value(value) for value in values if value is not None), otherwise="json")


def _joined(types: Iterable[FieldType], otherwise: FieldType) -> FieldType:
    found: FieldType | None = None
    for one in types:
        found = one if found in (None, one) else WIDER.get(frozenset((found, one)), otherwise)
        if found == otherwise:
            return otherwise
    return found or "text"


def _type_of_text(text: str) -> FieldType:
    if WHOLE.fullmatch(text):
        return "bigint"
    if NUMBER.fullmatch(text):
        return "decimal"
    if text in ("true", "false"):
        return "boolean"
    if DATE.fullmatch(text) and _is_time(text):
        return "date"
    if MOMENT.fullmatch(text) and _is_time(text):
        return "datetime"
    return "text"


def _is_time(text: str) -> bool:
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _type_of_value(value: Any) -> FieldType:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        low, high = INTEGER_BOUNDS["bigint"]
        return "bigint" if low <= value <= high else "decimal"
    if isinstance(value, Decimal):
        return "decimal"
    return "text" if isinstance(value, str) else "json"
