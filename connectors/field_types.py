"""The one table of field types: how each is declared, decoded and encoded. No input or output here."""

from __future__ import annotations

import base64
import datetime as dt
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from connectors.field_numbers import (
    INTEGER_BOUNDS,
    InexactNumber,
    decode_decimal,
    decode_float,
    decode_whole,
    exact_float,
    not_finite_name,
)

FieldType = Literal[
    "text", "integer", "bigint", "decimal", "float", "boolean", "date", "datetime", "json", "binary", "uuid"
]
WIDER: dict[FieldType, tuple[FieldType, ...]] = {"integer": ("bigint", "decimal", "float"), "bigint": ("decimal",)}

# 1. decoding: any accepted form of a value → the Python object of its type; ValueError says why not.


class HoldsNUL(ValueError):
    """A text that would do if it held no NUL character."""


def _decode_text(value: Any) -> str:
    if isinstance(value, str):
        text = value
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    elif isinstance(value, dt.date):
        text = value.isoformat()
    elif isinstance(value, bytes | bytearray | memoryview):
        raise ValueError("is binary, not text")
    else:
        text = not_finite_name(value) or str(value)
    if "\x00" in text:
        raise HoldsNUL("holds a NUL character, which text columns refuse")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds half of a surrogate pair, which is no valid text")
    return text


def _decode_integer(value: Any) -> int:
    return decode_whole(value, INTEGER_BOUNDS["integer"])


def _decode_bigint(value: Any) -> int:
    return decode_whole(value, INTEGER_BOUNDS["bigint"])


BOOLEANS = {"true": True, "t": True, "yes": True, "y": True, "1": True}
BOOLEANS |= {"false": False, "f": False, "no": False, "n": False, "0": False}


def _decode_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = BOOLEANS.get(str(value).strip().lower())
    if known is None:
        raise ValueError("is neither true nor false")
    return known


def _decode_date(value: Any) -> dt.date:
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    text = str(value).strip()
    try:
        if len(text) > 10:
            return dt.datetime.fromisoformat(text).date()
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a date such as 2026-11-23") from None


def _decode_datetime(value: Any) -> dt.datetime:
    """Times without a zone are taken as UTC; the `datetime` transform gives them another zone first."""
    if isinstance(value, dt.datetime):
        moment = value
    elif isinstance(value, dt.date):
        moment = dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    else:
        try:
            moment = dt.datetime.fromisoformat(str(value).strip())
        except ValueError:
            raise ValueError("is not a time such as 2026-11-23T02:30:00Z") from None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=dt.UTC)
    try:
        return moment.astimezone(dt.UTC)
    except OverflowError:
        raise ValueError("is outside the years 1 to 9999") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"holds {name}, which is no JSON")


JSON_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
JSON_DECODER = json.JSONDecoder(parse_float=exact_float, parse_constant=_refuse_constant)


def _decode_json(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return JSON_DECODER.decode(value)
        except InexactNumber:
            raise
        except (ValueError, RecursionError):
            raise ValueError("is not valid JSON") from None
    try:
        JSON_ENCODER.encode(value)
    except (TypeError, ValueError, RecursionError):
        raise ValueError("holds something that JSON does not have, or that would be rounded there") from None
    return value


def _decode_binary(value: Any) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    try:
        return base64.b64decode(str(value), validate=True)
    except ValueError:
        raise ValueError("is not base64") from None


def _decode_uuid(value: Any) -> uuid.UUID:
    if isinstance(value, uuid.UUID):
        return value
    try:
        return uuid.UUID(str(value).strip())
    except ValueError:
        raise ValueError("is not a UUID") from None


# 2. encoding: the Python object of a type → what JSON can hold without loss.


def _same(value: Any) -> Any:
    return value


def _encode_datetime(value: Any) -> str:
    return _decode_datetime(value).isoformat().replace("+00:00", "Z")


def _encode_big(value: Any) -> Any:
    return value if abs(value) <= 2**53 else str(value)


def _encode_float(value: float) -> float | str:
    return not_finite_name(value) or value


def _encode_decimal(value: Decimal) -> str:
    return format(value, "f")


def _encode_date(value: dt.date) -> str:
    return value.isoformat()


def _encode_binary(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


@dataclass(frozen=True, slots=True)
class TypeRules:
    """How one field type is declared and carried. `decode` raises ValueError with a reason that follows "value …"."""

    postgres: str
    sqlite: str
    decode: Callable[[Any], Any]
    encode: Callable[[Any], Any] = field(default=_same)


# SQLite gives a column its affinity by its declared name: exact decimals, times, JSON and UUIDs are kept as text there
# (a name with TEXT in it), since NUMERIC would round them. https://www.sqlite.org/datatype3.html §3.1
TYPES: dict[FieldType, TypeRules] = {
    "text": TypeRules("text", "TEXT", _decode_text),
    "integer": TypeRules("integer", "INT", _decode_integer),
    "bigint": TypeRules("bigint", "BIGINT", _decode_bigint, _encode_big),
    "decimal": TypeRules("numeric", "DECIMAL_TEXT", decode_decimal, _encode_decimal),
    "float": TypeRules("double precision", "REAL", decode_float, _encode_float),
    "boolean": TypeRules("boolean", "BOOLEAN", _decode_boolean),
    "date": TypeRules("date", "DATE_TEXT", _decode_date, _encode_date),
    "datetime": TypeRules("timestamp with time zone", "DATETIME_TEXT", _decode_datetime, _encode_datetime),
    "json": TypeRules("jsonb", "JSON_TEXT", _decode_json),
    "binary": TypeRules("bytea", "BLOB", _decode_binary, _encode_binary),
    "uuid": TypeRules("uuid", "UUID_TEXT", _decode_uuid, str),
}


MAKES_NUMBER: dict[FieldType, Callable[[str], Any]] = {"float": float, "decimal": Decimal}


def is_widening(old: FieldType, new: FieldType) -> bool:
    """Whether every value of the old type is one of the new type, too."""
    return new in WIDER.get(old, ())


def decode_value(field_type: FieldType, value: Any) -> Any:
    """The Python object of `field_type`, None for None; ValueError says why `value` is none of that type."""
    return None if value is None else TYPES[field_type].decode(value)


def encode_value(field_type: FieldType, value: Any) -> Any:
    """What JSON keeps without loss (decimals, dates, bytes and integers over 2**53 become strings)."""
    return None if value is None else TYPES[field_type].encode(value)


def decode_for_target(field_type: FieldType, value: Any) -> Any:
    """As decode_value, but takes the numbers that are not finite, which some targets keep."""
    try:
        return decode_value(field_type, value)
    except ValueError:
        name = not_finite_name(value) if field_type in MAKES_NUMBER else None
        if name is None:
            raise
        return MAKES_NUMBER[field_type](name)
