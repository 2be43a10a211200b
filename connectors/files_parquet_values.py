"""What Parquet's columns are here: their field types, and their values as Python objects. Opens nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa

from connectors.field_types import encode_value
from connectors.records import Field, FieldType

types = pa.types
TYPE_KEY = b"syncdeck.type"  # in a column's metadata: what a column of texts holds, where Parquet has no type for it
FIELD_TYPES: tuple[tuple[Callable[[pa.DataType], bool], FieldType], ...] = (
    (types.is_boolean, "boolean"),
    (types.is_uint64, "decimal"),
    (lambda kind: types.is_int64(kind) or types.is_uint32(kind), "bigint"),
    (types.is_integer, "integer"),
    (types.is_floating, "float"),
    (types.is_decimal, "decimal"),
    (types.is_date, "date"),
    (types.is_timestamp, "datetime"),
    (types.is_nested, "json"),
    (lambda kind: types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind), "binary"),
)
EXTENSIONS: dict[str, FieldType] = {"arrow.uuid": "uuid", "arrow.json": "json", "arrow.bool8": "boolean"}
UNREADABLE = (ValueError, OverflowError, pa.ArrowException)


def field_of(column: pa.Field) -> Field:
    """The field of a column; text for what is of no other type, such as times of day."""
    return Field(column.name, _type_of(column.type, column.metadata or {}), column.nullable)


def _type_of(kind: pa.DataType, metadata: dict[bytes, bytes]) -> FieldType:
    if metadata.get(TYPE_KEY) == b"decimal" and types.is_string(kind):
        return "decimal"
    if types.is_dictionary(kind):
        return _type_of(kind.value_type, {})
    if isinstance(kind, pa.BaseExtensionType):
        return EXTENSIONS.get(kind.extension_name) or _type_of(kind.storage_type, {})
    return next((name for is_it, name in FIELD_TYPES if is_it(kind)), "text")


def values_of(column: pa.Array) -> list[Any]:
    """The values as objects of the column's field type; one that Python has no object for comes as a text."""
    kind = column.type
    if types.is_dictionary(kind):
        return values_of(column.dictionary_decode())
    if isinstance(kind, pa.BaseExtensionType) and kind.extension_name not in EXTENSIONS:
        return values_of(column.storage)
    if types.is_timestamp(kind):
        return _times_of(column)
    if types.is_time(kind):
        return [None if value is None else _without_zeros(value) for value in column.cast(pa.string()).to_pylist()]
    if types.is_duration(kind):
        return [None if value is None else f"{value} {kind.unit}" for value in column.cast(pa.int64()).to_pylist()]
    try:
        values: list[Any] = column.to_pylist()
    except UNREADABLE:
        values = [_value_of(scalar) for scalar in column]
    return [_inner(value) for value in values] if types.is_nested(kind) else values


def _without_zeros(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _times_of(column: pa.Array) -> list[Any]:
    """In UTC, also where there is no zone, and cut to microseconds."""
    try:
        naive = column.cast(pa.timestamp("us"), safe=column.type.unit != "ns").to_pylist()
    except UNREADABLE:
        return [_value_of(scalar) for scalar in column]
    return [None if value is None else value.replace(tzinfo=dt.UTC) for value in naive]


def _value_of(scalar: pa.Scalar) -> Any:
    """Texts that are no UTF-8 come with lone surrogates, which mapping refuses by the record's name."""
    try:
        if types.is_timestamp(scalar.type):
            value = scalar.cast(pa.timestamp("us")).as_py()
            return None if value is None else value.replace(tzinfo=dt.UTC)
        return scalar.as_py()
    except UnicodeDecodeError:
        return scalar.as_buffer().to_pybytes().decode("utf-8", "surrogateescape")
    except UNREADABLE:
        return f"{scalar.value} {scalar.type}"


def _inner(value: Any) -> Any:
    """What lies inside of lists and structs, as JSON has it; a map with names for keys becomes an object."""
    if isinstance(value, dict):
        return {name: _inner(item) for name, item in value.items()}
    if isinstance(value, list):
        if value and all(isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str) for item in value):
            pairs = dict(value)
            return _inner(pairs if len(pairs) == len(value) else [list(item) for item in value])
        return [_inner(list(item) if isinstance(item, tuple) else item) for item in value]
    if isinstance(value, Decimal):
        return encode_value("decimal", value)
    if isinstance(value, bytes):
        return encode_value("binary", value)
    if isinstance(value, dt.datetime):
        return encode_value("datetime", value)
    return str(value) if value is not None and not isinstance(value, str | int | float | bool) else value
