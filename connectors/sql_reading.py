"""What all SQL connectors share in reading: schema, pages with positions, counts. Statements are run by the kinds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from connectors.base import Connector
from connectors.cursors import check_cursor_type, cursor_candidates, highest_value
from connectors.errors import ConfigError
from connectors.query_texts import CustomQuery
from connectors.records import Batch, Filter, PartitionRequest, ReadRequest, StreamSchema
from connectors.sql_batches import Rows, batch_of, begin_of_last_equals, cut_into_pages, gathered, take_some, weigher
from connectors.sql_null_parts import parts_by_nulls
from connectors.sql_partitions import PartitionReader, as_boundary, as_bounds, boundary_query
from connectors.sql_queries import QueryRunner, query_table
from connectors.sql_selects import (
    Order,
    Parameters,
    ReadDialect,
    after,
    beyond_cursor,
    cursor_order,
    in_order,
    reading_order,
    where,
)
from connectors.sql_text import Column, SQLText, Table, joined, sql
from connectors.surroundings import Surroundings


class SQLConnector(Connector):
    """Reads tables and views by keyset pages; a kind adds its catalog, its dialect and how statements are run."""

    dialect: ReadDialect

    def __init__(
        self, slug: str, config: dict[str, Any], credentials: dict[str, str], surroundings: Surroundings | None = None
    ) -> None:
        super().__init__(slug, config, credentials, surroundings)
        self._queries: dict[str, Table] = {}

    @property
    @abstractmethod
    def query_runner(self) -> QueryRunner:
        """Runs all statements about tables that are custom queries."""

    def define_query(self, stream: str, query: CustomQuery) -> None:
        self._queries[stream] = query_table(stream, query, self.query_runner)

    def table_of(self, stream: str) -> Table:
        """The custom query of this name, else the table or view."""
        return self._queries.get(stream) or self.find_table(stream)

    @abstractmethod
    def find_table(self, stream: str) -> Table:
        """The table or view with this name. Raises ConfigError `stream_not_found`."""

    @abstractmethod
    def fetch(self, table: Table, query: SQLText, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """All rows of a statement about the table."""

    @abstractmethod
    def parts(self, table: Table, query: SQLText, parameters: Sequence[Any]) -> Generator[Rows]:
        """The rows of a statement as they come, so few at a time that large ones do not fill the memory."""

    def fetch_some(
        self, table: Table, query: SQLText, parameters: Sequence[Any], columns: Sequence[Column]
    ) -> tuple[Rows, bool]:
        """A statement's rows of these columns, the first of them where they are large; whether there may be more."""
        with closing(self.parts(table, query, parameters)) as parts:
            return take_some(parts, weigher(columns))

    @abstractmethod
    def fetch_in_parts(
        self, table: Table, query: SQLText, parameters: Sequence[Any], size: int
    ) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of one long statement, at most `size` at a time."""

    @abstractmethod
    def typed(self, columns: Sequence[Column], rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Rows as Python objects of their types; what cannot be read as its type stays as it is."""

    @abstractmethod
    def page(self, query: SQLText, selected: Sequence[Column], order: Order, size: int) -> SQLText:
        """The ordered statement, limited to `size` rows; where the order is not total, to those and their equals."""

    def reads_at_once(self, table: Table, order: Order) -> bool:
        """Whether one long statement is better than one a page; the rows' order must be that of their values here."""
        return False

    def fetch_page(
        self, table: Table, query: SQLText, selected: Sequence[Column], order: Order, size: int, values: Sequence[Any]
    ) -> tuple[Rows, bool]:
        """The rows of `page`, the first of them where they are large, and whether there may be more."""
        page = self.page(query, selected, order, size)
        rows, is_cut = self.fetch_some(table, page, values, selected)
        if is_cut and not order.is_total:
            end = begin_of_last_equals(rows, places_of(order, selected))
            rows = rows[:end] if end else self.fetch(table, page, values)
        return rows, is_cut or len(rows) >= size

    def cursor_collation(self, table: Table, cursor: Column) -> SQLText:
        """What follows the column so that it is ordered by value; empty wherever its own order, and index, does."""
        return self.dialect.collation(cursor)

    def selected(self, table: Table, columns: Sequence[Column], order: Sequence[Column] = ()) -> SQLText:
        """What a SELECT asks for, from alias t; the columns of `order` as they are, since it goes by them."""
        return joined(self.dialect.shown(column, sql("t.{column}", column=column.sql)) for column in columns)

    def received(self, table: Table, columns: Sequence[Column], rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """The rows of `selected` columns alone. Raises DataError where one is too large to be had."""
        return rows

    def schema(self, stream: str) -> StreamSchema:
        table = self.table_of(stream)
        fields = tuple(column.field for column in table.columns)
        return StreamSchema(fields, table.key, cursor_candidates(fields))

    def count(self, stream: str, filters: tuple[Filter, ...] = ()) -> int:
        table = self.table_of(stream)
        parameters = Parameters(self.dialect)
        query = sql(
            "SELECT count(*) FROM {table} AS t{where}", table=table.sql, where=_where_all(table, filters, parameters)
        )
        return int(self.fetch(table, query, parameters.values)[0][0])

    def bounds(self, stream: str, field: str, parts: int, filters: tuple[Filter, ...] = ()) -> list[Any]:
        """By counting along the field's index."""
        table = self.table_of(stream)
        (column,) = table.choose([field])
        request, records = ReadRequest(stream, filters=filters), self.count(stream, filters)
        found = []
        for part in range(1, parts):
            query, values = boundary_query(
                self.dialect, table, self.compared(column), request, None, records * part // parts + 1
            )
            found += self.typed([column], self.fetch(table, query, values))
        return as_bounds(column.field, [value for (value,) in found])

    def compared(self, column: Column) -> Column:
        """The column so that it is ordered as filters compare it."""
        return replace(column, collation=self.dialect.collation(column))

    def read(self, request: ReadRequest) -> Iterator[Batch]:
        """Pages by key (the stream's own if none is asked for), else by row number, else one statement, not resumable.

        With a cursor always in pages. Raises ConfigError `stream_not_found`, `bad_filter`, `bad_cursor`,
        `bad_partition` or `bad_position`, DataError `column_mismatch`.
        """
        table = replace(self.table_of(request.stream), largest_value=request.largest_value)
        if request.partition is not None:
            yield from self._partitions(table, request, request.partition).batches()
            return
        columns = table.columns if request.columns is None else table.choose(request.columns)
        order = self.order_of(table, request)
        if order.columns and table.query and self.dialect.nulls_come_last:
            for part in parts_by_nulls(order, request.position):
                asked = replace(request, filters=request.filters + part.filters, position=part.position)
                yield from self._read_pages(asked, table, columns, part.order)
            return
        if order.columns:
            yield from self._read_pages(request, table, columns, order)
            return
        if request.position is not None:
            raise _bad_position(request.stream)
        parameters = Parameters(self.dialect)
        query = self._select(table, columns, _where_all(table, request.filters, parameters))
        parts = self.fetch_in_parts(table, query, parameters.values, request.batch_size)
        for rows in gathered(parts, request.batch_size, weigher(columns)):
            yield batch_of(columns, self.typed(columns, self.received(table, columns, rows)), None)

    def order_of(self, table: Table, request: ReadRequest) -> Order:
        """By what a request's pages go on; no columns where nothing gives the records an order."""
        order = reading_order(table, request.key, self.dialect)
        if request.cursor is None:
            return order
        (cursor,) = table.choose([request.cursor.field])
        check_cursor_type(request.stream, cursor.field)
        return cursor_order(order, cursor, self.cursor_collation(table, cursor))

    def _partitions(self, table: Table, request: ReadRequest, partition: PartitionRequest) -> PartitionReader:
        (column,) = table.choose([partition.field])
        ordered = replace(column, collation=self.cursor_collation(table, column))

        def boundary(low: Any) -> Any:
            query, values = boundary_query(self.dialect, table, ordered, request, low, partition.rows)
            rows = self.typed([column], self.fetch(table, query, values))
            return as_boundary(column.field, rows[0][0]) if rows else None

        return PartitionReader(request, partition, column.field, self.read, boundary)

    def _read_pages(
        self, request: ReadRequest, table: Table, columns: tuple[Column, ...], order: Order
    ) -> Iterator[Batch]:
        names = dict.fromkeys(column.name for column in (*columns, *order.columns))
        known = {column.name: column for column in (*order.columns, *columns)}
        selected = tuple(known[name] for name in names)
        places = places_of(order, selected)
        for rows in self._pages(request, table, selected, order, places):
            position = self._position(order, places, rows[-1])
            highest = None
            if request.cursor is not None:
                highest = highest_value(order.columns[0].field.type, [row[places[0]] for row in rows])
            if len(selected) > len(columns):
                rows = [row[: len(columns)] for row in rows]
            batch = replace(batch_of(columns, self.typed(columns, rows), position), highest=highest)
            del rows  # before the next ones come
            yield batch
            del batch

    def _pages(
        self, request: ReadRequest, table: Table, selected: tuple[Column, ...], order: Order, places: Sequence[int]
    ) -> Iterator[Rows]:
        position, size = request.position, request.batch_size
        if self.reads_at_once(table, order):
            query, values = self._beyond(request, table, selected, order, position)
            parts = self.fetch_in_parts(table, in_order(query, order), values, request.batch_size)
            whole = (self.received(table, selected, part) for part in parts)
            yield from cut_into_pages(whole, places, request.batch_size)
            return
        while True:
            query, values = self._beyond(request, table, selected, order, position)
            rows, has_more = self.fetch_page(table, query, selected, order, size, values)
            if rows:
                size = min(request.batch_size, 2 * len(rows))
                position = self._position(order, places, rows[-1])
                received = self.received(table, selected, rows)
                del rows  # before the next ones come
                yield received
                del received
            if not has_more:
                return

    def _position(self, order: Order, places: Sequence[int], last: tuple[Any, ...]) -> list[Any]:
        pairs = zip(order.columns, places, strict=True)
        return [self.dialect.positioned(column, last[place]) for column, place in pairs]

    def _beyond(
        self, request: ReadRequest, table: Table, selected: tuple[Column, ...], order: Order, position: Any
    ) -> tuple[SQLText, list[Any]]:
        """The statement for what comes after the position, not yet ordered, and its parameters."""
        parameters = Parameters(self.dialect)
        conditions = where(table, request.filters, parameters)
        if position is not None:
            if not isinstance(position, list) or len(position) != len(order.columns):
                raise _bad_position(request.stream)
            conditions.append(after(order.columns, position, parameters))
        if request.cursor is not None:
            reached = None if position is None else position[0]
            conditions.append(beyond_cursor(request.cursor, order.columns[0], reached, parameters))
        return self._select(table, selected, _all_of(conditions), order.columns), parameters.values

    def _select(
        self, table: Table, columns: Sequence[Column], condition: SQLText, order: Sequence[Column] = ()
    ) -> SQLText:
        wanted = self.selected(table, columns, order)
        return sql("SELECT {columns} FROM {table} AS t{where}", columns=wanted, table=table.sql, where=condition)


def places_of(order: Order, selected: Sequence[Column]) -> list[int]:
    """Where the order's columns stand among those that are selected."""
    names = [column.name for column in selected]
    return [names.index(column.name) for column in order.columns]


def _where_all(table: Table, filters: Sequence[Filter], parameters: Parameters) -> SQLText:
    return _all_of(where(table, filters, parameters))


def _all_of(conditions: Sequence[SQLText]) -> SQLText:
    return sql(" WHERE {all}", all=joined(conditions, " AND ")) if conditions else sql("")


def _bad_position(stream: str) -> ConfigError:
    return ConfigError(
        "bad_position",
        f"{stream}: the stored position does not fit the key that is read by now",
        hint="Restart the job, so that it reads from the beginning.",
    )
