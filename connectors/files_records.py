"""What an open file of any format gives: its records one by one, and where they stand. Opens nothing."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from bisect import bisect
from collections.abc import Iterator
from typing import Any, ClassVar

from connectors.errors import DataError
from connectors.records import Unread

Row = tuple[Any, ...]


class OpenRecords(ABC):
    """One open file. `first` is the number of the line or record where the last record begins, from 1.

    `offset` and `number` stand behind it: what `records` takes to go on there. `head` tells the file from others, and
    `bytes_read` is about how many bytes of it were read for the records so far.
    """

    unit: ClassVar[str] = "line"
    name: str
    head: str

    @property
    @abstractmethod
    def offset(self) -> int: ...

    @property
    @abstractmethod
    def number(self) -> int: ...

    @property
    @abstractmethod
    def first(self) -> int: ...

    @property
    @abstractmethod
    def bytes_read(self) -> int: ...

    @abstractmethod
    def records(self, offset: int, number: int) -> Iterator[Row | Unread]:
        """The records behind a place. Raises DataError `broken_file` where nothing further can be read."""

    @property
    def place(self) -> str:
        """Where the last record stands: `items.csv, line 4`."""
        return f"{self.name}, {self.unit} {self.first}"


class Places:
    """Where the records of a page stand; called with the place of one in the page it says so."""

    def __init__(self) -> None:
        self.numbers: list[int] = []  # of the lines or records, in their files
        self._files: list[tuple[int, str]] = []

    def begin(self, index: int, file: OpenRecords) -> None:
        """From this place in the page on, records are of this file."""
        self._files.append((index, f"{file.name}, {file.unit}"))

    def __call__(self, index: int) -> str:
        _, file = self._files[bisect(self._files, index, key=lambda one: one[0]) - 1]
        return f"{file} {self.numbers[index]}"


def record_text(record: Row) -> str:
    """A record as JSON text, for people."""
    return json.dumps(record, ensure_ascii=False, default=str)


def unreadable(place: str, record: Unread) -> DataError:
    """The error for a record that is not to be set aside."""
    hint = "Mend it in the file, then retry; or set such records aside by on_reject."
    return DataError("broken_record", f"{place}: {record.reason}", hint=hint)
