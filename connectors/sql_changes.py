"""Turns rows of stage and diff into the changes and record names that people are shown. Runs nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.base import RecordChange
from connectors.field_numbers import not_finite_name
from connectors.records import FieldType, encode_value, key_text
from connectors.sql_masks import has_bit
from connectors.sql_statements import Merge

PythonValue = Callable[[FieldType, Any], Any]
"""Makes the Python object of a type from what the driver read, if it can be made."""

PLAIN: dict[FieldType, type] = {"text": str, "integer": int}  # what drivers give and JSON keeps as it is


@dataclass(frozen=True, slots=True)
class StagedRows:
    """The target's columns, by which rows of the stage are named and shown."""

    merge: Merge
    python_value: PythonValue

    def values(self, places: Sequence[int], row: Sequence[Any]) -> dict[str, Any]:
        """The fields at these places in JSON forms."""
        columns = self.merge.columns
        return {columns[place].field.name: self.value(place, value) for place, value in zip(places, row, strict=True)}

    def value(self, place: int, value: Any) -> Any:
        """The JSON form of one field."""
        if value is None:
            return None
        field_type = self.merge.columns[place].field.type
        if type(value) is PLAIN.get(field_type):
            return value
        return json_form(field_type, self.python_value(field_type, value))

    def name(self, row: Sequence[Any], number: int) -> str:
        """A record as error texts name it: by its key, or by its number in the batch where it has none."""
        pairs = zip(self.merge.request.key, self.merge.keys, strict=True)
        key = {name: self.value(place, row[place]) for name, place in pairs if row[place] is not None}
        return key_text(key) or f"{number} of the batch"

    def insertion(self, values: dict[str, Any]) -> RecordChange:
        """The change of a new record; `values` holds all fields if they are kept, else those of the key."""
        request = self.merge.request
        key = {name: values[name] for name in request.key}
        if not request.keep_insert_values:
            return RecordChange("insert", key, {})
        named = ((field.name, values[field.name]) for field in request.fields)
        return RecordChange("insert", key, {name: [None, value] for name, value in named if value is not None})

    def deletion(self, values: dict[str, Any]) -> RecordChange:
        """The change of a record that goes; `values` holds all its fields."""
        request = self.merge.request
        named = ((field.name, values[field.name]) for field in request.fields)
        gone = {name: [value, None] for name, value in named if value is not None}
        return RecordChange("delete", {name: values[name] for name in request.key}, gone)


def inserted_changes(
    rows: StagedRows, places: Sequence[int], found: Iterable[tuple[Any, ...]]
) -> Iterator[RecordChange]:
    """Changes from the rows of `Merge.staged_rows` with these places."""
    for _, *row in found:
        yield rows.insertion(rows.values(places, row))


def compared_changes(rows: StagedRows, found: Iterable[tuple[Any, ...]]) -> Iterator[RecordChange]:
    """Changes from the rows of `Merge.diff_rows`."""
    merge = rows.merge
    first_key = 1 + len(merge.mask_names)
    first_new = first_key + len(merge.keys)
    first_old = first_new + len(merge.values)
    for row in found:
        masks, key = row[1:first_key], rows.values(merge.keys, row[first_key:first_new])
        new, old = row[first_new:first_old], row[first_old:]
        if merge.request.mode == "delete":
            yield rows.deletion(key | rows.values(merge.values, old))
            continue
        if row[0]:
            kept = rows.values(merge.values, new) if merge.request.keep_insert_values else {}
            yield rows.insertion(key | kept)
            continue
        fields = {
            merge.columns[place].name: [rows.value(place, before), rows.value(place, after)]
            for number, (place, before, after) in enumerate(zip(merge.values, old, new, strict=True))
            if has_bit(masks, number)
        }
        yield RecordChange("update", key, fields)


def json_form(field_type: FieldType, value: Any) -> Any:
    """The JSON form of a value that a system holds, also of one that does not fit its type: then as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return not_finite_name(value)
    try:
        return encode_value(field_type, value)
    except (ValueError, TypeError, ArithmeticError, AttributeError):
        return str(value)
