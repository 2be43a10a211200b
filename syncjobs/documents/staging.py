"""What of a document is written: the one row that is staged at the target, and what the target makes of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.base import Comparison, Operation, RecordChange, StreamWriter, WriteRequest
from connectors.errors import DataError, TransientError
from connectors.records import Field, decode_value, encode_value, key_text
from syncjobs.diffs import MASK, is_same, json_form
from syncjobs.documents.base import Written
from syncjobs.documents.record_names import name_of_key

HINT = "Correct the source document or the controller, then retry."


@dataclass(frozen=True, slots=True)
class Stream:
    """Where documents of one type are written: names, fields, and those of the key."""

    document_type: str
    name: str
    fields: tuple[Field, ...]
    key: tuple[Field, ...]

    def request(self, fields: tuple[Field, ...], operation: Operation, *, dry_run: bool) -> WriteRequest:
        return WriteRequest(
            stream=self.name,
            fields=fields,
            key=tuple(field.name for field in self.key),
            mode="delete" if operation == "delete" else "upsert",
            create=False,
            dry_run=dry_run,
            keep_insert_values=True,
        )


@dataclass(frozen=True, slots=True)
class Staged:
    """One operation on one record: the fields that take part, and the row with their values."""

    stream: Stream
    operation: Operation
    fields: tuple[Field, ...]
    row: tuple[Any, ...]

    def request(self, *, dry_run: bool) -> WriteRequest:
        return self.stream.request(self.fields, self.operation, dry_run=dry_run)

    @property
    def key(self) -> dict[str, Any]:
        """The record's key in JSON forms."""
        values = {field.name: value for field, value in zip(self.fields, self.row, strict=True)}
        return {field.name: encode_value(field.type, values[field.name]) for field in self.stream.key}


def stage_document(
    stream: Stream, operation: Operation, values: Mapping[str, Any], before: Mapping[str, Any] | None
) -> Staged:
    """Choose what is written: of a new record what has a value, of an updated one what differs from `before`.

    So the target's defaults hold, and nobody else's change to another column is undone. DataError `invalid_value`
    names the field that does not fit, `key_changed` an update that would make another record of it.
    """
    in_key = {field.name for field in stream.key}
    if operation != "insert" and before is not None:
        _refuse_other_key(stream, values, before)
    if operation == "delete":
        row = tuple(values[field.name] if field.name in in_key else None for field in stream.fields)
        return Staged(stream, operation, stream.fields, row)
    before = before or {}
    fields = tuple(
        field
        for field in stream.fields
        if field.name in in_key or not is_same(before.get(field.name), values[field.name])
    )
    row = tuple(_fitting(stream, field, values[field.name]) for field in fields)
    return Staged(stream, operation, fields, row)


def _refuse_other_key(stream: Stream, values: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    for field in stream.key:
        if not is_same(before[field.name], values[field.name]):
            raise DataError(
                "key_changed",
                f"{stream.document_type}: {field.name} is part of the record's key and cannot be changed",
                hint="Delete the record and insert it with the other key.",
            )


def _fitting(stream: Stream, field: Field, value: Any) -> Any:
    try:
        if field.type == "json":  # it is a Python object already
            json.dumps(value, allow_nan=False)
            return value
        return decode_value(field.type, value)
    except (ValueError, TypeError) as error:
        reason = "cannot be kept as JSON" if field.type == "json" else str(error)
        raise DataError(
            "invalid_value", f"{stream.document_type}: the value of {field.name} {reason}", hint=HINT
        ) from None


def compare_document(writer: StreamWriter, staged: Staged, masked: Collection[str]) -> Written:
    """Stage the record and compare it with the target: what writing will do, without the values of masked fields.

    DataError `duplicate_key` for an insert of what is there, TransientError `record_vanished` for the opposite.
    """
    writer.stage([staged.row])
    _refuse_surprise(staged, writer.compare())
    change = next(iter(writer.changes()), RecordChange(staged.operation, staged.key, {}))
    changes = {name: [_shown(name, value, masked) for value in pair] for name, pair in change.fields.items()}
    name = name_of_key(staged.stream.key, change.key)
    return Written(staged.operation, change.key, name, changes)


def _refuse_surprise(staged: Staged, found: Comparison) -> None:
    record = f"{staged.stream.document_type}: a record with {key_text(staged.key)}"
    if staged.operation == "insert" and not found.inserted:
        hint = "Have the controller update it, or insert it with another key."
        raise DataError("duplicate_key", f"{record} is there already", hint=hint)
    if staged.operation != "insert" and (found.inserted or found.skipped):
        raise TransientError("record_vanished", f"{record} is gone since it was read", hint="It is read anew.")


def _shown(name: str, value: Any, masked: Collection[str]) -> Any:
    return MASK if name in masked and value is not None else json_form(value)
