"""Custom queries of kind sqlite, read by a connection that can not write and may not do anything but read."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

from connectors.errors import DataError, SyncError
from connectors.query_texts import is_forbidden
from connectors.records import Field, FieldType
from connectors.sql_batches import Rows
from connectors.sql_queries import QueryFailures, QueryRunner
from connectors.sql_text import Column, SQLText, Table, joined, quote, sql
from connectors.sqlite_catalog import affinity_of, field_type_of
from connectors.sqlite_pages import BY_BYTES
from connectors.sqlite_session import Session

READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
VIEW = "syncdeck_query"
DESCRIBING = {
    (sqlite3.SQLITE_INSERT, "sqlite_temp_master"),
    (sqlite3.SQLITE_UPDATE, "sqlite_temp_master"),
    (sqlite3.SQLITE_UPDATE, "sqlite_master"),  # asked for whenever the schema is read; the file can not be written to
    (sqlite3.SQLITE_CREATE_TEMP_VIEW, VIEW),
    (sqlite3.SQLITE_PRAGMA, "table_xinfo"),
}
UNSAID = ("", "NUM", "NUMERIC")  # what SQLite says of an expression's type, if anything
SAMPLED_ROWS = 1_000
ROWS_AT_ONCE = 32
OPERATIONS = 10_000  # of SQLite's machine, between two looks at the clock
LARGEST_ROW_BYTES = 256 * 1024**2
SAMPLED: tuple[tuple[set[type], FieldType], ...] = (
    ({int}, "bigint"),
    ({int, float}, "float"),
    ({bytes}, "binary"),
    ({int, float, str}, "text"),
)


class SQLiteQueries(QueryRunner):
    """The runner of one connector; `open_session` makes a connection of its own, which can not write."""

    def __init__(self, open_session: Callable[[str], Session], seconds: int) -> None:
        self._open_session = open_session
        self._seconds = seconds
        self._deadline = 0.0
        self._session: Session | None = None

    # 1. Fences.

    def _open(self, stream: str, *, describes: bool = False) -> Session:
        session = self._open_session(stream)
        connection = session.connection
        for pragma in ("query_only = ON", "trusted_schema = OFF", "temp_store = MEMORY"):
            if not (describes and pragma.startswith("query_only")):
                connection.execute(f"PRAGMA {pragma}")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_ROW_BYTES)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.set_progress_handler(lambda: time.monotonic() > self._deadline, OPERATIONS)
        connection.set_authorizer(_authorizer(DESCRIBING if describes else set()))
        return session

    @contextmanager
    def _explaining(self, session: Session) -> Iterator[None]:
        """Give a statement its time, and say what became of it."""
        self._deadline = time.monotonic() + self._seconds
        try:
            yield
        except SyncError as error:
            raise self._explained(error, QueryFailures(session.place, self._seconds)) from error

    def _explained(self, error: SyncError, failures: QueryFailures) -> SyncError:
        cause = error.__cause__
        if not isinstance(cause, sqlite3.Error):
            return error
        code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code == sqlite3.SQLITE_INTERRUPT and time.monotonic() > self._deadline:
            return failures.timeout()
        if code in (sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY) or "prohibited" in str(cause):
            return failures.refused(str(cause))
        if code == sqlite3.SQLITE_TOOBIG:
            most = LARGEST_ROW_BYTES // 1024**2
            return DataError("value_too_large", f"{failures.place.where}: a value of the query is over {most} MB")
        return failures.failed(str(cause)) if code == sqlite3.SQLITE_ERROR else error

    # 2. Describing.

    def describe(self, stream: str, source: SQLText) -> tuple[Column, ...]:
        """Types as declared for plain columns of a table; of expressions as the first records have them."""
        session = self._open(stream, describes=True)
        view = quote(VIEW)
        try:
            with self._explaining(session):
                session.execute(sql("CREATE TEMP VIEW {view} AS SELECT * FROM {source} AS t", view=view, source=source))
                info = sql("SELECT name, type FROM pragma_table_xinfo('syncdeck_query', 'temp') ORDER BY cid")
                declared = dict(session.fetch(info))
                unsaid = [name for name, kind in declared.items() if kind.upper() in UNSAID]
                sampled = self._sample(session, unsaid) if unsaid else {}
        finally:
            session.close()
        return tuple(_column(name, kind, sampled.get(name)) for name, kind in declared.items())

    def _sample(self, session: Session, names: Sequence[str]) -> dict[str, FieldType]:
        parts = {"columns": joined(quote(name) for name in names), "view": quote(VIEW)}
        rows = session.fetch(
            sql("SELECT {columns} FROM {view} LIMIT {limit}", limit=SQLText(str(SAMPLED_ROWS)), **parts)
        )
        kinds = {name: {type(row[at]) for row in rows} - {type(None)} for at, name in enumerate(names)}
        return {
            name: next((field_type for known, field_type in SAMPLED if found <= known), "text")
            for name, found in kinds.items()
            if found
        }

    # 3. Reading.

    def parts(self, table: Table, query: SQLText, parameters: Sequence[Any]) -> Generator[Rows]:
        if self._session is None or self._session.is_closed:
            self._session = self._open(table.name)
        self._session.place = replace(self._session.place, stream=table.name)
        yield from self._parts(self._session, query, parameters, ROWS_AT_ONCE)

    def fetch_in_parts(
        self, table: Table, query: SQLText, parameters: Sequence[Any], size: int
    ) -> Iterator[list[tuple[Any, ...]]]:
        session = self._open(table.name)
        try:
            yield from self._parts(session, query, parameters, size)
        finally:
            session.close()

    def _parts(
        self, session: Session, query: SQLText, parameters: Sequence[Any], size: int
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Each part has the whole time; what is done with it in between does not count."""
        with closing(session.parts(query, parameters, size, leniently=True)) as parts:
            while True:
                with self._explaining(session):
                    part = next(parts, None)
                if part is None:
                    return
                yield part

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


def _authorizer(also: set[tuple[int, str]]) -> Callable[..., int]:
    def judge(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if action in READING or (action, first) in also:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION and not is_forbidden(second or ""):
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY

    return judge


def _column(name: str, declared: str, sampled: FieldType | None) -> Column:
    field_type = sampled or field_type_of(declared)
    return Column(Field(name, field_type), affinity_of(declared), collation=BY_BYTES)
