"""A preview as its table shows it: each target field, before it the source's columns that it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from syncjobs.operations.previewed import UNREAD, PreviewedRecord, PreviewedReject, StreamPreview
from syncjobs.portal.words import NOTHING, value_text


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of a target field; `is_changed` where it is not the source's own."""

    text: str
    is_changed: bool


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One record: a text for each target field before, and a cell each after, or the reject."""

    before: list[str]
    after: list[Cell]
    reject: PreviewedReject | None


def preview_rows(preview: StreamPreview) -> list[PreviewRow]:
    """A row for each record, in the order of the preview's fields."""
    return [_row(preview, record) for record in preview.records]


def _row(preview: StreamPreview, record: PreviewedRecord) -> PreviewRow:
    before = [_before(record.before, preview.made_of.get(field.name, ())) for field in preview.fields]
    after = []
    for text, field in zip(before, preview.fields, strict=True):
        value = value_text(record.after[field.name]) if record.after is not None else NOTHING
        after.append(Cell(value, value != text))
    return PreviewRow(before, after, record.reject)


def _before(record: dict[str, Any], columns: tuple[str, ...]) -> str:
    if UNREAD in record:
        return value_text(record[UNREAD])
    if len(columns) == 1:
        return value_text(record.get(columns[0]))
    return ", ".join(f"{name} = {value_text(record.get(name))}" for name in columns) or NOTHING
