"""Reading by a cursor, as all kinds do it: which fields can be one, and how far a page has come. Asks nobody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from connectors.errors import ConfigError
from connectors.records import Field, FieldType, decode_value, encode_value

CURSOR_TYPES: tuple[FieldType, ...] = ("datetime", "date", "integer", "bigint", "decimal", "text")
"""Types whose order all systems keep exactly."""


CANDIDATE_TYPES: tuple[FieldType, ...] = ("date", "datetime", "integer", "bigint")
CANDIDATE_WORDS = ("updated", "modified", "changed", "created", "version", "timestamp")


def cursor_candidates(fields: Iterable[Field]) -> tuple[str, ...]:
    """Fields that look as if they grew with every change: by type and name."""
    return tuple(
        field.name
        for field in fields
        if field.type in CANDIDATE_TYPES and any(word in field.name.lower() for word in CANDIDATE_WORDS)
    )


def check_cursor_type(stream: str, field: Field) -> None:
    """Raise ConfigError `bad_cursor` for a field by which a stream cannot be read on."""
    if field.type not in CURSOR_TYPES:
        raise ConfigError(
            "bad_cursor",
            f"{stream}: the field '{field.name}' is of type {field.type}, by which no cursor can go on",
            hint=f"Choose a field that grows with every change, of type {', '.join(CURSOR_TYPES[:-1])} or text.",
        )


def highest_value(field_type: FieldType, values: Sequence[Any]) -> Any:
    """The JSON form of the last of these ordered values that is of the type; None if there is none."""
    for value in reversed(values):
        try:
            return encode_value(field_type, decode_value(field_type, value))
        except ValueError:
            continue
    return None


def greatest_value(field_type: FieldType, values: Iterable[Any]) -> Any:
    """The JSON form of the greatest of these values, in whatever order, that is of the type; None if there is none."""
    greatest = None
    for value in values:
        try:
            found = decode_value(field_type, value)
        except ValueError:
            continue
        if found is not None and (greatest is None or found > greatest):
            greatest = found
    return None if greatest is None else encode_value(field_type, greatest)
