"""One connection to a PostgreSQL database, with errors in our words and an end on request.

No SQL here but what belongs to the session itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, TypeVar, cast

import psycopg
from psycopg.abc import Buffer
from psycopg.types.datetime import DateLoader, TimestampLoader, TimestamptzLoader
from psycopg.types.json import set_json_loads

from connectors.errors import Interrupted
from connectors.postgres_connecting import Attempt, Connection, Row, own_address
from connectors.postgres_errors import connect_error, translated
from connectors.records import decode_value
from connectors.sql_batches import Rows, size_of
from connectors.sql_errors import Place
from connectors.sql_text import SQLText, Table, sql
from connectors.surroundings import Interruption

Result = TypeVar("Result")
ROWS_AT_ONCE = 5_000
FIRST_ROWS, PART_BYTES = 8, 4 * 1024**2  # of a cursor, until the size of its rows is known
CHUNKS = psycopg.capabilities.has_stream_chunked()  # else rows come one by one, which takes longer
SAME_IN_BINARY = {
    *("int2", "int4", "int8", "oid", "float8", "bool", "uuid", "bytea"),
    *("text", "varchar", "bpchar", "name", "date", "timestamp", "timestamptz"),
}
"""Types of which the driver makes the same objects in either format; in the binary one in four fifths of the time."""
# Compiling a comparison of many columns, or what asks the catalogs, takes longer than running it.
NO_JIT = {"jit": "off"}
READER_SETTINGS = {"default_transaction_read_only": "on", "idle_in_transaction_session_timeout": "1h"}
# A stopped worker's transaction would hold its rows and its checkpoint; after this the server lets its successor in.
WRITER_SETTINGS = {"idle_in_transaction_session_timeout": "2min", "temp_buffers": "64MB", "work_mem": "32MB"}
WRITER_SETTINGS |= NO_JIT
WRITER_SETTINGS |= {"random_page_cost": "1.1"}  # what is looked up by its place was read just before
SETTINGS = {"lock_timeout": "30s", "TimeZone": "UTC", "DateStyle": "ISO, YMD", "bytea_output": "hex"}


class UnreadableTime(Exception):
    """A date or time that Python has no object for is among the rows; they must be read leniently."""


class _LenientDateLoader(DateLoader):
    """Leaves what Python has no date for (infinity, BC, years over 9999) as text."""

    def load(self, data: Buffer) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return bytes(data).decode()


class _LenientTimestampLoader(TimestampLoader):
    """As for dates."""

    def load(self, data: Buffer) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return bytes(data).decode()


class _LenientTimestamptzLoader(TimestamptzLoader):
    """As for dates."""

    def load(self, data: Buffer) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return bytes(data).decode()


def _load_json(data: str | bytes) -> Any:
    """Objects, lists, numbers; a text stays JSON (in quotes), since a decoded one would be taken for JSON later.

    What Python cannot hold exactly stays JSON, too: mapping refuses it by the record's name.
    """
    text = data if isinstance(data, str) else data.decode()
    try:
        value = decode_value("json", text)
    except ValueError:
        return text
    return text if isinstance(value, str) else value


def apply_settings(connection: Connection, settings: dict[str, str]) -> None:
    """Those of all sessions, and these."""
    pairs = [(name, value) for name, value in (SETTINGS | settings).items()]
    calls = SQLText(", ".join(f"set_config(${2 * n + 1}, ${2 * n + 2}, false)" for n in range(len(pairs))))
    query = sql("SELECT {calls}", calls=calls)
    connection.execute(query.encode(), [part for pair in pairs for part in pair])


@dataclass(frozen=True, slots=True)
class BareSession:
    """A connection that nobody has yet; its errors are the driver's."""

    connection: Connection

    def fetch(self, query: SQLText, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows."""
        return self.connection.execute(query.encode(), parameters).fetchall()


class Session:
    """A connection in autocommit mode; transactions are begun and ended by statements."""

    def __init__(self, place: Place, attempt: Attempt, interruption: Interruption, settings: dict[str, str]) -> None:
        self.place = place
        self.interruption = interruption
        self.connection = self._connection_of(attempt)
        set_json_loads(_load_json, self.connection)
        self._found = attempt.table
        if not attempt.is_prepared:
            self.guarded(partial(apply_settings, self.connection, settings))

    def _connection_of(self, attempt: Attempt) -> Connection:
        """It is made in a thread of its own, so that a request to end is heard while nobody answers."""
        while not attempt.is_over.wait(0.1):
            if self.interruption.is_requested:
                attempt.abandon()
                self.interruption.check()
        if attempt.connection is not None:
            return attempt.connection
        here = own_address(str(attempt.login.parameters.get("hostaddr") or ""))
        raise connect_error(attempt.error or psycopg.OperationalError("unknown"), self.place, here)

    def take_found(self, stream: str) -> Table | None:
        """Its table, if that was found when the connection was made; once, since it may be another one later."""
        found, self._found = self._found, None
        return found if found and found.name == stream else None

    @property
    def is_usable(self) -> bool:
        return not self.connection.closed and not self.interruption.is_requested

    def execute(self, query: SQLText, parameters: Sequence[Any] = (), *, record: str = "") -> int:
        """Run a statement; how many rows it wrote."""
        return self.guarded(lambda: self.connection.execute(query.encode(), parameters).rowcount, record)

    def fetch(self, query: SQLText, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows."""

        def strictly() -> list[tuple[Any, ...]] | None:
            cursor = self.connection.execute(query.encode(), parameters)
            try:
                return cursor.fetchall()
            except psycopg.DataError:  # a time that Python has no object for; the quick loaders refuse it
                return None

        rows = self.guarded(strictly)
        return self.fetch_leniently(query, parameters) if rows is None else rows

    def fetch_leniently(self, query: SQLText, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows, with dates and times that Python has no object for as texts; the statement is run once for sure."""
        return self.guarded(lambda: self._lenient_cursor().execute(query.encode(), parameters).fetchall())

    def _lenient_cursor(self) -> psycopg.Cursor[tuple[Any, ...]]:
        cursor = self.connection.cursor()
        cursor.adapters.register_loader("date", _LenientDateLoader)
        cursor.adapters.register_loader("timestamp", _LenientTimestampLoader)
        cursor.adapters.register_loader("timestamptz", _LenientTimestamptzLoader)
        return cursor

    def fetch_in_parts(
        self, query: SQLText, parameters: Sequence[Any] = (), size: int = ROWS_AT_ONCE
    ) -> Iterator[list[tuple[Any, ...]]]:
        """The rows, at most `size` at a time, from a server-side cursor; needs an open transaction."""
        self.execute(sql("DECLARE syncdeck_rows NO SCROLL CURSOR FOR {query}", query=query), parameters)
        wanted = min(FIRST_ROWS, size)
        while rows := self.fetch_leniently(sql("FETCH {size} FROM syncdeck_rows", size=SQLText(str(wanted)))):
            yield rows
            if len(rows) < wanted:
                break
            mean = 1 + size_of(rows) // len(rows)
            wanted = max(1, min(size, ROWS_AT_ONCE, wanted * FIRST_ROWS, PART_BYTES // mean))
        self.execute(sql("CLOSE syncdeck_rows"))

    def parts(
        self,
        query: SQLText,
        parameters: Sequence[Any] = (),
        *,
        size: int,
        leniently: bool = False,
        in_binary: bool = False,
    ) -> Generator[Rows]:
        """The rows as the server sends them, `size` at a time; closed early, it stops sending. Raises UnreadableTime.

        Until the end no other statement can be run. What is read leniently comes as text.
        """
        cursor = self._lenient_cursor() if leniently else self.connection.cursor()
        form, size_at_once = in_binary and not leniently, size if CHUNKS else 1
        rows = cast(Generator[Row], cursor.stream(query.encode(), parameters, binary=form, size=size_at_once))
        with closing(rows):
            while part := self.guarded(lambda: _readable(rows, size)):
                yield part

    def guarded(self, action: Callable[[], Result], record: str = "") -> Result:
        """Do it; the driver's errors become ours."""
        self.interruption.check()
        try:
            return action()
        except psycopg.Error as error:
            if self.interruption.is_requested:
                raise Interrupted(self.interruption.reason) from error
            place = replace(self.place, record=record)
            raise translated(error, place, is_connected=not self.connection.closed) from error

    def interrupt(self) -> None:
        """End the running statement; for other threads."""
        with contextlib.suppress(psycopg.Error):
            self.connection.cancel_safe(timeout=5)

    def close(self) -> None:
        """An open transaction is rolled back by the server."""
        self.connection.close()


def _readable(rows: Iterator[Row], size: int) -> Rows:
    try:
        return list(islice(rows, size))
    except psycopg.DataError as error:
        if error.sqlstate:
            raise
        raise UnreadableTime from error
