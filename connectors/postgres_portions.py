"""Where portions of a PostgreSQL table end: ranges of its order's columns, found by an index if there is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from connectors.cursors import highest_value
from connectors.postgres_dialect import PostgresDialect
from connectors.postgres_estimates import planned_rows
from connectors.postgres_session import Session
from connectors.records import Filter, ReadRequest
from connectors.sql_selects import Parameters, after, beyond_cursor, where
from connectors.sql_text import Column, SQLText, Table, joined, sql
from connectors.straight import Portion

FEW = 50_000  # records whose keys are put aside without a second thought
MORE = 1.25  # times the size that a portion may have where that makes it the last one


class PostgresPortions:
    """Of one stream, in the order of these columns."""

    def __init__(
        self, open_session: Callable[[], Session], table: Table, columns: Sequence[Column], request: ReadRequest
    ) -> None:
        self._open_session, self._table, self._columns, self._request = open_session, table, columns, request
        self._dialect = PostgresDialect()

    def find(self, start: Any, size: int, *, about: bool) -> Portion | None:
        """What StraightReader.portion gives."""
        if self._request.cursor is not None:
            return self._find_by_cursor(start, size)
        expected = planned_rows(self._open_session(), self._table) if about and self._is_whole(start) else None
        skipped, rows = SQLText(str(int(size) - 1)), []
        if expected is None or expected > size * MORE:
            rows = self._ends(start, sql("ORDER BY {by} OFFSET {skipped} LIMIT 1", by=self._by(), skipped=skipped))
        is_last = not rows
        if is_last:
            rows = self._ends(start, sql("ORDER BY {by} LIMIT 1", by=self._by(sql(" DESC"))))
        return Portion(start, self._position(rows[0]), is_last=is_last) if rows else None

    def beyond(self, start: Any, parameters: Parameters) -> list[SQLText]:
        """Conditions of the records after a position."""
        conditions = where(self._table, self._request.filters, parameters)
        if start is not None:
            conditions.append(after(self._columns, start, parameters))
        if self._request.cursor is not None:
            reached = None if start is None else start[0]
            conditions.append(beyond_cursor(self._request.cursor, self._columns[0], reached, parameters))
        return conditions

    def _is_whole(self, start: Any) -> bool:
        """Only how large a whole table is does the system know well enough."""
        return start is None and not self._request.filters

    def _ends(self, start: Any, ordered: SQLText) -> list[tuple[Any, ...]]:
        parameters = Parameters(self._dialect)
        query = sql(
            "SELECT {keys} FROM {table} AS t{where} {ordered}",
            keys=self._shown(),
            table=self._table.sql,
            where=_all(self.beyond(start, parameters)),
            ordered=ordered,
        )
        return self._open_session().fetch(query, parameters.values)

    def _find_by_cursor(self, start: Any, size: int) -> Portion | None:
        """By one question, since there may be no index; it also counts the records without a value, if they are few."""
        parameters = Parameters(self._dialect)
        counts_empty = start is None and self._are_few()
        last = sql(
            "SELECT {keys}, row_number() OVER (ORDER BY {by}) AS syncdeck_number FROM {found} AS t{where}"
            " ORDER BY {by} LIMIT {size}",
            keys=self._shown(),
            by=self._by(),
            found=sql("syncdeck_found") if counts_empty else self._table.sql,
            where=sql(" WHERE {it} IS NOT NULL", it=self._cursor)
            if counts_empty
            else _all(self.beyond(start, parameters)),
            size=SQLText(str(int(size))),
        )
        query = sql(
            "{found}SELECT *, {empty} FROM ({last}) AS k ORDER BY syncdeck_number DESC LIMIT 1",
            found=self._found(parameters) if counts_empty else sql(""),
            empty=sql("(SELECT count(*) FROM syncdeck_found AS t WHERE {it} IS NULL)", it=self._cursor)
            if counts_empty
            else sql("NULL"),
            last=last,
        )
        rows = self._open_session().fetch(query, parameters.values)
        if not rows:
            return None
        *keys, count, empty = rows[0]
        highest = highest_value(self._columns[0].field.type, [keys[0]])
        return Portion(start, self._position(keys), highest, is_last=count < size, empty=empty)

    def _are_few(self) -> bool:
        """Whether few records are to be read and few have no value, as far as the system knows."""
        cursor, filters = self._request.cursor, self._request.filters
        if cursor is None or cursor.start is None or not self._table.choose([cursor.field])[0].field.nullable:
            return False
        parts = (Filter(cursor.field, "ge", cursor.start), Filter(cursor.field, "is_null", True))
        counts = [planned_rows(self._open_session(), self._table, (*filters, part)) for part in parts]
        return all(count is not None and count < FEW for count in counts)

    def _found(self, parameters: Parameters) -> SQLText:
        """The order's columns of the records after the cursor, and of those that have no value for it."""
        *filters, by_cursor = self.beyond(None, parameters)
        either = sql("({by_cursor} OR {it} IS NULL)", by_cursor=by_cursor, it=self._cursor)
        return sql(
            "WITH syncdeck_found AS MATERIALIZED (SELECT {keys} FROM {table} AS t{where}) ",
            keys=joined(sql("t.{name}", name=one.sql) for one in self._columns),
            table=self._table.sql,
            where=_all([*filters, either]),
        )

    @property
    def _cursor(self) -> SQLText:
        return sql("t.{name}", name=self._columns[0].sql)

    def _shown(self) -> SQLText:
        return joined(self._dialect.shown(one, sql("t.{name}", name=one.sql)) for one in self._columns)

    def _by(self, direction: SQLText | None = None) -> SQLText:
        return joined(
            sql("t.{column}{direction}", column=one.ordered, direction=direction or sql("")) for one in self._columns
        )

    def _position(self, row: Sequence[Any]) -> list[Any]:
        return [self._dialect.positioned(one, value) for one, value in zip(self._columns, row, strict=True)]


def _all(conditions: Sequence[SQLText]) -> SQLText:
    return sql(" WHERE {all}", all=joined(conditions, " AND ")) if conditions else sql("")
