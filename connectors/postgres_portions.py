"""Where portions of a PostgreSQL table end: ranges of its order's columns, found by an index if there is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from connectors.cursors import highest_value
from connectors.postgres_dialect import PostgresDialect
from connectors.postgres_estimates import planned_by, planned_rows
from connectors.postgres_session import Session
from connectors.records import ReadRequest
from connectors.sql_selects import Parameters, after, beyond_cursor, where
from connectors.sql_text import Column, SQLText, Table, joined, sql
from connectors.straight import Portion

FEW = 50_000  # records that are looked for and sent at once
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
            rows = self._ends(start, sql("ORDER BY {by} OFFSET {skipped} LIMIT 1", by=self.by(), skipped=skipped))
        is_last = not rows
        if is_last:
            rows = self._ends(start, sql("ORDER BY {by} LIMIT 1", by=self.by(sql(" DESC"))))
        return Portion(start, self.position(rows[0]), is_last=is_last) if rows else None

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
            keys=self.shown(),
            table=self._table.sql,
            where=all_of(self.beyond(start, parameters)),
            ordered=ordered,
        )
        return self._open_session().fetch(query, parameters.values)

    def _find_by_cursor(self, start: Any, size: int) -> Portion | None:
        """By one question, since there may be no index."""
        parameters = Parameters(self._dialect)
        last = sql(
            "SELECT {keys}, row_number() OVER (ORDER BY {by}) AS syncdeck_number FROM {table} AS t{where}"
            " ORDER BY {by} LIMIT {size}",
            keys=self.shown(),
            by=self.by(),
            table=self._table.sql,
            where=all_of(self.beyond(start, parameters)),
            size=SQLText(str(int(size))),
        )
        query = sql("SELECT * FROM ({last}) AS k ORDER BY syncdeck_number DESC LIMIT 1", last=last)
        rows = self._open_session().fetch(query, parameters.values)
        if not rows:
            return None
        *keys, count = rows[0]
        highest = highest_value(self._columns[0].field.type, [keys[0]])
        return Portion(start, self.position(keys), highest, is_last=count < size)

    def are_few(self, size: int) -> bool:
        """Whether few records lie behind the cursor or have no value for it, as far as the system knows."""
        if self._request.cursor is None or self._request.cursor.start is None:
            return False
        parameters = Parameters(self._dialect)
        conditions = self.beyond_or_empty(parameters)
        expected = planned_by(self._open_session(), self._table, conditions, parameters)
        return expected is not None and expected < min(size, FEW)

    def beyond_or_empty(self, parameters: Parameters) -> list[SQLText]:
        """Conditions of the records after the cursor, and of those that have no value for it."""
        *filters, by_cursor = self.beyond(None, parameters)
        if not self._table.choose([self._columns[0].name])[0].field.nullable:
            return [*filters, by_cursor]
        return [*filters, sql("({beyond} OR t.{name} IS NULL)", beyond=by_cursor, name=self._columns[0].sql)]

    def shown(self) -> SQLText:
        """The order's columns of alias t, as they are read."""
        return joined(self._dialect.shown(one, sql("t.{name}", name=one.sql)) for one in self._columns)

    def by(self, direction: SQLText | None = None) -> SQLText:
        """What orders rows of alias t."""
        return joined(
            sql("t.{column}{direction}", column=one.ordered, direction=direction or sql("")) for one in self._columns
        )

    def position(self, row: Sequence[Any]) -> list[Any]:
        """The position of a record whose order's columns were read."""
        return [self._dialect.positioned(one, value) for one, value in zip(self._columns, row, strict=True)]


def all_of(conditions: Sequence[SQLText]) -> SQLText:
    """The WHERE of a statement, if it has one."""
    return sql(" WHERE {all}", all=joined(conditions, " AND ")) if conditions else sql("")
