"""Sends portions of a PostgreSQL table by COPY, with the mapping computed by the server: what straight.py asks for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import psycopg
from psycopg import pq
from psycopg.abc import PQGen
from psycopg.errors import error_from_result
from psycopg.generators import fetch_many
from psycopg.waiting import Wait

from connectors.errors import DataError
from connectors.expressions import ColumnValue
from connectors.postgres_dialect import INTEGERS, PostgresDialect
from connectors.postgres_errors import translated
from connectors.postgres_expressions import spell, value_of
from connectors.postgres_few import Chosen, FewRecords, FewTaker
from connectors.postgres_literals import Literals
from connectors.postgres_portions import PostgresPortions, all_of
from connectors.postgres_queries import size_of_column
from connectors.postgres_session import Session
from connectors.records import ReadRequest
from connectors.sql_selects import Order, Parameters
from connectors.sql_text import SQLText, Table, joined, sql
from connectors.straight import Facts, Format, Parcel, Portion, Selection, StraightReader

COPY_OPTIONS: dict[Format, SQLText] = {"binary": sql("FORMAT binary"), "text": sql("FORMAT text")}
SAMPLED = 100  # records
BLOCK_BYTES = 1 << 17
DOUBT = "syncdeck: a doubtful record"


class PostgresParcel(Parcel):
    """One COPY to the outside."""

    def __init__(self, session: Session, select: SQLText, form: Format, most_bytes: int | None) -> None:
        self._session, self._most_bytes, self.form = session, most_bytes or sys.maxsize, form
        self._is_over = False
        self._query = sql("COPY ({select}) TO STDOUT ({form})", select=select, form=COPY_OPTIONS[form])

    def blocks(self) -> Generator[bytes]:
        """The server gives row by row; they go on in blocks."""
        interruption, connection = self._session.interruption, self._session.connection
        interruption.check()
        try:
            with connection.cursor() as cursor, cursor.copy(self._query.encode()):
                while block := connection.wait(self._next_block(connection.pgconn)):
                    interruption.check()
                    self.byte_count += len(block)
                    yield bytes(block)
        except psycopg.Error as error:
            interruption.check()
            if DOUBT in str(error):
                raise self._doubtful() from error
            raise translated(error, self._session.place, is_connected=not connection.closed) from error

    def _next_block(self, server: pq.abc.PGconn) -> PQGen[bytearray]:
        """What `copy.read` does, but many rows in one wait: to wait for each would cost more than to copy it."""
        block = bytearray()
        while len(block) < BLOCK_BYTES and not self._is_over:
            length, row = server.get_copy_data(1)
            if length > self._most_bytes:
                raise self._doubtful()
            if length > 0:
                block += row
            elif length < 0:
                self._end((yield from fetch_many(server))[0])
            else:
                while not (yield Wait.R):
                    pass
                server.consume_input()
        return block

    def _end(self, result: pq.abc.PGresult) -> None:
        self._is_over = True
        if result.status != pq.ExecStatus.COMMAND_OK:
            raise error_from_result(result)
        self.records = result.command_tuples or 0

    def _doubtful(self) -> DataError:
        return DataError("doubtful", f"{self._session.place.stream}: a record among them must be looked at")


def sender(
    open_session: Callable[[], Session], table: Table, order: Order, request: ReadRequest, selection: Selection
) -> StraightReader | None:
    """`open_session` gives the reading session, a new one if it broke.

    None where records have no order in which each has a place of its own, or texts are not as Python sees them.
    """
    has_places = order.is_total and order.columns and not any(column.field.nullable for column in order.columns)
    if not has_places or open_session().connection.info.parameter_status("server_encoding") != "UTF8":
        return None
    return PostgresSender(open_session, table, order, request, selection)


class PostgresSender(StraightReader):
    """Portions are ranges of the order's columns, whose ends an index finds."""

    def __init__(
        self,
        open_session: Callable[[], Session],
        table: Table,
        order: Order,
        request: ReadRequest,
        selection: Selection,
    ) -> None:
        self._open_session, self._table, self._columns = open_session, table, order.columns
        self._request, self._selection = request, selection
        self._portions = PostgresPortions(open_session, table, order.columns, request)
        self._known = {column.name: column for column in table.columns}
        self._dialect = PostgresDialect()
        self._few: FewRecords | None = None
        self.unique_keys = table.unique_keys

    def record_bytes(self) -> float | None:
        if self._table.may_be_wide:
            return None
        parameters = Parameters(self._dialect)
        query = sql(
            "SELECT avg(octet_length(r::text) - {signs}) FROM (SELECT {columns} FROM {table} AS t{where} LIMIT {some})"
            " AS r",
            signs=SQLText(str(len(self._table.columns) + 1)),  # the brackets of a row, and the commas between
            columns=joined(sql("t.{name}", name=one.sql) for one in self._table.columns),
            table=self._table.sql,
            where=all_of(self._portions.beyond(None, parameters)),
            some=SQLText(str(SAMPLED)),
        )
        return float(self._open_session().fetch(query, parameters.values)[0][0] or 1)

    def portion(self, after: Any, size: int, *, about: bool = False) -> Portion | None:
        self._few = self._take_few(size) if after is None else None
        return self._few.portion if self._few else self._portions.find(after, size, about=about)

    def _take_few(self, size: int) -> FewRecords | None:
        wanted = {*(self._request.columns or self._table.names), *(one.name for one in self._columns)}
        columns = [one for one in self._table.columns if one.name in wanted]
        chosen = Chosen(columns, self._values(), tuple(self._refusals()))
        return FewTaker(self._open_session, self._table, self._columns, self._portions).take(chosen, size, self._send)

    def _send(self, query: SQLText, form: Format = "binary") -> Parcel:
        return PostgresParcel(self._open_session(), query, form, self._selection.most_bytes)

    def _within(self, portion: Portion, parameters: Parameters) -> list[SQLText]:
        """Conditions of the records of a portion; the order's columns are never empty there."""
        ends = [
            parameters.add(one, self._dialect.unpositioned(one, value))
            for one, value in zip(self._columns, portion.upto, strict=True)
        ]
        left = joined(one.ordered for one in self._columns)
        upto = sql("({left}) <= ({right})", left=left, right=joined(ends))
        return [*self._portions.beyond(portion.after, parameters), upto]

    def facts(self, portion: Portion, field: str | None) -> Facts:
        asked = [
            sql("count(*) FILTER (WHERE {condition})", condition=spell(one, self._known))
            for one in self._selection.counted
        ]
        if field is not None:
            asked.append(sql("max({value})", value=value_of(self._known[field])))
        if not asked:
            return Facts()
        parameters = Parameters(self._dialect)
        conditions = self._within(portion, parameters)
        query = sql(
            "SELECT {asked} FROM {table} AS t{where}",
            asked=joined(asked),
            table=self._table.sql,
            where=all_of(conditions),
        )
        (row,) = self._open_session().fetch(query, parameters.values)
        return Facts(tuple(row[: len(self._selection.counted)]), None if field is None else row[-1])

    def parcel(self, portion: Portion, form: Format) -> Parcel:
        few, self._few = self._few, None  # they are kept for one try
        if few is not None and (few.portion, few.sent.form) == (portion, form):
            made = few.parcel()
        else:
            made = self._send(self._select(self._within(portion, Literals(self._dialect))), form)
        made.ranges = self._ranges(portion)
        return made

    def _ranges(self, portion: Portion) -> dict[str, tuple[int | None, int]]:
        """Of the fields that are the order's first column, if that is a whole number."""
        first = self._columns[0]
        if first.native not in INTEGERS:
            return {}
        found = None if portion.after is None else int(portion.after[0]), int(portion.upto[0])
        return {field.name: found for field, made_of in self._selection.columns if made_of == ColumnValue(first.name)}

    def _select(self, conditions: Sequence[SQLText]) -> SQLText:
        where = all_of([*conditions, *self._refusals()])
        return sql(
            "SELECT {values} FROM {table} AS t{where}", values=self._values(), table=self._table.sql, where=where
        )

    def _values(self) -> SQLText:
        return joined(spell(expression, self._known) for _, expression in self._selection.columns)

    def _refusals(self) -> Iterator[SQLText]:
        doubts = [] if self._selection.doubts is None else [spell(self._selection.doubts, self._known)]
        if doubts := [*doubts, *self._too_large()]:
            # An error ends the copy; which record it is, and whether it lies in the portion at all, is seen later.
            yield sql(
                "CASE WHEN {doubts} THEN concat('{doubt} ', t.{key})::boolean ELSE true END",
                doubts=joined(doubts, " OR "),
                doubt=SQLText(DOUBT),
                key=self._columns[0].sql,
            )

    def _too_large(self) -> Iterator[SQLText]:
        """Conditions of records that have too large a value, which must not be sent even to be refused."""
        most = self._selection.most_bytes
        if most is None or not self._table.may_be_wide:
            return
        for name in self._request.columns or self._table.names:
            size = size_of_column(self._known[name], most)
            if size is not None:
                yield sql("coalesce({size} > {most}, false)", size=size, most=SQLText(str(most)))
