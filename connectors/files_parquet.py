"""Parquet: records from column chunks, a part at a time, and back. Needs pyarrow, so only files_formats imports it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.errors import DataError
from connectors.files_errors import changed, explained
from connectors.files_formats import BinaryFormat
from connectors.files_lines import LONGEST_RECORD, OPEN_FLAGS, head_of, stamp_of_open
from connectors.files_parquet_values import field_of, values_of
from connectors.files_parquet_writing import write_parquet
from connectors.files_places import Place
from connectors.files_records import OpenRecords, Row
from connectors.records import Field, Unread

BUFFER_BYTES = 1024 * 1024  # of one column chunk; without it whole chunks are read at once
PART_BYTES = 4 * 1024 * 1024
LARGEST_PART = 5_000  # records


class Parquet(BinaryFormat):
    """The format as `files_formats` wants it."""

    def fields(self, place: Place) -> tuple[Field, ...]:
        with _opened(place) as (file, _):
            found = tuple(field_of(one) for one in file.schema_arrow)
        names = [field.name for field in found]
        for number, name in enumerate(names):
            if not name.strip() or "\0" in name or name in names[:number]:
                raise _broken(place.name, f"column {number + 1} has no name of its own ({name[:100]!r})")
        return found

    @contextmanager
    def open(self, place: Place, names: Sequence[str], needed: Iterable[str]) -> Iterator[OpenRecords]:
        with _opened(place) as (file, descriptor):
            yield ParquetRecords(place, file, descriptor, names, frozenset(needed))

    def write(
        self,
        file: IO[bytes],
        fields: Sequence[Field],
        digits: Mapping[str, tuple[int, int]],
        parts: Iterable[Sequence[tuple[Any, ...]]],
    ) -> None:
        write_parquet(file, fields, digits, parts)


class ParquetRecords(OpenRecords):
    """One open file; a place in it is the number of records before it."""

    unit: ClassVar[str] = "record"
    offset = 0
    number = 0
    first = 0
    bytes_read = 0

    def __init__(
        self, place: Place, file: pq.ParquetFile, descriptor: int, names: Sequence[str], needed: frozenset[str]
    ) -> None:
        self.name, self.head = place.name, head_of(place.path)
        self._file = file
        self._names = names
        self._needed = [name for name in names if name in needed] or list(names[:1])
        self._descriptor = descriptor
        self._stamp = stamp_of_open(descriptor)

    def records(self, offset: int, number: int) -> Iterator[Row | Unread]:
        self.offset = self.number = self.first = offset
        for group in range(self._file.num_row_groups):
            size = self._file.metadata.row_group(group).num_rows
            if offset < size:
                yield from self._of_group(group, offset)
            offset = max(0, offset - size)
        if stamp_of_open(self._descriptor) != self._stamp:
            raise changed(self.name, "while it was read")

    def _of_group(self, group: int, skipped: int) -> Iterator[Row | Unread]:
        for part in self._parts(group):
            self.bytes_read += part.nbytes
            if skipped < part.num_rows:
                for row in self._rows(part.slice(skipped)):
                    self.offset += 1
                    self.number = self.first = self.offset
                    yield row
            skipped = max(0, skipped - part.num_rows)

    def _parts(self, group: int) -> Iterator[pa.RecordBatch]:
        found = self._file.metadata.row_group(group)
        size = PART_BYTES * max(1, found.num_rows) // max(1, found.total_byte_size)
        options = {"row_groups": [group], "columns": self._needed, "use_threads": False}
        with readable(self.name):
            yield from self._file.iter_batches(max(1, min(LARGEST_PART, size)), **options)

    def _rows(self, part: pa.RecordBatch) -> Iterator[Row]:
        columns = []
        for name in self._names:
            if name in self._needed:
                column = part.column(name)
                self._refuse_huge(name, column)
                columns.append(values_of(column))
            else:
                columns.append([None] * part.num_rows)
        return zip(*columns, strict=True)

    def _refuse_huge(self, name: str, column: pa.Array) -> None:
        if column.nbytes <= LONGEST_RECORD:
            return
        for place in range(len(column)):
            if column.slice(place, 1).nbytes > LONGEST_RECORD:
                megabytes = LONGEST_RECORD // 1024**2
                number = self.offset + place + 1
                raise _broken(self.name, f"the value of {name} in record {number} is over {megabytes} MiB")


@contextmanager
def _opened(place: Place) -> Iterator[tuple[pq.ParquetFile, int]]:
    with explained(place.path, place.name):
        descriptor = os.open(place.path, OPEN_FLAGS)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise DataError("broken_file", f"{place.name} is no regular file")
        with readable(place.name):
            opened = pq.ParquetFile(file, buffer_size=BUFFER_BYTES, pre_buffer=False, page_checksum_verification=True)
        yield opened, descriptor


@contextmanager
def readable(name: str) -> Iterator[None]:
    """Turns the library's errors about a file into ours; it raises OSError for broken ones, too."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        text = str(error).strip().partition("\n")[0]
        raise _broken(name, f"it cannot be read as Parquet ({text[:200]})") from error


def _broken(name: str, reason: str) -> DataError:
    return DataError("broken_file", f"{name}: {reason}", hint="Write the file anew, then retry.")
