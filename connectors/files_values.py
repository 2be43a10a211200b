"""Values as a working copy stores them, put as texts of CSV and values of JSON, like the table of types. Pure."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from typing import Any

from connectors.field_numbers import not_finite_name
from connectors.records import FieldType, decode_value, encode_value
from connectors.sqlite_dialect import storing

# The copy keeps decimals, dates, UUIDs and JSON as the very text that a file has, and what is none of its type as the
# text that it was.


def copied(field_type: FieldType, *, in_key: bool = False) -> Callable[[Any], Any] | None:
    """What makes the stored form of a Python object: SQLite's, but NaN, which it has not, is stored by its name."""
    return _copied_float if field_type == "float" else storing(field_type, in_key=in_key)


def _copied_float(value: float) -> float | str:
    return "NaN" if math.isnan(value) else value


def _time_text(value: Any) -> str:
    try:
        return str(encode_value("datetime", decode_value("datetime", value)))
    except ValueError:
        return str(value)


def _float_text(value: Any) -> str:
    return not_finite_name(value) or str(value)


def _boolean_text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, int) else str(value)


def _binary_text(value: Any) -> str:
    return base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else str(value)


TEXTS: dict[FieldType, Callable[[Any], str]] = {
    "float": _float_text,
    "datetime": _time_text,
    "boolean": _boolean_text,
    "binary": _binary_text,
}


def stored_text(field_type: FieldType) -> Callable[[Any], str]:
    """What makes the text of a stored value that is not NULL."""
    return TEXTS.get(field_type, str)


def _boolean_json(value: Any) -> Any:
    return bool(value) if isinstance(value, int) else value


def _integer_json(value: Any) -> Any:
    return encode_value("bigint", value) if isinstance(value, int) else value


def _float_json(value: Any) -> Any:
    return not_finite_name(value) or value


def _json_json(value: Any) -> Any:
    try:
        return json.loads(value)
    except (ValueError, TypeError):
        return value


JSON_VALUES: dict[FieldType, Callable[[Any], Any]] = {
    "integer": _integer_json,
    "bigint": _integer_json,
    "float": _float_json,
    "boolean": _boolean_json,
    "json": _json_json,
}


def stored_json(field_type: FieldType) -> Callable[[Any], Any]:
    """What makes the JSON value of a stored value that is not NULL; integers over 2**53 become texts."""
    return JSON_VALUES.get(field_type) or stored_text(field_type)
