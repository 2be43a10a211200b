"""Tables as CSV files for spreadsheets. No cell begins as a formula would, since records say what strangers wrote."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from django.db import models
from django.http import StreamingHttpResponse

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""OWASP, CSV Injection; and the full-width forms, which some spreadsheets take as well."""
PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
AT_ONCE = 1_000
Row = TypeVar("Row", bound=models.Model)


class _Line:
    """What csv writes into: it hands each line back."""

    def write(self, line: str) -> str:
        return line


def csv_download(
    name: str, header: Sequence[str], rows: Iterable[Sequence[Any]], *, is_raw: bool
) -> StreamingHttpResponse:
    """A file that is made while it is sent. With `is_raw`, for programs, every value is as it is."""
    response = StreamingHttpResponse(_lines(header, rows, is_raw), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def in_steps(rows: models.QuerySet[Row]) -> Iterator[Row]:
    """All rows, which are ordered by their ids, some at a time: neither we nor the database hold them all."""
    last = 0
    while found := list(rows.filter(pk__gt=last)[:AT_ONCE]):
        yield from found
        last = found[-1].pk


def safe_cell(value: Any) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe stands before it. Numbers stay numbers."""
    text = cell_text(value)
    is_harmless = not text.lstrip(" ").startswith(FORMULA_STARTS) or PLAIN_NUMBER.fullmatch(text)
    return text if is_harmless else f"'{text}"


def cell_text(value: Any) -> str:
    """Nothing for null, text as it is, anything else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _lines(header: Sequence[str], rows: Iterable[Sequence[Any]], is_raw: bool) -> Iterator[str]:
    writer, convert = csv.writer(_Line()), cell_text if is_raw else safe_cell
    yield writer.writerow(header)
    for row in rows:
        yield writer.writerow([convert(value) for value in row]).encode("utf-8", "replace").decode()
