"""Records of CSV and JSON Lines files: the columns that they have, and their values. Only reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from connectors.errors import DataError
from connectors.field_numbers import InexactNumber
from connectors.files_csv import read_cells, read_header
from connectors.files_jsonl import inner_value, read_objects
from connectors.files_lines import Lines, open_lines
from connectors.files_places import Place
from connectors.files_records import OpenRecords, Row
from connectors.files_settings import FileFormat
from connectors.files_types import type_of_texts, type_of_values
from connectors.records import Field, FieldType, Unread

SAMPLED_RECORDS = 1_000
Types = Mapping[str, FieldType]


class LineRecords(OpenRecords):
    """A file of lines whose records have `fields`, in whatever order; `like` is the name of a file that has them."""

    def __init__(self, lines: Lines, file_format: FileFormat, fields: Sequence[Field], like: str) -> None:
        self._lines = lines
        self._format = file_format
        self._fields = fields
        self._like = like
        self.name, self.head = lines.name, lines.head
        self._start = 0

    def records(self, offset: int, number: int) -> Iterator[Row | Unread]:
        """Raises DataError `column_mismatch` for a CSV file of other columns."""
        self._start = offset
        return self._objects(offset, number) if self._format.name == "jsonl" else self._cells(offset, number)

    @property
    def offset(self) -> int:
        return self._lines.offset

    @property
    def number(self) -> int:
        return self._lines.line

    @property
    def first(self) -> int:
        return self._lines.first_line

    @property
    def bytes_read(self) -> int:
        return self._lines.offset - self._start

    def _cells(self, offset: int, number: int) -> Iterator[Row | Unread]:
        header = read_header(self._lines, self._format)
        self._refuse_other_columns(header)
        if offset:
            self._lines.go_to(offset, number)
        places = [header.index(field.name) for field in self._fields]
        is_as_asked = places == list(range(len(header)))
        for cells in read_cells(self._lines, self._format, len(header)):
            if isinstance(cells, Unread):
                yield cells
            else:
                yield tuple(cells) if is_as_asked else tuple(cells[place] for place in places)

    def _refuse_other_columns(self, header: Sequence[str]) -> None:
        names = [field.name for field in self._fields]
        if sorted(header) != sorted(names):
            raise DataError(
                "column_mismatch",
                f"{self.name} has the columns {', '.join(header)}, but {self._like} has {', '.join(names)}",
                hint="Give all files of a pattern the same columns, or read them as streams of their own.",
            )

    def _objects(self, offset: int, number: int) -> Iterator[Row | Unread]:
        self._lines.go_to(offset, number)
        known = {field.name for field in self._fields}
        for found in read_objects(self._lines):
            if isinstance(found, Unread):
                yield found
                continue
            if not found.keys() <= known:
                name = next(name for name in found if name not in known)
                words = f"there is the name '{name[:100]}', which the first records do not have: declare it in the"
                yield self._lines.unread(f"{words} connector's columns of this stream")
                continue
            try:
                yield tuple(_json_value(field.type, found.get(field.name)) for field in self._fields)
            except InexactNumber as error:
                yield self._lines.unread(f"its JSON {error}")


def _json_value(field_type: FieldType, value: Any) -> Any:
    """What a batch holds: texts of JSON columns as JSON texts, since a bare one would be taken for JSON itself."""
    if field_type == "json":
        return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else inner_value(value)
    return inner_value(value) if isinstance(value, dict | list) else value


def fields_of_cells(places: Sequence[Place], file_format: FileFormat, types: Types, hints: Types) -> tuple[Field, ...]:
    """The columns of the first CSV file, typed as known, else as hinted, else (if that is wanted) as found."""
    with open_lines(places[0], file_format.encoding) as lines:
        names = read_header(lines, file_format)
        found: Types = {}
        if file_format.infers_types and any(name not in types for name in names):
            sampled = islice(read_cells(lines, file_format, len(names)), SAMPLED_RECORDS)
            sample = [cells for cells in sampled if not isinstance(cells, Unread)]
            found = {name: type_of_texts(row[place] for row in sample) for place, name in enumerate(names)}
    return tuple(Field(name, types.get(name) or hints.get(name) or found.get(name, "text")) for name in names)


def fields_of_objects(
    places: Sequence[Place], file_format: FileFormat, types: Types, hints: Types
) -> tuple[Field, ...]:
    """The names of the first objects of JSON Lines files; without any object the hints are all there is to say."""
    sampled = islice(_objects(places, file_format), SAMPLED_RECORDS)
    sample = [found for found in sampled if not isinstance(found, Unread)]
    names = dict.fromkeys([*types, *(name for found in sample for name in found)]) or hints
    given = {**hints, **types}
    return tuple(Field(name, given.get(name) or type_of_values(found.get(name) for found in sample)) for name in names)


def _objects(places: Sequence[Place], file_format: FileFormat) -> Iterator[dict[str, Any] | Unread]:
    for place in places:
        with open_lines(place, file_format.encoding) as lines:
            yield from read_objects(lines)
