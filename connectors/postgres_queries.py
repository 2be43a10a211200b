"""Custom queries of kind postgres, read in read-only transactions with a time limit, each of which is rolled back."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import psycopg

from connectors.errors import DataError, SyncError
from connectors.limits import LARGEST_VALUE_BYTES, value_too_large
from connectors.postgres_dialect import HAS_EQUALITY, TEXTS, PostgresDialect, column_of
from connectors.postgres_errors import first_line
from connectors.postgres_session import Session
from connectors.records import OversizedValue
from connectors.sql_batches import Rows, size_of
from connectors.sql_queries import QueryFailures, QueryRunner
from connectors.sql_text import Column, SQLText, Table, joined, sql

FIRST_ROWS, MOST_ROWS, PART_BYTES = 50, 5_000, 32 * 1024**2  # what is fetched at once, until its size is known
ROWS_AT_ONCE = 8
EXACT_TYPES = (
    *("int2", "int4", "int8", "oid", "numeric", "bool", "uuid", "bytea"),
    *("text", "varchar", "name", "date", "timestamp", "timestamptz"),
)
"""Types whose values are equal to the server where they are equal here."""
SHORT_TYPES = HAS_EQUALITY - {*TEXTS, "jsonb", "bytea"} | {"name"}
LARGEST_RATIO = 256  # by which a value may be compressed where it is stored
# A transaction that has begun to read can not be made one that writes; session settings fall back with it.
BEGIN = sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
LIMIT = sql("SELECT set_config('statement_timeout', $1, true)")
TYPES = sql(
    """
    SELECT CASE WHEN t.typcategory = 'A' THEN 'array' ELSE t.typname END, format_type(t.oid, -1),
        format_type(t.oid, w.modifier), w.modifier
    FROM unnest($1::text[]::oid[], $2::text[]::int4[]) WITH ORDINALITY AS w(oid, modifier, place)
        JOIN pg_type AS t ON t.oid = w.oid ORDER BY w.place
    """
)
SUPERUSER = sql("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
DIALECT = PostgresDialect()
Notify = Callable[[str, str], None]


class PostgresQueries(QueryRunner):
    """The runner of one connector; `open_session` makes a connection of its own for a stream."""

    def __init__(self, open_session: Callable[[str], Session], seconds: int, notify: Notify) -> None:
        self._open_session = open_session
        self._seconds = seconds
        self._notify = notify
        self._session: Session | None = None
        self._limited_at = 0.0

    def describe(self, stream: str, source: SQLText) -> tuple[Column, ...]:
        with self._fenced(stream) as session:
            self._warn_of_superuser(session)
            query = sql("SELECT * FROM {source} AS t LIMIT 0", source=source)
            cursor = session.guarded(lambda: session.connection.execute(query.encode()))
            found, result = cursor.description or [], cursor.pgresult
            modifiers = [str(result.fmod(place)) for place in range(len(found))] if result else []
            types = session.fetch(TYPES, ([str(one.type_code) for one in found], modifiers))
        return tuple(
            column_of(one.name, native, cast, declared, False, modifier, None)
            for one, (native, cast, declared, modifier) in zip(found, types, strict=True)
        )

    def _warn_of_superuser(self, session: Session) -> None:
        if any(is_super for (is_super,) in session.fetch(SUPERUSER)):
            self._notify(
                "WARNING", "The custom query runs as a superuser: let the connector have a user that only reads"
            )

    def parts(self, table: Table, query: SQLText, parameters: Sequence[Any]) -> Generator[Rows]:
        with self._fenced(table.name) as session:
            yield from self._parts(session, query, parameters)

    def fetch_in_parts(
        self, table: Table, query: SQLText, parameters: Sequence[Any], size: int
    ) -> Iterator[list[tuple[Any, ...]]]:
        """One snapshot from the first row to the last, on a connection of its own."""
        own = PostgresQueries(self._open_session, self._seconds, self._notify)
        try:
            with own._fenced(table.name) as session:
                yield from self._parts(session, query, parameters, size)
        finally:
            own.close()

    def _parts(
        self, session: Session, query: SQLText, parameters: Sequence[Any], most: int = MOST_ROWS
    ) -> Iterator[list[tuple[Any, ...]]]:
        """What is fetched at once follows from the rows before; it comes in still smaller parts all the same."""
        session.execute(sql("DECLARE syncdeck_part NO SCROLL CURSOR FOR {query}", query=query), parameters)
        row_count, byte_count, size = 0, 0, min(FIRST_ROWS, most)
        while True:
            fetched = row_count
            fetch = sql("FETCH {size} FROM syncdeck_part", size=SQLText(str(size)))
            with closing(session.parts(fetch, size=ROWS_AT_ONCE, leniently=True)) as parts:
                for part in parts:
                    yield part
                    row_count += len(part)
                    byte_count += size_of(part)
            if row_count == fetched:
                return
            self._limit(session)  # what a function of the database may have lifted
            size = max(1, min(most, MOST_ROWS, PART_BYTES * row_count // max(1, byte_count)))

    @contextmanager
    def _fenced(self, stream: str) -> Iterator[Session]:
        if self._session is None or self._session.connection.closed:
            self._session = self._open_session(stream)
        session = self._session
        session.place = replace(session.place, stream=stream)
        try:
            session.execute(BEGIN)
            self._limit(session)
            yield session
        except SyncError as error:
            raise self._explained(error, session) from error
        finally:
            if session.is_usable:
                session.execute(sql("ROLLBACK"))
            else:
                self.close()

    def _limit(self, session: Session) -> None:
        session.fetch(LIMIT, (f"{self._seconds}s",))
        self._limited_at = time.monotonic()

    def _explained(self, error: SyncError, session: Session) -> SyncError:
        cause, failures = error.__cause__, QueryFailures(session.place, self._seconds)
        state = (cause.sqlstate or "") if isinstance(cause, psycopg.Error) else ""
        if not isinstance(cause, psycopg.Error) or not state:
            return error
        what = first_line(cause.diag.message_primary or str(cause))
        if state == "57014" and time.monotonic() - self._limited_at >= self._seconds * 0.9:
            return failures.timeout()
        if state == "25006":
            return failures.refused(what)
        if state[:2] == "22":
            return DataError("invalid_value", f"{session.place.where}: the custom query meets a bad value: {what}")
        is_ours = error.failure_class == "internal" or state[:2] in ("0A", "25", "42", "54", "P0")
        return failures.failed(what) if is_ours and state != "42501" else error

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


def guarded_columns(table: Table, columns: Sequence[Column]) -> SQLText:
    """What to select of a query: values that are too large are left out, their sizes come in a further last column."""
    most = SQLText(str(most_bytes(table)))
    kept, sizes = [], [sql("NULL")]
    for place, column in enumerate(columns):
        value = DIALECT.shown(column, sql("t.{column}", column=column.sql))
        size = size_of_column(column, most_bytes(table))
        if size is None:
            kept.append(value)
            continue
        kept.append(sql("CASE WHEN {size} <= {most} THEN {value} END", size=size, most=most, value=value))
        number = SQLText(str(place))
        tell = sql("CASE WHEN {size} > {most} THEN {at} || ':' || {size} END", size=size, most=most, at=number)
        sizes.append(tell)
    return sql("{kept}, concat_ws(',', {sizes})", kept=joined(kept), sizes=joined(sizes))


def without_sizes(table: Table, columns: Sequence[Column], rows: Rows) -> Rows:
    """Rows of `guarded_columns` without their last column; for what was left out stand OversizedValues.

    Raises DataError `value_too_large` where nobody asked for those.
    """
    return [_with_oversized(table, columns, row) if row[-1] else row[:-1] for row in rows]


def _with_oversized(table: Table, columns: Sequence[Column], row: tuple[Any, ...]) -> tuple[Any, ...]:
    values = list(row[:-1])
    for part in row[-1].split(","):
        place, _, size = part.partition(":")
        if table.largest_value is None:
            known = {column.name: value for column, value in zip(columns, row, strict=False)}
            raise value_too_large(table.name, table.key, known, columns[int(place)].name, int(size), most_bytes(table))
        values[int(place)] = OversizedValue(int(size))
    return tuple(values)


def most_bytes(table: Table) -> int:
    """The most that a value of the table or query may have."""
    return table.largest_value or (table.query.largest_value if table.query else LARGEST_VALUE_BYTES)


def size_of_column(column: Column, most: int) -> SQLText | None:
    """The bytes of the column's value, which is compared with `most`; None where a value can not have so many."""
    if column.native in SHORT_TYPES or 0 < 4 * (column.length or 0) <= most:
        return None
    value = sql("t.{column}", column=column.sql)
    if column.native in (*TEXTS, "bytea"):
        return sql("octet_length({value})", value=value)
    # To spell a document takes long, so only one that may be too large is measured by its text.
    return sql(
        "CASE WHEN pg_column_size({value}) > {small} THEN octet_length({value}::text) ELSE 0 END",
        value=value,
        small=SQLText(str(most // LARGEST_RATIO)),
    )
