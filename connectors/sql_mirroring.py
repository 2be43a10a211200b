"""Mirrors in SQL targets: a table of the keys that were seen, and what the target has beyond them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from connectors.asides import ASIDE_PREFIXES, Aside, AsideKind, AsideWriter, Scope
from connectors.base import TargetCheckpoint, WriteRequest
from connectors.errors import ConfigError, InternalError
from connectors.records import Filter
from connectors.sql import SQLWriter
from connectors.sql_selects import Parameters, after, where
from connectors.sql_statements import stage_name
from connectors.sql_tables import refuse_unusable_key
from connectors.sql_text import Column, SQLText, Table, joined, sql

TOKENS_AT_ONCE = 500


class SQLMirroring(SQLWriter, AsideWriter):
    """Keys seen and records missing. An aside's columns have the names of the target's."""

    aside: Table | None = None

    # What the kinds add.

    @abstractmethod
    def find_aside(self, name: str) -> Table | None:
        """The ordinary table of ours with this name."""

    @abstractmethod
    def aside_names(self) -> list[str]:
        """The tables whose names begin like those of asides."""

    @abstractmethod
    def aside_name(self, name: str) -> SQLText:
        """How statements call a table of ours; in a dry run it is a temporary one."""

    # 1. The table beside.

    def open_aside(self, kind: AsideKind, token: str, *, anew: bool) -> None:
        self._not_deleted(self.whole_target())  # refuses a mark of another type before anything is written
        name = ASIDE_PREFIXES[kind] + token.replace("-", "")
        if anew:
            self.execute(sql("DROP TABLE IF EXISTS {table}", table=self.aside_name(name)))
            self.create_aside(kind, self.aside_name(name), self.whole_target())
        self.aside = self._created_aside(kind, name)

    def create_aside(self, kind: AsideKind, name: SQLText, target: Table) -> None:
        """Make the empty table."""
        lines = [sql("{name} {type} NOT NULL", name=one.sql, type=one.declared) for one in self.key_columns(target)]
        key = joined(one.sql for one in self.key_columns(target))
        self.execute(sql("CREATE TABLE {name} ({lines}, PRIMARY KEY ({key}))", name=name, lines=joined(lines), key=key))

    def _created_aside(self, kind: AsideKind, name: str) -> Table:
        if kind == "seen":
            found = self.request.dry_run or self.find_aside(name) is not None
            if found:
                return Table(name, self.aside_name(name), self.key_columns(self.whole_target()), self.request.key)
        elif table := self.find_aside(name):
            return table
        raise ConfigError(
            "aside_gone",
            f"{self.request.stream}: the table {name}, in which this job keeps what it has read, is gone",
            hint="Restart the job, so that it reads from the beginning.",
        )

    @property
    def opened(self) -> Table:
        """The open aside."""
        if self.aside is None:
            raise InternalError("writer_order", f"{self.request.stream}: no aside was opened")
        return self.aside

    def key_columns(self, target: Table) -> tuple[Column, ...]:
        """The target's columns of the key."""
        return target.choose(self.request.key)

    def whole_target(self) -> Table:
        """The target itself, wherever batches go."""
        return SQLWriter._read_target(self)

    def asides(self) -> list[Aside]:
        return [] if self.request.dry_run else [self._aside(name) for name in self.aside_names()]

    def _aside(self, name: str) -> Aside:
        token = name.rpartition("_")[2]
        query = sql(
            "SELECT count(*) FROM {table} WHERE replace(job_token, '-', '') = {p1}",
            table=self.checkpoint_table,
            **self.dialect.marks(1),
        )
        return Aside(name, token, bool(self.fetch(query, (token,))[0][0]))

    def drop_aside(self, name: str) -> None:
        self.execute(sql("DROP TABLE IF EXISTS {table}", table=self.aside_name(name)))

    def forget_jobs(self, tokens: Sequence[str]) -> None:
        if self.find_aside("_syncdeck_checkpoint") is None:
            return
        mine = {token.replace("-", "") for token in tokens}
        for aside in self.asides():
            if aside.token in mine:
                self.drop_aside(aside.name)
        for begin in range(0, len(tokens), TOKENS_AT_ONCE):
            some = tokens[begin : begin + TOKENS_AT_ONCE]
            marks = joined(self.dialect.marks(len(some)).values())
            query = sql("DELETE FROM {table} WHERE job_token IN ({marks})", table=self.checkpoint_table, marks=marks)
            self.execute(query, some)

    def commit(self, checkpoint: TargetCheckpoint) -> None:
        """In a dry run with an aside the transaction has read only, and the aside must stay."""
        if not self.request.dry_run or self.aside is None:
            super().commit(checkpoint)
            return
        self.end_transaction(commit=True)
        self._forget_batch()

    # 2. Keys seen and missing.

    def remember_keys(self) -> None:
        self.see_to_stage()
        query = sql(
            "INSERT INTO {seen} SELECT {keys} FROM {stage} AS s WHERE 1 = 1 ON CONFLICT DO NOTHING",
            seen=self.opened.sql,
            keys=joined(sql("s.{key}", key=stage_name(place)) for place in self.merge.keys),
            stage=self.dialect.stage,
        )
        self.execute(query)

    def scope(self, filters: Sequence[Filter] = ()) -> Scope:
        target, parameters = self.whole_target(), Parameters(self.dialect)
        conditions = [*where(target, filters, parameters), *self._not_deleted(target)]
        query = sql("SELECT count(*) FROM {target} AS t{where}", target=target.sql, where=_all(conditions))
        records = int(self.fetch(query, parameters.values)[0][0])
        query = sql(
            "SELECT count(*) FROM {target} AS t{where}",
            target=target.sql,
            where=_all([*conditions, *self._missing(target)]),
        )
        return Scope(records, int(self.fetch(query, parameters.values)[0][0]))

    def _not_deleted(self, target: Table) -> list[SQLText]:
        """The condition of rows over alias t that no soft delete has marked."""
        if self.request.deletion_mark is None:
            return []
        (column,) = target.choose([self.request.deletion_mark])
        (field,) = (field for field in self.request.fields if field.name == column.name)
        is_flag = column.field.type == "boolean"
        if is_flag != (field.type == "boolean"):
            raise ConfigError(
                "mark_of_other_type",
                f"{self.request.stream}: deleted records are to be marked in {column.name} as {field.type}, but the"
                f" target's column is of type {column.field.type}",
                hint="Set the type of the mark in deletes to that of the column.",
            )
        return [sql("t.{column} IS NOT TRUE" if is_flag else "t.{column} IS NULL", column=column.sql)]

    def _missing(self, target: Table) -> list[SQLText]:
        """The conditions of rows over alias t whose key the aside has not; the target's collation decides."""
        keys = self.key_columns(target)
        same = joined((sql("t.{key} = s.{key}", key=key.sql) for key in keys), " AND ")
        absent = sql("NOT EXISTS (SELECT 1 FROM {aside} AS s WHERE {same})", aside=self.opened.sql, same=same)
        return [*(sql("t.{key} IS NOT NULL", key=key.sql) for key in keys if key.field.nullable), absent]

    def missing_keys(
        self, filters: Sequence[Filter] = (), after: Any = None, size: int = 1000
    ) -> tuple[list[tuple[Any, ...]], Any]:
        target, parameters = self.whole_target(), Parameters(self.dialect)
        keys = self.key_columns(target)
        conditions = [*where(target, filters, parameters), *self._not_deleted(target), *self._missing(target)]
        if after is not None:
            conditions.append(_later(keys, after, parameters))
        own = joined(sql("t.{key}", key=key.sql) for key in keys)
        query = sql(
            "SELECT {shown} FROM {target} AS t{where} GROUP BY {own} ORDER BY {own} LIMIT {size}",
            shown=joined(self.dialect.shown(key, sql("t.{key}", key=key.sql)) for key in keys),
            target=target.sql,
            where=_all(conditions),
            own=own,
            size=SQLText(str(int(size))),
        )
        rows = self.fetch(query, parameters.values)
        if not rows:
            return [], after
        position = [self.dialect.positioned(key, value) for key, value in zip(keys, rows[-1], strict=True)]
        return self.typed(keys, rows), position

    def switch(self, request: WriteRequest) -> None:
        refuse_unusable_key(request)
        self.request, self._merge = request, None
        for table in (self.dialect.stage, self.dialect.diff):  # they had other columns
            self.execute(sql("DROP TABLE IF EXISTS {table}", table=table))


def _later(keys: Sequence[Column], position: Sequence[Any], parameters: Parameters) -> SQLText:
    return after(keys, position, parameters)


def _all(conditions: Sequence[SQLText]) -> SQLText:
    return sql(" WHERE {all}", all=joined(conditions, " AND ")) if conditions else sql("")
