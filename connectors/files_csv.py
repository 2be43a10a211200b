"""CSV: cells from lines and back, so that NULL and the empty text stay apart. Opens nothing."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from connectors.errors import DataError
from connectors.files_errors import broken
from connectors.files_lines import LONGEST_RECORD, Lines
from connectors.files_settings import FileFormat
from connectors.files_values import stored_text
from connectors.records import Field, FieldType, Unread

Cells = list[str | None]
csv.field_size_limit(LONGEST_RECORD)  # the module's own limit of 128 KiB is one for the whole process

# 1. Reading.


def read_header(lines: Lines, file_format: FileFormat) -> tuple[str, ...]:
    """The names of the columns; without a header line they are numbered and the lines start anew.

    Raises DataError `broken_file` for an empty file, an empty name or one that comes twice.
    """
    cells = next(_records(lines, file_format), None)
    if not file_format.has_header:
        lines.go_to(0, 0)
        width = 0 if cells is None or isinstance(cells, Unread) else len(cells)
        return tuple(f"column_{number}" for number in range(1, width + 1))
    if not cells:
        raise DataError(
            "broken_file",
            f"{lines.name} is empty: it has no header line",
            hint="Name the columns in its first line.",
        )
    if isinstance(cells, Unread):
        raise _broken(lines, cells.reason)
    names = [cell or "" for cell in cells]
    for place, name in enumerate(names):
        if not name.strip() or "\0" in name:
            raise _broken(lines, f"column {place + 1} of the header has no name")
        if name in names[:place]:
            raise _broken(lines, f"the header names the column '{name[:100]}' twice")
    return tuple(names)


def read_cells(lines: Lines, file_format: FileFormat, width: int) -> Iterator[Cells | Unread]:
    """The records behind the header, None for NULL. Raises DataError `broken_file`."""
    for cells in _records(lines, file_format):
        if isinstance(cells, Unread) or len(cells) == width:
            yield cells
        elif cells:
            yield lines.unread(f"there are {len(cells)} cells where the header has {width}")
        elif width == 1:  # otherwise an empty line is none
            yield [None if file_format.null_text == "" else ""]


def _records(lines: Lines, file_format: FileFormat) -> Iterator[Cells | Unread]:
    null, delimiter, quote = file_format.null_text, file_format.delimiter, file_format.quote
    reader = csv.reader(lines, delimiter=delimiter, quotechar=quote, strict=True)
    while True:
        lines.begin_record()
        try:
            row = next(reader, None)
        except csv.Error as error:
            reason = f"the line is no CSV ({error})"
            if lines.is_at_end:  # a quote is open, so nobody knows where the records begin
                raise _broken(lines, reason) from None
            yield lines.unread(reason)
            continue
        if row is None:
            return
        if lines.misread:
            yield lines.unread(lines.misread)
            continue
        if null not in row:
            yield list(row)
            continue
        text = "".join(lines.record)
        flags = _quoted(text, delimiter, quote) if quote in text else []
        if flags and len(flags) != len(row):
            yield lines.unread("its quotes cannot be understood")
            continue
        yield [None if cell == null and not (flags and flags[place]) else cell for place, cell in enumerate(row)]


def _quoted(record: str, delimiter: str, quote: str) -> list[bool]:
    """Which cells of a record are in quotes: the csv module does not tell."""
    cell, text = _cell_pattern(delimiter, quote), record.rstrip("\r\n")
    flags, position = [], 0
    while True:
        found = cell.match(text, position)
        assert found is not None  # noqa: S101 - it also matches nothing at all
        flags.append(text.startswith(quote, position))
        if found.end() >= len(text):
            return flags
        position = found.end() + 1


@cache
def _cell_pattern(delimiter: str, quote: str) -> re.Pattern[str]:
    mark, end = re.escape(quote), re.escape(delimiter)
    return re.compile(f"{mark}(?:[^{mark}]++|{mark}{mark})*+{mark}|[^{end}]*+")


def _broken(lines: Lines, reason: str) -> DataError:
    return broken(lines.name, lines.first_line, reason)


# 2. Writing.


def header_text(fields: Sequence[Field], file_format: FileFormat) -> str:
    """The first line of a file."""
    return file_format.delimiter.join(_quote(field.name, file_format.quote) for field in fields) + "\n"


def record_writer(fields: Sequence[Field], file_format: FileFormat) -> Callable[[Sequence[Any]], str]:
    """What makes a line of a record's values, as a working copy stores them."""
    quote, null, delimiter = file_format.quote, file_format.null_text, file_format.delimiter
    awkward = re.compile(f"[\r\n{re.escape(quote)}{re.escape(delimiter)}]|^\\s|\\s$").search

    def cell_writer(field_type: FieldType) -> Callable[[Any], str]:
        put = stored_text(field_type)

        def write_cell(value: Any) -> str:
            if value is None:
                return null
            text = put(value)
            return _quote(text, quote) if field_type == "text" or text == null or awkward(text) else text

        return write_cell

    cells = [cell_writer(field.type) for field in fields]

    def write(row: Sequence[Any]) -> str:
        return delimiter.join([cell(value) for cell, value in zip(cells, row, strict=True)]) + "\n"

    return write


def _quote(text: str, quote: str) -> str:
    return quote + text.replace(quote, quote + quote) + quote
