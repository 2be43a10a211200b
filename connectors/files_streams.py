"""A stream as its files have it: which columns of which types, and its records one by one. Only reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from connectors.errors import DataError
from connectors.files_csv import read_cells, read_header
from connectors.files_errors import broken
from connectors.files_filters import chosen
from connectors.files_jsonl import inner_value, read_objects
from connectors.files_lines import Lines, open_lines
from connectors.files_places import Place
from connectors.files_settings import FileFormat
from connectors.files_types import type_of_texts, type_of_values
from connectors.records import Field, FieldType, decode_value

SAMPLED_RECORDS = 1_000
Row = tuple[Any, ...]
Types = Mapping[str, FieldType]
NO_TYPES: Types = {}


@dataclass(frozen=True, slots=True)
class StreamFiles:
    """Files that have the same columns."""

    stream: str
    places: tuple[Place, ...]
    file_format: FileFormat
    fields: tuple[Field, ...]

    def rows(self, lines: Lines, offset: int = 0, line: int = 0) -> Iterator[Row]:
        """The records of one file behind a line's end, in the order of `fields`. Raises DataError."""
        if self.file_format.name == "jsonl":
            lines.go_to(offset, line)
            return self._rows_of_objects(lines)
        header = read_header(lines, self.file_format)
        self._refuse_other_columns(lines.name, header)
        if offset:
            lines.go_to(offset, line)
        cells = read_cells(lines, self.file_format, len(header))
        places = [header.index(field.name) for field in self.fields]
        if places == list(range(len(header))):
            return map(tuple, cells)
        return (tuple(row[place] for place in places) for row in cells)

    def _rows_of_objects(self, lines: Lines) -> Iterator[Row]:
        known = {field.name for field in self.fields}
        for found in read_objects(lines):
            if not found.keys() <= known:
                name = next(name for name in found if name not in known)
                reason = f"there is the name '{name[:100]}', which the first records do not have"
                raise broken(lines.name, lines.line, reason, "Declare it in the connector's columns of this stream.")
            yield tuple(_json_value(field.type, found.get(field.name)) for field in self.fields)

    def _refuse_other_columns(self, name: str, header: Sequence[str]) -> None:
        names = [field.name for field in self.fields]
        if sorted(header) != sorted(names):
            raise DataError(
                "column_mismatch",
                f"{name} has the columns {', '.join(header)}, but {self.places[0].name} has {', '.join(names)}",
                hint="Give all files of a pattern the same columns, or read them as streams of their own.",
            )


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
    look = _fields_of_objects if file_format.name == "jsonl" else _fields_of_cells
    fields = look(places, file_format, {**known, **declared}, hints)
    files = StreamFiles(stream, tuple(places), file_format, fields)
    if file_format.name == "csv":
        chosen(stream, list(declared), fields)
        for place in places[1:]:
            with open_lines(place, file_format.encoding) as lines:
                files.rows(lines)
    return files


def _fields_of_cells(places: Sequence[Place], file_format: FileFormat, types: Types, hints: Types) -> tuple[Field, ...]:
    with open_lines(places[0], file_format.encoding) as lines:
        names = read_header(lines, file_format)
        found: Types = {}
        if file_format.infers_types and any(name not in types for name in names):
            sample = list(islice(read_cells(lines, file_format, len(names)), SAMPLED_RECORDS))
            found = {name: type_of_texts(row[place] for row in sample) for place, name in enumerate(names)}
    return tuple(Field(name, types.get(name) or hints.get(name) or found.get(name, "text")) for name in names)


def _fields_of_objects(
    places: Sequence[Place], file_format: FileFormat, types: Types, hints: Types
) -> tuple[Field, ...]:
    sample = list(islice(_objects(places, file_format), SAMPLED_RECORDS))
    names = dict.fromkeys([*types, *(name for found in sample for name in found)]) or hints
    given = {**hints, **types}
    return tuple(Field(name, given.get(name) or type_of_values(found.get(name) for found in sample)) for name in names)


def _objects(places: Sequence[Place], file_format: FileFormat) -> Iterator[dict[str, Any]]:
    for place in places:
        with open_lines(place, file_format.encoding) as lines:
            yield from read_objects(lines)


def _json_value(field_type: FieldType, value: Any) -> Any:
    """What a batch holds: texts of JSON columns as JSON texts, since a bare one would be taken for JSON itself."""
    if field_type == "json":
        return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else inner_value(value)
    return inner_value(value) if isinstance(value, dict | list) else value


def read_value(field_type: FieldType, value: Any) -> Any:
    """A batch's value as the object of its type, or as it is where it is none; JSON texts stay such."""
    try:
        found = decode_value(field_type, value)
    except ValueError:
        return value
    return value if field_type == "json" and isinstance(found, str) else found
