"""Replacing an SQL target as a whole: records are loaded into a table beside it, then swapped in one transaction."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from connectors.asides import AsideKind, Scope, Swap
from connectors.errors import ConfigError, DataError
from connectors.records import Filter
from connectors.sql_mirroring import SQLMirroring
from connectors.sql_text import Column, SQLText, Table, joined, sql


class SQLReplacing(SQLMirroring):
    """Loads and swaps."""

    is_loading = False  # whether batches go into the aside instead of into the target

    # What the kinds add.

    @abstractmethod
    def create_load(self, name: SQLText, target: Table) -> None:
        """Make a table that takes what the target takes, of the written fields only."""

    @abstractmethod
    def referring_tables(self, target: Table) -> list[str]:
        """The other tables with a foreign key to the target."""

    def distinct(self, column: Column, expression: SQLText) -> SQLText:
        """A column's value in a form whose equality the system knows."""
        return expression

    def lock_target(self, target: Table) -> None:
        """Keep others from writing to the target until the transaction ends; they may go on reading."""
        return

    def open_aside(self, kind: AsideKind, token: str, *, anew: bool) -> None:
        self.is_loading = False
        if kind == "load":
            self._refuse_references()
        super().open_aside(kind, token, anew=anew)
        self.is_loading, self._merge = kind == "load", None

    def _refuse_references(self) -> None:
        names = self.referring_tables(self.whole_target())
        if names:
            raise ConfigError(
                "foreign_key_in_the_way",
                f"{self.request.stream}: a foreign key of {', '.join(names)} refers to it, so it can not be emptied",
                hint="Use mode mirror, which deletes only the records that the source no longer has.",
            )

    def create_aside(self, kind: AsideKind, name: SQLText, target: Table) -> None:
        if kind == "load":
            self.create_load(name, target)
        else:
            super().create_aside(kind, name, target)

    def _read_target(self) -> Table:
        return self.opened if self.is_loading else super()._read_target()

    def scope(self, filters: Sequence[Filter] = ()) -> Scope:
        if self.request.key:
            return super().scope(filters)
        target = self.whole_target()
        query = sql("SELECT count(*) FROM {target}", target=target.sql)
        return Scope(int(self.fetch(query)[0][0]), self._beyond(target, self.opened))

    def differing(self) -> int:
        return self._beyond(self.opened, self.whole_target())

    def _beyond(self, one: Table, other: Table) -> int:
        """How many distinct records one table has that the other has not."""
        query = sql(
            "SELECT count(*) FROM (SELECT {mine} FROM {one} AS t EXCEPT SELECT {theirs} FROM {other} AS t) AS beyond",
            mine=self._compared(one),
            one=one.sql,
            theirs=self._compared(other),
            other=other.sql,
        )
        return int(self.fetch(query)[0][0])

    def _compared(self, table: Table) -> SQLText:
        columns = table.choose(field.name for field in self.request.fields)
        return joined(self.distinct(column, sql("t.{name}", name=column.sql)) for column in columns)

    def swap(self) -> Swap:
        target, load = self.whole_target(), self.opened
        self.lock_target(target)
        self._refuse_references()
        deleted = self.execute(sql("DELETE FROM {target}", target=target.sql))
        names = joined(column.sql for column in target.choose(field.name for field in self.request.fields))
        query = sql(
            "INSERT INTO {target} ({names}){overriding} SELECT {names} FROM {load}",
            target=target.sql,
            names=names,
            overriding=self.dialect.overriding,
            load=load.sql,
        )
        inserted = self.execute(query)
        self.check_deferred_constraints()
        left_out = self.fetch(sql("SELECT count(*) FROM {load}", load=load.sql))[0][0] - inserted
        if left_out:
            raise DataError(
                "rows_not_written",
                f"{self.request.stream}: the target left {left_out} records out without an error",
                hint="Look for triggers, rules or policies on the target table.",
            )
        self.execute(sql("DROP TABLE {load}", load=load.sql))
        return Swap(inserted, deleted)
