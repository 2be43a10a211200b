"""Connectors of kind sqlite: tables and views of one file, read by keyset pages and written in transactions."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from connectors.base import Capabilities, StreamWriter, WriteRequest
from connectors.checks import CheckStep, timed_step
from connectors.errors import ConfigError, SyncError
from connectors.field_numbers import NotFinite
from connectors.paths import checked_path
from connectors.records import FieldType, StreamInfo
from connectors.sql_batches import Rows
from connectors.sql_errors import Place
from connectors.sql_queries import QUERY_SECONDS
from connectors.sql_reading import SQLConnector
from connectors.sql_selects import Order
from connectors.sql_text import Column, SQLText, Table, joined, sql
from connectors.sqlite_applying import SQLiteApplier
from connectors.sqlite_catalog import find_table
from connectors.sqlite_check import opening_step, reading_step, writing_step
from connectors.sqlite_dialect import OWN_SPELLINGS, SQLiteDialect, typed_rows
from connectors.sqlite_lengths import measured_columns, without_marks
from connectors.sqlite_pages import fetch_with_equals, is_exact
from connectors.sqlite_queries import SQLiteQueries
from connectors.sqlite_session import Mode, Session, UndecodableText
from connectors.sqlite_settings import CONFIG_SCHEMA, CREDENTIALS_SCHEMA
from connectors.sqlite_writer import SQLiteWriter
from connectors.surroundings import Surroundings


class SQLiteConnector(SQLConnector):
    """One SQLite file below the data directory or a file root."""

    kind: ClassVar[str] = "sqlite"
    label: ClassVar[str] = "SQLite file"
    capabilities: ClassVar[Capabilities] = Capabilities(
        writes=True,
        transactions=True,
        replaces=True,
        reads_by_cursor=True,
        resizes_batches=True,
        queries=True,
        splits=True,
    )
    dialect = SQLiteDialect()

    def __init__(
        self, slug: str, config: dict[str, Any], credentials: dict[str, str], surroundings: Surroundings | None = None
    ) -> None:
        super().__init__(slug, config, credentials, surroundings)
        self._reading: Session | None = None
        self._sessions: list[Session] = []
        self._runner: SQLiteQueries | None = None
        self._reads_leniently = False
        self.surroundings.interruption.call_on_request(self._interrupt)

    @classmethod
    def spec(cls) -> dict[str, Any]:
        return {"config": CONFIG_SCHEMA, "credentials": CREDENTIALS_SCHEMA}

    def keeps(self, field_type: FieldType, number: NotFinite) -> bool:
        return field_type == "float" and number != "NaN"

    @classmethod
    def check_config(cls, config: dict[str, Any]) -> None:
        checked_path(str(config["path"]))

    def address(self) -> str:
        return str(self.config["path"])

    # 1. Sessions.

    def _path(self) -> Path:
        """Raises ConfigError for a path that may not be used, or a missing file that must exist."""
        path = checked_path(self.address())
        if self.config.get("must_exist") and not path.exists():
            raise ConfigError(
                "file_not_found",
                f"{self.slug}: the file {self.address()} does not exist",
                hint="Correct the path, or untick 'must exist' to have it created by the first sync.",
            )
        return path

    def _open(self, path: Path | None, mode: Mode, stream: str = "") -> Session:
        session = Session(Place(self.slug, self.address(), stream), path, mode, self.surroundings.interruption)
        self._sessions = [*(one for one in self._sessions if not one.is_closed), session]
        return session

    def _reader(self) -> Session | None:
        """The session for reading; None while there is no file."""
        path = self._path()
        if self._reading is None and path.exists():
            self._reading = self._open(path, "ro")
        return self._reading

    def _open_for(self, request: WriteRequest) -> Session:
        path = self._path()
        if not request.dry_run:
            return self._open(path, "rwc", request.stream)
        return self._open(path if path.exists() else None, "ro", request.stream)

    @property
    def query_runner(self) -> SQLiteQueries:
        if self._runner is None:
            seconds = int(self.config.get("query_seconds") or QUERY_SECONDS)
            self._runner = SQLiteQueries(lambda stream: self._open(self._path(), "ro", stream), seconds)
        return self._runner

    def _interrupt(self) -> None:
        for session in list(self._sessions):
            session.interrupt()

    def close(self) -> None:
        while self._sessions:
            self._sessions.pop().close()
        self._reading = None

    # 2. Reading.

    def streams(self) -> list[StreamInfo]:
        reader = self._reader()
        if reader is None:
            return []
        names = reader.fetch(
            sql(
                "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%'"
                " ESCAPE '\\' AND name NOT LIKE '\\_syncdeck\\_%' ESCAPE '\\' ORDER BY name"
            )
        )
        return [StreamInfo(name, f"{name} (view)" if kind == "view" else name, kind=str(kind)) for name, kind in names]

    def find_table(self, stream: str) -> Table:
        reader = self._reader()
        table = find_table(reader, stream) if reader else None
        if table is None:
            names = ", ".join(info.name for info in self.streams()) or "nothing yet"
            raise ConfigError(
                "stream_not_found",
                f"{self.slug}: {self.address()} has no table or view '{stream[:200]}' (it has: {names[:1000]})",
                hint="Correct the stream's name, or run the sync that fills it first.",
            )
        return table

    def fetch(self, table: Table, query: SQLText, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        if table.query:
            return self.query_runner.fetch(table, query, parameters)
        return self._about(table).fetch(query, parameters)

    def parts(self, table: Table, query: SQLText, parameters: Sequence[Any]) -> Generator[Rows]:
        if table.query:
            return self.query_runner.parts(table, query, parameters)
        return self._about(table).parts(query, parameters, leniently=self._reads_leniently)

    def fetch_some(
        self, table: Table, query: SQLText, parameters: Sequence[Any], columns: Sequence[Column]
    ) -> tuple[Rows, bool]:
        """A text that is no UTF-8 comes with lone surrogates, which mapping refuses by the record's name."""
        try:
            return super().fetch_some(table, query, parameters, columns)
        except UndecodableText:
            self._reads_leniently = True
            return super().fetch_some(table, query, parameters, columns)

    def fetch_in_parts(
        self, table: Table, query: SQLText, parameters: Sequence[Any], size: int
    ) -> Iterator[list[tuple[Any, ...]]]:
        if table.query:
            return self.query_runner.fetch_in_parts(table, query, parameters, size)
        return self._about(table).fetch_in_parts(query, parameters, size)

    def _about(self, table: Table) -> Session:
        """The reading session, whose errors then name the table."""
        reader = self._reader()
        if reader is None:
            raise ConfigError("file_not_found", f"{self.slug}: the file {self.address()} is gone")
        reader.place = Place(self.slug, self.address(), table.name)
        return reader

    def cursor_collation(self, table: Table, cursor: Column) -> SQLText:
        """Times and dates that are all spelled as SQLite's own functions do are in order as texts."""
        patterns = OWN_SPELLINGS.get(cursor.field.type)
        if patterns is None:
            return super().cursor_collation(table, cursor)
        query = sql(
            "SELECT 1 FROM {table} WHERE {column} IS NOT NULL"
            " AND (typeof({column}) <> 'text' OR NOT ({alike}) OR {column} GLOB '*.000000') LIMIT 1",
            table=table.sql,
            column=cursor.sql,
            alike=joined((sql("{column} GLOB ?", column=cursor.sql) for _ in patterns), " OR "),
        )
        return super().cursor_collation(table, cursor) if self.fetch(table, query, patterns) else sql("")

    def selected(self, table: Table, columns: Sequence[Column], order: Sequence[Column] = ()) -> SQLText:
        if table.largest_value is None:
            return super().selected(table, columns, order)
        return measured_columns(columns, table.largest_value, {column.name for column in order})

    def received(self, table: Table, columns: Sequence[Column], rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        return rows if table.largest_value is None else without_marks(columns, rows)

    def typed(self, columns: Sequence[Column], rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        return typed_rows(columns, rows)

    def page(self, query: SQLText, selected: Sequence[Column], order: Order, size: int) -> SQLText:
        limit = SQLText(str(int(size)))
        by = joined(sql("t.{column}", column=column.ordered) for column in order.columns)
        if order.is_total:
            return sql("{query} ORDER BY {by} LIMIT {limit}", query=query, by=by, limit=limit)
        return sql(
            "SELECT {wanted} FROM (SELECT t.*, rank() OVER (ORDER BY {by}) AS syncdeck_rank FROM ({query}) AS t) AS t"
            " WHERE syncdeck_rank <= {limit} ORDER BY {by}",
            wanted=joined(sql("t.{column}", column=column.sql) for column in selected),
            query=query,
            by=by,
            limit=limit,
        )

    def fetch_page(
        self, table: Table, query: SQLText, selected: Sequence[Column], order: Order, size: int, values: Sequence[Any]
    ) -> tuple[Rows, bool]:
        if order.is_total or not all(is_exact(column) for column in order.columns):
            return super().fetch_page(table, query, selected, order, size, values)
        some = partial(self.fetch_some, table, columns=selected)
        return fetch_with_equals(some, partial(self.fetch, table), query, selected, order, size, values)

    # 3. Writing.

    def writer(self, request: WriteRequest) -> StreamWriter:
        return SQLiteWriter(request, self.surroundings, lambda: self._open_for(request))

    def applier(self, request: WriteRequest) -> SQLiteApplier:
        return SQLiteApplier(request, self.surroundings, lambda: self._open_for(request))

    # 4. Testing.

    def check(self) -> Iterator[CheckStep]:
        started = time.perf_counter()
        try:
            path = self._path()
            yield timed_step("path", started, f"{self.address()} may be used")
            started = time.perf_counter()
            yield opening_step(path, started, is_there=self._reader() is not None)
            started = time.perf_counter()
            yield reading_step(self, started)
            yield writing_step(path, time.perf_counter())
        except SyncError as error:
            name = {"outside_root": "path", "file_not_found": "path"}.get(error.code, "open")
            yield timed_step(name, started, error.message, ok=False, fix=error.hint)
