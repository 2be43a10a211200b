"""A job's changes as shown: each field's old and new value as text, long ones cut. Reads and changes nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from syncjobs.models import Change
from syncjobs.portal.words import LONGEST_VALUE, value_text, whole_text

FIELDS_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Value:
    """One value as text; `is_cut` if there is more of it, `is_nothing` for null and the empty text."""

    text: str
    is_cut: bool
    is_nothing: bool


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field's old and new value; None where there is none (the old one of an insert)."""

    name: str
    old: Value | None
    new: Value | None


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change as shown: the record's key, its fields up to a limit, how many more there are, whether some are cut."""

    id: int
    stream: str
    operation: str
    key: str
    fields: list[FieldChange]
    more: int

    @property
    def is_cut(self) -> bool:
        return any(value.is_cut for field in self.fields for value in (field.old, field.new) if value is not None)


def change_row(change: Change, most_fields: int | None = FIELDS_SHOWN, *, whole: bool = False) -> ChangeRow:
    """The change ready to be shown; `whole` cuts no value."""
    pairs = list(change.fields.items())
    shown = pairs[:most_fields]
    return ChangeRow(
        id=change.pk,
        stream=change.stream,
        operation=change.operation,
        key=key_as_text(change.key),
        fields=[field_change(name, pair, change.operation, whole=whole) for name, pair in shown],
        more=len(pairs) - len(shown),
    )


def key_as_text(key: Any) -> str:
    """The key's values, as lists show them."""
    values = list(key.values()) if isinstance(key, dict) else [key]
    # A dry run's insert has no key yet.
    return "(new)" if all(value is None for value in values) else ", ".join(value_text(value) for value in values)


def field_change(name: str, pair: Any, operation: str, *, whole: bool = False) -> FieldChange:
    """A field's old and new value as shown; `pair` is [old, new]."""
    old, new = pair if isinstance(pair, list) and len(pair) == 2 else (None, pair)
    # A text and a number that read alike, "7" and 7, differ only in their types: then both are shown as JSON.
    as_json = operation == "update" and old != new and whole_text(old) == whole_text(new)
    return FieldChange(
        name,
        None if operation == "insert" else _value(old, as_json=as_json, whole=whole),
        None if operation == "delete" else _value(new, as_json=as_json, whole=whole),
    )


def field_value(value: Any) -> Value:
    """A value as lists show it."""
    return _value(value, as_json=False, whole=False)


def _value(value: Any, *, as_json: bool, whole: bool) -> Value:
    shown = json.dumps(value, ensure_ascii=False) if as_json else value
    text = whole_text(shown)
    is_cut = len(text) > LONGEST_VALUE and not whole
    return Value(value_text(shown) if is_cut else text, is_cut, is_nothing=value is None or value == "")
