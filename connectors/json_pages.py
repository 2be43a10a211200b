"""Pages of JSON records as columns, decoded without a dictionary for each record. No input or output."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec

from connectors.field_numbers import exact_number

TEXTS = {str, type(None)}
PIECE_BYTES = 64 * 1024
"""What is decoded at once: its records are still in the processor's cache when they become columns."""
BETWEEN_RECORDS = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*\{")
Body = bytes | bytearray


@dataclass(frozen=True, slots=True)
class Page:
    """One answer's records by columns; a field that a record lacks is None. `byte_count` is the answer's."""

    columns: dict[str, list[Any]]
    records: int
    byte_count: int


class RecordShape:
    """What is wanted of each record; other fields are skipped unread."""

    def __init__(self, names: Sequence[str], piece_bytes: int = PIECE_BYTES) -> None:
        self._piece_bytes = piece_bytes
        own_names = {f"f{number}": name for number, name in enumerate(dict.fromkeys(names))}
        fields = [(own, Any, None) for own in own_names]
        record = msgspec.defstruct("Record", fields, rename=own_names, gc=False)
        # A type that is only known now; mypy reads it as a variable.
        self._decode = msgspec.json.Decoder(list[record], float_hook=exact_number).decode  # type: ignore[valid-type]
        self._fields = {name: attrgetter(own) for own, name in own_names.items()}

    def decode(self, body: Body) -> ColumnsRead:
        """The records of a JSON list. Raises ValueError, ArithmeticError or RecursionError where it is none, or odd."""
        try:
            return self._columns(map(self._decode, pieces_of(body, self._piece_bytes)))
        except msgspec.DecodeError:
            return self._columns([self._decode(body)])  # perhaps it was cut where no record ends

    def _columns(self, parts: Iterable[list[Any]]) -> ColumnsRead:
        columns, records = {name: GrowingColumn() for name in self._fields}, 0
        for part in parts:
            records += len(part)
            for column, pick in zip(columns.values(), self._fields.values(), strict=True):
                column.add(list(map(pick, part)))
        return ColumnsRead({name: column.values for name, column in columns.items()}, records)

    def page(self, value: Any, byte_count: int) -> Page | None:
        """The page of what `decode` gave, or json.loads where it refused; None where that is no list of records."""
        if isinstance(value, ColumnsRead):
            return Page(value.columns, value.records, byte_count)
        if not isinstance(value, list) or not set(map(type, value)) <= {dict}:
            return None
        columns = {name: [record.get(name) for record in value] for name in self._fields}
        return Page(columns, len(value), byte_count)


@dataclass(frozen=True, slots=True)
class ColumnsRead:
    """What was decoded of a list of records."""

    columns: dict[str, list[Any]]
    records: int


class GrowingColumn:
    """A column of which equal texts are one object where they come again and again: a page is half as large."""

    __slots__ = ("_own", "values")

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._own: dict[Any, Any] | None = {}

    def add(self, values: list[Any]) -> None:
        """Go on with these."""
        own = self._own if set(map(type, values)) <= TEXTS else None
        self.values += values if own is None else map(own.setdefault, values, values)
        self._own = own if own is not None and 2 * len(own) <= len(self.values) else None


def pieces_of(body: Body, size: int) -> Iterator[Body]:
    """A list of records as lists of some of them, cut at what looks like the end of a record.

    It may look so in a text, too, or in a list within a record. Then the piece before the cut is no JSON, since it
    breaks off inside: pieces that are all JSON hold the records of the whole list.
    """
    begin, opened = 0, b""
    while found := BETWEEN_RECORDS.search(body, begin + size):
        yield opened + body[begin : found.start() + 1] + b"]"
        begin, opened = found.end() - 1, b"["
    yield opened + body[begin:]
