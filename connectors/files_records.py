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
    offset = 0
    number = 0
    first = 0
    bytes_read = 0

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
        self._numbers: list[int] = []
        self._files: list[tuple[int, str]] = []

    def add(self, file: OpenRecords) -> None:
        """The next record is the file's last one."""
        if not self._files or self._files[-1][1] is not file.name:
            self._files.append((len(self._numbers), file.name))
        self._numbers.append(file.first)
        self._unit = file.unit

    def __call__(self, index: int) -> str:
        _, name = self._files[bisect(self._files, index, key=lambda one: one[0]) - 1]
        return f"{name}, {self._unit} {self._numbers[index]}"


def record_text(record: Row) -> str:
    """A record as JSON text, for people."""
    return json.dumps(record, ensure_ascii=False, default=str)


def unreadable(place: str, record: Unread) -> DataError:
    """The error for a record that is not to be set aside."""
    hint = "Mend it in the file, then retry; or set such records aside by on_reject."
    return DataError("broken_record", f"{place}: {record.reason}", hint=hint)
