"""One connection to an SQLite file, with patience for locks, errors in our words and an end on request. No SQL here
but what belongs to the connection itself.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote as quote_url

from connectors.errors import ConfigError, Interrupted, SyncError
from connectors.records import FieldType, decode_value
from connectors.sql_errors import Place
from connectors.sql_text import SQLText
from connectors.sqlite_errors import translated
from connectors.surroundings import Interruption

Mode = Literal["ro", "rwc", "memory"]
Result = TypeVar("Result")
OLDEST_LIBRARY = (3, 35)  # the first with RETURNING
PATIENCE_SECONDS = 20.0
POLL_SECONDS = 0.5  # SQLite's own wait for a lock cannot be interrupted, so it is kept short and repeated
ROWS_AT_ONCE = 32  # they may be large
KEPT_AS_TEXT: tuple[FieldType, ...] = ("decimal", "date", "datetime", "json", "uuid", "boolean")
"""Types whose equal values may be spelled in several ways, so that they are compared by value."""


def _differ(field_type: FieldType, left: Any, right: Any) -> bool:
    """Whether two stored values that are not identical also mean different things."""
    try:
        one, other = decode_value(field_type, left), decode_value(field_type, right)
    except ValueError:
        return True
    if field_type == "json":  # true is not 1 there, though Python finds them equal
        return json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True)
    return bool(one != other)


def _order(field_type: FieldType, left: str, right: str) -> int:
    """The order by meaning; what has none comes last, by its text."""
    one, other = _sorting(field_type, left), _sorting(field_type, right)
    return (one > other) - (one < other)


@lru_cache(maxsize=16_384)  # a sort asks for the same values again and again
def _sorting(field_type: FieldType, text: str) -> tuple[int, Any]:
    try:
        return 0, decode_value(field_type, text)
    except ValueError:
        return 1, text


def _matches(pattern: str, value: Any) -> bool | None:
    return None if value is None else re.search(pattern, str(value)) is not None


class Session:
    """A connection in autocommit mode; transactions are begun and ended by statements."""

    def __init__(self, place: Place, path: Path | None, mode: Mode, interruption: Interruption) -> None:
        self.place = place
        self.is_closed = False
        self.interruption = interruption
        if sqlite3.sqlite_version_info < OLDEST_LIBRARY:
            raise ConfigError(
                "library_too_old",
                f"{place.where}: this Python's SQLite library is {sqlite3.sqlite_version}, and 3.35 or newer is needed",
                hint="Run Syncdeck with a Python that brings a newer SQLite library.",
            )
        address = ":memory:" if path is None else f"file:{quote_url(str(path))}?mode={mode}"
        self.connection = self._guarded(partial(_connect, address), place)
        if path is not None:
            self._look_at_file(path, mode)

    def _look_at_file(self, path: Path, mode: Mode) -> None:
        """Touch the file now, so that one that is no database is noticed here."""
        try:
            self._guarded(lambda: self.connection.execute("SELECT count(*) FROM sqlite_master").fetchall(), self.place)
            if mode == "rwc":
                self._guarded(lambda: self.connection.execute("PRAGMA journal_mode = WAL").fetchall(), self.place)
                self.connection.execute("PRAGMA foreign_keys = ON")
        except SyncError:
            self.connection.close()
            raise
        if mode == "rwc" and not os.access(path, os.W_OK):
            self.connection.close()
            raise ConfigError(
                "read_only",
                f"{self.place.where}: {self.place.address} may not be written to",
                hint="Give the worker's user the right to write both the file and its folder.",
            )

    def execute(self, query: SQLText, parameters: Sequence[Any] = (), *, record: str = "") -> int:
        """Run a statement; how many rows it wrote."""
        place = replace(self.place, record=record)
        return self._guarded(lambda: self.connection.execute(query, parameters).rowcount, place)

    def execute_many(self, query: SQLText, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each row."""
        self._guarded(lambda: self.connection.executemany(query, rows), self.place)

    def fetch(self, query: SQLText, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows; a text that is no UTF-8 comes with lone surrogates, which mapping refuses by the record's name."""
        try:
            return self._guarded(lambda: self.connection.execute(query, parameters).fetchall(), self.place)
        except UndecodableText:
            self.connection.text_factory = _decode_leniently
            return self._guarded(lambda: self.connection.execute(query, parameters).fetchall(), self.place)

    def fetch_in_parts(
        self, query: SQLText, parameters: Sequence[Any] = (), size: int = ROWS_AT_ONCE
    ) -> Iterator[list[tuple[Any, ...]]]:
        """The rows, at most `size` at a time."""
        yield from self.parts(query, parameters, size, leniently=True)

    def parts(
        self, query: SQLText, parameters: Sequence[Any] = (), size: int = ROWS_AT_ONCE, *, leniently: bool = False
    ) -> Generator[list[tuple[Any, ...]]]:
        """The rows, at most `size` and ROWS_AT_ONCE at a time. Raises UndecodableText, but `leniently`."""
        if leniently:
            self.connection.text_factory = _decode_leniently
        cursor = self._guarded(lambda: self.connection.execute(query, parameters), self.place)
        try:
            while rows := self._guarded(lambda: cursor.fetchmany(min(size, ROWS_AT_ONCE)), self.place):
                yield rows
        finally:
            with suppress(sqlite3.ProgrammingError):  # the connection may be closed before
                cursor.close()

    def interrupt(self) -> None:
        """End the running statement; for other threads."""
        try:
            self.connection.interrupt()
        except sqlite3.ProgrammingError:  # closed meanwhile
            return

    def close(self) -> None:
        """An open transaction is rolled back."""
        self.is_closed = True
        self.connection.close()

    def _guarded(self, action: Callable[[], Result], place: Place) -> Result:
        """Do it, again and again while somebody else holds a lock: a statement that met one has done nothing."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            self.interruption.check()
            try:
                return action()
            except sqlite3.Error as error:
                code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                if code == sqlite3.SQLITE_BUSY and time.monotonic() < deadline:
                    continue
                if self.interruption.is_requested:
                    raise Interrupted(self.interruption.reason) from error
                if "Could not decode to UTF-8" in str(error):
                    raise UndecodableText from error
                raise translated(error, place) from error


class UndecodableText(Exception):
    """A text value is no UTF-8."""


def _decode_leniently(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _connect(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        address, timeout=POLL_SECONDS, isolation_level=None, check_same_thread=False, uri=True, cached_statements=32
    )
    try:
        _prepare(connection)
    except BaseException:  # a file that is no database shows itself here
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    # WAL with FULL keeps every committed batch through a power cut: the checkpoint in there is what a resume believes.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA case_sensitive_like = ON")
    connection.create_function("regexp", 2, _matches, deterministic=True)
    for field_type in KEPT_AS_TEXT:
        connection.create_function(f"syncdeck_differ_{field_type}", 2, partial(_differ, field_type), deterministic=True)
        connection.create_collation(f"syncdeck_{field_type}", partial(_order, field_type))
