"""A stream's fields and first rows as they are shown: long values cut, with the rest a click away; never everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors.records import Batch, Field, StreamSchema
from connectors.sampling import StreamSample
from syncjobs.diffs import MASK, json_form
from syncjobs.portal.words import whole_text
from syncjobs.texts import storable_characters

COLUMNS_SHOWN, FIELDS_SHOWN = 60, 1_000
UNREADABLE = "it may hold masked values, so it is not shown"
SHOWN_AT_ONCE, MOST_SHOWN = 80, 4_000  # characters of a value


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field and what it is good for."""

    field: Field
    in_key: bool
    is_cursor_candidate: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """A value: what is shown at once, and more of it where that was cut."""

    text: str
    whole: str = ""
    is_null: bool = False
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One record; `problem` says why it could not be read."""

    cells: list[Cell]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """The first rows in the order of the columns; `hidden` columns are left out."""

    columns: tuple[str, ...]
    hidden: int
    rows: list[SampleRow]
    masked: list[str]


def schema_rows(schema: StreamSchema) -> list[FieldRow]:
    """The fields in their own order."""
    candidates = set(schema.cursor_candidates)
    return [FieldRow(one, one.name in schema.key, one.name in candidates) for one in schema.fields[:FIELDS_SHOWN]]


def sample_rows(sample: StreamSample, masked: frozenset[str] = frozenset()) -> Sample:
    """The rows of a sample, ready to be shown; values of masked columns are not."""
    names = sample.batch.names[:COLUMNS_SHOWN]
    rows = [_row(sample.batch, place, masked) for place in range(len(sample.batch.rows))]
    return Sample(names, len(sample.batch.names) - len(names), rows, [name for name in names if name in masked])


def _row(batch: Batch, place: int, masked: frozenset[str]) -> SampleRow:
    if unread := batch.unread.get(place):
        text = UNREADABLE if masked else f"{unread.reason}: {unread.text[:SHOWN_AT_ONCE]}"
        return SampleRow([], storable_characters(text))
    pairs = list(zip(batch.names, batch.rows[place], strict=True))[:COLUMNS_SHOWN]
    return SampleRow([Cell(MASK) if name in masked and value is not None else _cell(value) for name, value in pairs])


def _cell(value: Any) -> Cell:
    if value is None:
        return Cell("null", is_null=True)
    text = _text(value)
    if len(text) <= SHOWN_AT_ONCE:
        return Cell(text or "(empty)", is_null=not text)
    return Cell(text[:SHOWN_AT_ONCE], text[:MOST_SHOWN], is_cut=len(text) > MOST_SHOWN)


def _text(value: Any) -> str:
    """As people read it, no longer than what tells that it is too long."""
    if isinstance(value, bytes | str):  # before any conversion, since it may be many megabytes
        value = value[: MOST_SHOWN + 1]
    if value == "":
        return ""
    return storable_characters(whole_text(json_form(value)))
