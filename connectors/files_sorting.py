"""Sorts records by a cursor in a temporary SQLite file, which goes by itself; memory stays flat. Knows no files."""

from __future__ import annotations

import base64
import datetime as dt
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from functools import lru_cache
from typing import Any

from connectors.errors import TransientError
from connectors.records import FieldType
from connectors.surroundings import Interruption

STEPS_BETWEEN_CHECKS = 100_000  # of SQLite's machine
CACHE_KIB = 16 * 1024
Found = tuple[int, Any, int, str, str]
"""Class, cursor (of classes but the first one 0), number in the old order, place, and the record as JSON text."""


def sorted_by_cursor(found: Iterable[Found], field_type: FieldType, interruption: Interruption) -> Iterator[Found]:
    """By class, cursor and number; cursors come back as texts or numbers that the type decodes.

    Raises TransientError `disk_full`, Interrupted, and what `found` raises.
    """
    with _sorter(interruption) as sorter:
        sorter.executemany("INSERT INTO found VALUES (?, ?, ?, ?, ?)", map(_stored, found))
        order = "cursor COLLATE decimals" if field_type == "decimal" else "cursor"
        yield from sorter.execute(f"SELECT * FROM found ORDER BY class, {order}, number")  # noqa: S608 - our own words


def _text_form(value: Any) -> Any:
    """The JSON text form that the type of the value decodes."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return value.isoformat() if isinstance(value, dt.date) else str(value)


encode_record = json.JSONEncoder(default=_text_form, check_circular=False).encode


@contextmanager
def _sorter(interruption: Interruption) -> Iterator[sqlite3.Connection]:
    """A database without a name, which SQLite keeps in a file once it is large, and removes by itself."""
    with closing(sqlite3.connect("", isolation_level=None)) as sorter:
        sorter.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        sorter.execute("PRAGMA journal_mode = OFF")
        sorter.execute("CREATE TABLE found (class INTEGER, cursor, number INTEGER, place TEXT, record TEXT)")
        sorter.create_collation("decimals", _compare_decimals)
        sorter.execute("BEGIN")  # a transaction for each record would take three times as long
        sorter.set_progress_handler(lambda: interruption.is_requested, STEPS_BETWEEN_CHECKS)
        try:
            yield sorter
        except sqlite3.OperationalError as error:
            interruption.check()
            hint = "Make room where temporary files lie (TMPDIR), then retry."
            raise TransientError(
                "disk_full", f"sorting the records by their cursor failed: {error}", hint=hint
            ) from error


def _stored(one: Found) -> Found:
    """Times as texts of one length, which sort as they do."""
    kind, value, *rest = one
    if isinstance(value, dt.datetime):
        value = value.replace(tzinfo=None).isoformat(timespec="microseconds")
    elif isinstance(value, dt.date | Decimal):
        value = str(value)
    return kind, value, *rest


def _compare_decimals(left: str, right: str) -> int:
    one, other = _decimal(left), _decimal(right)
    return (one > other) - (one < other)


@lru_cache(maxsize=16_384)  # a sort asks for the same values again and again
def _decimal(text: str) -> Decimal:
    return Decimal(text)
