"""A stream as its files have it: which columns of which types, and how each file is opened. Only reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from connectors.errors import DataError
from connectors.files_filters import chosen
from connectors.files_formats import parquet
from connectors.files_lines import open_lines
from connectors.files_places import Place
from connectors.files_records import OpenRecords
from connectors.files_settings import FileFormat
from connectors.files_texts import LineRecords, Types, fields_of_cells, fields_of_objects
from connectors.records import Field, FieldType, decode_value

NO_TYPES: Types = {}


@dataclass(frozen=True, slots=True)
class StreamFiles:
    """Files that have the same columns; of binary ones only those that are `needed` (None = all) are read."""

    stream: str
    places: tuple[Place, ...]
    file_format: FileFormat
    fields: tuple[Field, ...]
    needed: frozenset[str] | None = None

    @contextmanager
    def open(self, place: Place) -> Iterator[OpenRecords]:
        """One of the files; its records are in the order of `fields`."""
        if self.file_format.name == "parquet":
            names = [field.name for field in self.fields]
            with parquet().open(place, names, names if self.needed is None else self.needed) as opened:
                yield opened
            return
        with open_lines(place, self.file_format.encoding) as lines:
            yield LineRecords(lines, self.file_format, self.fields, self.places[0].name)


def look_at(
    stream: str,
    places: Sequence[Place],
    file_format: FileFormat,
    declared: Types,
    known: Types,
    hints: Types = NO_TYPES,
) -> StreamFiles:
    """The stream's files with their columns: types as declared, else as known from writing them, else as found.

    `hints` are types of columns that may be there; they are all there is to say of a JSON Lines file without records.
    Raises DataError `broken_file`, or `column_mismatch` for files that differ or declared columns that are not there.
    """
    types = {**known, **declared}
    if file_format.name == "parquet":
        return _look_at_binary(stream, places, file_format, declared, types)
    look = fields_of_objects if file_format.name == "jsonl" else fields_of_cells
    files = StreamFiles(stream, tuple(places), file_format, look(places, file_format, types, hints))
    if file_format.name == "csv":
        chosen(stream, list(declared), files.fields)
        for place in places[1:]:
            with files.open(place) as opened:
                next(opened.records(0, 0), None)
    return files


def _look_at_binary(
    stream: str, places: Sequence[Place], file_format: FileFormat, declared: Types, types: Types
) -> StreamFiles:
    """As `look_at`: such files know their own types, which may still be declared to be others."""
    fields = parquet().fields(places[0])
    chosen(stream, list(declared), fields)
    for place in places[1:]:
        if (other := parquet().fields(place)) != fields:
            raise DataError(
                "column_mismatch",
                f"{place.name} has the columns {_told(other)}, but {places[0].name} has {_told(fields)}",
                hint="Give all files of a pattern the same columns, or read them as streams of their own.",
            )
    typed = tuple(Field(one.name, types.get(one.name, one.type), one.nullable) for one in fields)
    return StreamFiles(stream, tuple(places), file_format, typed)


def _told(fields: Sequence[Field]) -> str:
    return ", ".join(f"{field.name} ({field.type})" for field in fields)


def read_value(field_type: FieldType, value: Any) -> Any:
    """A batch's value as the object of its type, or as it is where it is none; JSON texts stay such."""
    try:
        found = decode_value(field_type, value)
    except ValueError:
        return value
    return value if field_type == "json" and isinstance(found, str) else found
