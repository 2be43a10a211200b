"""Connectors of kind postgres: tables and views of one database, read by keyset pages and written in transactions."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

from connectors.base import Capabilities, StreamWriter, WriteRequest
from connectors.checks import CheckStep, timed_step
from connectors.errors import ConfigError, SyncError
from connectors.field_numbers import NotFinite
from connectors.network import check_literal
from connectors.postgres_applying import PostgresApplier
from connectors.postgres_check import clock_step, connect_step, privileges_step, tls_step, writing_step
from connectors.postgres_dialect import RELATIONS, TABLE_KINDS, PostgresDialect, find_table
from connectors.postgres_estimates import planned_rows
from connectors.postgres_queries import EXACT_TYPES, PostgresQueries, guarded_columns, without_sizes
from connectors.postgres_receiving import FAMILY
from connectors.postgres_samples import WORTH_SAMPLING, sample_query
from connectors.postgres_sending import sender
from connectors.postgres_session import READER_SETTINGS, SAME_IN_BINARY, WRITER_SETTINGS, Session, UnreadableTime
from connectors.postgres_sessions import PostgresSessions
from connectors.postgres_settings import CONFIG_SCHEMA, CREDENTIALS_SCHEMA, DEFAULT_PORT
from connectors.postgres_writer import PostgresWriter
from connectors.records import FieldType, Filter, ReadRequest, StreamInfo
from connectors.sql_batches import Rows
from connectors.sql_errors import Place
from connectors.sql_partitions import as_bounds
from connectors.sql_queries import QUERY_SECONDS
from connectors.sql_selects import Order
from connectors.sql_text import Column, SQLText, Table, joined, quote, sql
from connectors.straight import Selection, StraightReader, StraightSource
from connectors.surroundings import Surroundings

FEW_ROWS, MANY_ROWS = 8, 128  # that come at once


class PostgresConnector(PostgresSessions, StraightSource):
    """One database of a PostgreSQL server, 14 or newer."""

    kind: ClassVar[str] = "postgres"
    label: ClassVar[str] = "PostgreSQL"
    capabilities: ClassVar[Capabilities] = Capabilities(
        writes=True,
        transactions=True,
        replaces=True,
        reads_by_cursor=True,
        resizes_batches=True,
        queries=True,
        splits=True,
        writes_beside=True,
    )
    dialect = PostgresDialect()
    family: ClassVar[str] = FAMILY

    def __init__(
        self, slug: str, config: dict[str, Any], credentials: dict[str, str], surroundings: Surroundings | None = None
    ) -> None:
        super().__init__(slug, config, credentials, surroundings)
        self._tables: dict[str, Table] = {}
        self._runner: PostgresQueries | None = None
        self._reads_leniently = self._reads_binary = False

    @classmethod
    def spec(cls) -> dict[str, Any]:
        return {"config": CONFIG_SCHEMA, "credentials": CREDENTIALS_SCHEMA}

    @classmethod
    def check_config(cls, config: dict[str, Any]) -> None:
        host = str(config["host"])
        check_literal("127.0.0.1" if host.startswith("/") else host, int(config.get("port") or DEFAULT_PORT))

    def keeps(self, field_type: FieldType, number: NotFinite) -> bool:
        return field_type in ("float", "decimal")

    # 1. Reading.

    @property
    def query_runner(self) -> PostgresQueries:
        if self._runner is None:
            seconds = int(self.config.get("query_seconds") or QUERY_SECONDS)
            settings = READER_SETTINGS | {"search_path": f"{quote(self.schema_name)}, public"}
            self._runner = PostgresQueries(partial(self.open_session, settings), seconds, self.surroundings.notify)
        return self._runner

    def streams(self) -> list[StreamInfo]:
        rows = self.reader().fetch(RELATIONS, (self.schema_name, list(TABLE_KINDS)))
        return [
            StreamInfo(name, f"{name} (view)", None, "view")
            if is_view
            else StreamInfo(name, name, estimate if estimate >= 0 else None, "table")
            for name, is_view, estimate in rows
        ]

    def find_table(self, stream: str) -> Table:
        """As it was when this connector first looked."""
        table = self._tables.get(stream) or find_table(self.reader(), self.schema_name, stream)
        if table is None:
            names = ", ".join(info.name for info in self.streams()) or "nothing yet"
            raise ConfigError(
                "stream_not_found",
                f"{self.slug}: schema {self.schema_name} of {self.address()} has no table or view '{stream[:200]}'"
                f" (it has: {names[:1000]})",
                hint="Correct the stream's name (schema.table for another schema), or let the user see it.",
            )
        self._tables[stream] = table
        return table

    def estimate(self, stream: str, filters: tuple[Filter, ...] = ()) -> int | None:
        table = self.table_of(stream)
        return planned_rows(self._about(table), table, filters)

    def bounds(self, stream: str, field: str, parts: int, filters: tuple[Filter, ...] = ()) -> list[Any]:
        """Of a large table by a sample of its pages, since its records need not be equally many in each part."""
        table = self.table_of(stream)
        (column,) = table.choose([field])
        records = planned_rows(self._about(table), table)
        if records is not None and records > WORTH_SAMPLING:
            query, values = sample_query(self.dialect, table, self.compared(column), filters, parts, records)
            if rows := self.fetch(table, query, values):
                return as_bounds(column.field, [value for (value,) in rows])
        return super().bounds(stream, field, parts, filters)

    def fetch(self, table: Table, query: SQLText, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        if table.query:
            return self.query_runner.fetch(table, query, parameters)
        return self._about(table).fetch(query, parameters)

    def parts(self, table: Table, query: SQLText, parameters: Sequence[Any]) -> Generator[Rows]:
        if table.query:
            return self.query_runner.parts(table, query, parameters)
        size = FEW_ROWS if table.may_be_wide else MANY_ROWS
        form = {"leniently": self._reads_leniently, "in_binary": self._reads_binary}
        return self._about(table).parts(query, parameters, size=size, **form)

    def fetch_some(
        self, table: Table, query: SQLText, parameters: Sequence[Any], columns: Sequence[Column]
    ) -> tuple[Rows, bool]:
        """A page with a time that Python has no object for is read again, since the quick loaders refuse it."""
        self._reads_binary = all(column.native in SAME_IN_BINARY for column in columns)
        try:
            return super().fetch_some(table, query, parameters, columns)
        except UnreadableTime:
            self._reads_leniently = True
            return super().fetch_some(table, query, parameters, columns)
        finally:
            self._reads_leniently = self._reads_binary = False

    def fetch_in_parts(
        self, table: Table, query: SQLText, parameters: Sequence[Any], size: int
    ) -> Iterator[list[tuple[Any, ...]]]:
        """One snapshot from the first row to the last, on a connection of its own."""
        if table.query:
            yield from self.query_runner.fetch_in_parts(table, query, parameters, size)
            return
        session = self.open_session(READER_SETTINGS, table.name)
        try:
            session.execute(sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            yield from session.fetch_in_parts(query, parameters, size)
        finally:
            session.close()

    def _about(self, table: Table) -> Session:
        """The reading session, whose errors then name the table."""
        session = self.reader()
        session.place = Place(self.slug, self.address(), table.name)
        return session

    def selected(self, table: Table, columns: Sequence[Column], order: Sequence[Column] = ()) -> SQLText:
        return guarded_columns(table, columns) if _is_guarded(table) else super().selected(table, columns, order)

    def reads_at_once(self, table: Table, order: Order) -> bool:
        """A query is run once, for it may be long; a table is paged, which holds no snapshot for long."""
        return table.query is not None and all(column.native in EXACT_TYPES for column in order.columns)

    def can_resize(self, stream: str) -> bool:
        return stream not in self._queries

    def received(self, table: Table, columns: Sequence[Column], rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        return without_sizes(table, columns, rows) if _is_guarded(table) else rows

    def typed(self, columns: Sequence[Column], rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        return rows  # the driver has made the objects already

    def page(self, query: SQLText, selected: Sequence[Column], order: Order, size: int) -> SQLText:
        return sql(
            "{query} ORDER BY {by} FETCH FIRST {size} ROWS {ties}",
            query=query,
            by=joined(sql("t.{column}", column=column.ordered) for column in order.columns),
            size=SQLText(str(int(size))),
            ties=sql("ONLY") if order.is_total else sql("WITH TIES"),
        )

    def straight_reader(self, request: ReadRequest, selection: Selection) -> StraightReader | None:
        """Sends what `read` reads, with `selection` of each record."""
        table = self.table_of(request.stream)
        if table.query:
            return None
        return sender(partial(self._about, table), table, self.order_of(table, request), request, selection)

    # 2. Writing and testing.

    def writer(self, request: WriteRequest) -> StreamWriter:
        return PostgresWriter(
            request, self.schema_name, self.surroundings, lambda: self.open_session(WRITER_SETTINGS, request.stream)
        )

    def applier(self, request: WriteRequest) -> PostgresApplier:
        return PostgresApplier(
            request, self.schema_name, self.surroundings, partial(self.open_session, WRITER_SETTINGS, request.stream)
        )

    def check(self) -> Iterator[CheckStep]:
        name, started = "resolve", time.perf_counter()
        try:
            address = self.login().parameters.get("hostaddr")
            yield timed_step(name, started, f"{self.host} is {address or 'a socket of this machine'}")
            if address:
                step = connect_step(str(address), self.port)
                yield step
                if not step.ok:
                    return
            name, started = "log in", time.perf_counter()
            session = self.reader()
            yield timed_step(name, started, f"logged in as {self.config['user']}")
            yield tls_step(session, self.host)
            yield privileges_step(session)
            name, started = "read one record", time.perf_counter()
            yield timed_step(name, started, self._read_one())
            name, started = "write rights", time.perf_counter()
            yield writing_step(session, self.schema_name)
            yield clock_step(session)
        except SyncError as error:
            name = "TLS" if error.code == "tls_failed" else name
            yield timed_step(name, started, error.message, ok=False, fix=error.hint)

    def _read_one(self) -> str:
        for stream in self.streams():
            found = next(self.read(ReadRequest(stream.name, batch_size=1)), None)
            return f"{stream.name}: {'read one' if found else 'is empty'}"
        return f"there is no table in schema {self.schema_name} yet"


def _is_guarded(table: Table) -> bool:
    """Whether values are measured before they are read: not where that was not asked for, or none can be large."""
    return table.query is not None or (table.largest_value is not None and table.may_be_wide)
