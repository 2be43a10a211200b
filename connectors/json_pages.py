"""Pages of JSON records as columns, decoded without a dictionary for each record. No input or output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec

from connectors.field_numbers import exact_number

SAMPLE = 500
TEXTS = {str, type(None)}


@dataclass(frozen=True, slots=True)
class Page:
    """One answer's records by columns; a field that a record lacks is None. `byte_count` is the answer's."""

    columns: dict[str, list[Any]]
    records: int
    byte_count: int


class RecordShape:
    """What is wanted of each record; other fields are skipped unread."""

    def __init__(self, names: Sequence[str]) -> None:
        self._fields = {f"f{number}": name for number, name in enumerate(dict.fromkeys(names))}
        fields = [(own, Any, None) for own in self._fields]
        self._record = msgspec.defstruct("Record", fields, rename=self._fields, gc=False)
        # A type that is only known now; mypy reads it as a variable.
        self.decode = msgspec.json.Decoder(list[self._record], float_hook=exact_number).decode  # type: ignore[name-defined]

    def page(self, value: Any, byte_count: int) -> Page | None:
        """The page of what `decode` gave, or json.loads where it refused; None where that is no list of records."""
        if not isinstance(value, list):
            return None
        kinds = set(map(type, value))
        if kinds <= {self._record}:
            columns = {name: _kept_once(list(map(attrgetter(own), value))) for own, name in self._fields.items()}
        elif kinds <= {dict}:
            columns = {name: [record.get(name) for record in value] for name in self._fields.values()}
        else:
            return None
        return Page(columns, len(value), byte_count)


def _kept_once(column: list[Any]) -> list[Any]:
    """The same values, of which equal texts are one object where they come again and again: a page is half as large."""
    sample = column[:SAMPLE]
    if set(map(type, column)) <= TEXTS and 2 * len(set(sample)) <= len(sample):
        own: dict[Any, Any] = {}
        return list(map(own.setdefault, column, column))
    return column
