"""Takes the first few records after a cursor by one look at their table, which may have no index that finds them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

from connectors.cursors import highest_value
from connectors.errors import DataError
from connectors.postgres_dialect import PostgresDialect
from connectors.postgres_literals import Literals
from connectors.postgres_portions import PostgresPortions, all_of
from connectors.postgres_session import Session
from connectors.sql_text import Column, SQLText, Table, joined, sql
from connectors.straight import Parcel, Portion

MOST_BYTES = 8 * 1024**2  # that are kept until somebody takes them
TOLD_AS_TEXT = {"int2", "int4", "int8", "numeric", "date", "timestamp", "timestamptz", "uuid", "text", "varchar"}
"""Types whose text has all of the value and leads back to it."""
FOUND, TOLD = sql("syncdeck_found"), sql("syncdeck.portion")

Send = Callable[[SQLText], Parcel]  # makes a parcel of a whole statement


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is sent of each record of alias t: `values`, made of these columns, where the conditions hold."""

    columns: Sequence[Column]
    values: SQLText
    conditions: Sequence[SQLText]


@dataclass(frozen=True, slots=True)
class FewRecords:
    """A portion with its blocks; without a portion there were no records."""

    portion: Portion | None
    sent: Parcel
    kept: Sequence[bytes]

    def parcel(self) -> Parcel:
        return _KeptParcel(self.sent, self.kept)


class _KeptParcel(Parcel):
    """Blocks that were taken before."""

    def __init__(self, sent: Parcel, kept: Sequence[bytes]) -> None:
        self.form, self.records, self.byte_count, self._kept = sent.form, sent.records, sent.byte_count, kept

    def blocks(self) -> Generator[bytes]:
        yield from self._kept


class FewTaker:
    """Of one stream, in the order of these columns, the first of which is the cursor's."""

    def __init__(
        self, open_session: Callable[[], Session], table: Table, order: Sequence[Column], portions: PostgresPortions
    ) -> None:
        self._open_session, self._table, self._order, self._portions = open_session, table, order, portions
        self._cursor = sql("t.{name}", name=order[0].sql)
        self._dialect = PostgresDialect()

    def take(self, chosen: Chosen, size: int, send: Send) -> FewRecords | None:
        """The first `size` records; None where they can not be taken so."""
        if not (all(one.native in TOLD_AS_TEXT for one in self._order) and self._portions.are_few(size)):
            return None
        self._open_session().fetch(sql("SELECT set_config('{told}', '', false)", told=TOLD))
        sent = send(self._statement(chosen, size))
        kept: list[bytes] = []
        try:
            with closing(sent.blocks()) as blocks:
                for block in blocks:
                    kept.append(block)
                    if sent.byte_count > MOST_BYTES:
                        return None
        except DataError:  # it is met again by whoever reads them in the ordinary way
            return None
        return FewRecords(self._portion(size), sent, kept)

    def _statement(self, chosen: Chosen, size: int) -> SQLText:
        """The records and, behind them, those without a value for the cursor, which are only counted."""
        return sql(
            "WITH {found} AS MATERIALIZED (SELECT {columns} FROM {table} AS t{where} ORDER BY {by} LIMIT {size}),"
            " syncdeck_told AS MATERIALIZED (SELECT set_config('{told}', ({facts})::text, false) AS facts)"
            " SELECT {values} FROM {found} AS t{chosen}",
            found=FOUND,
            columns=joined(sql("t.{name}", name=one.sql) for one in chosen.columns),
            table=self._table.sql,
            where=all_of(self._portions.beyond_or_empty(Literals(self._dialect))),
            by=self._portions.by(),
            size=SQLText(str(int(size))),
            told=TOLD,
            facts=self._facts(),
            values=chosen.values,
            chosen=all_of([self._is_told, *chosen.conditions]),
        )

    @property
    def _is_told(self) -> SQLText:
        return sql("(SELECT facts FROM syncdeck_told) IS NOT NULL AND {cursor} IS NOT NULL", cursor=self._cursor)

    def _facts(self) -> SQLText:
        """How many records, how many without a value, and the order's columns of the last one."""
        return sql(
            "SELECT json_build_array(count({cursor}), count(*) - count({cursor}), (SELECT json_build_array({keys})"
            " FROM {found} AS t WHERE {cursor} IS NOT NULL ORDER BY {by} LIMIT 1)) FROM {found} AS t",
            cursor=self._cursor,
            keys=joined(sql("t.{name}::text", name=one.sql) for one in self._order),
            found=FOUND,
            by=self._portions.by(sql(" DESC")),
        )

    def _portion(self, size: int) -> Portion | None:
        keys = [
            sql("(f -> 2 ->> {place})::{cast} AS {name}", place=SQLText(str(place)), cast=one.cast, name=one.sql)
            for place, one in enumerate(self._order)
        ]
        query = sql(
            "SELECT t.syncdeck_count, t.syncdeck_empty, {shown} FROM (SELECT (f ->> 0)::bigint AS syncdeck_count,"
            " (f ->> 1)::bigint AS syncdeck_empty, {keys}"
            " FROM (SELECT nullif(current_setting('{told}'), '')::json AS f) AS facts) AS t",
            shown=self._portions.shown(),
            keys=joined(keys),
            told=TOLD,
        )
        ((count, empty, *end),) = self._open_session().fetch(query)
        if not count:
            return None
        return Portion(
            None,
            self._portions.position(end),
            highest_value(self._order[0].field.type, [end[0]]),
            is_last=count < size,
            empty=empty if count + empty < size else None,
        )
