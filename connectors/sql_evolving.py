"""Brings an SQL target in line with what is to be written: missing columns are added, narrow ones are widened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import LiteralString

from connectors.base import WriteRequest
from connectors.errors import ConfigError, SyncError, TransientError
from connectors.field_types import is_widening
from connectors.sql_statements import MergeDialect
from connectors.sql_text import Column, SQLText, Table, joined, sql


@dataclass(frozen=True, slots=True)
class Evolution:
    """The columns that a target lacks, and those that are too narrow: as they are to be, by name."""

    added: tuple[Column, ...] = ()
    widened: tuple[Column, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.widened)

    def words(self) -> str:
        """`adds size (decimal), widens id to bigint`."""
        parts = [f"adds {one.name} ({one.field.type})" for one in self.added]
        parts += [f"widens {one.name} to {one.field.type}" for one in self.widened]
        return ", ".join(parts)

    def statements(
        self, table: Table, declared: Callable[[Column], SQLText], widen: Callable[[Column], list[SQLText]]
    ) -> list[SQLText]:
        """The DDL; `declared` says how a column is declared, `widen` what changes one."""
        adding = [
            sql("ALTER TABLE {table} ADD COLUMN {name} {type}", table=table.sql, name=one.sql, type=declared(one))
            for one in self.added
        ]
        return adding + [statement for one in self.widened for statement in widen(one)]

    def shown(self, table: Table, dialect: MergeDialect) -> Table:
        """The table as a dry run sees it: as it would be, without being touched."""
        wider = {one.name: one for one in self.widened}
        columns = [wider.get(one.name, one) for one in table.columns]
        parts = [
            sql("{value} AS {name}", name=one.sql, value=dialect.widened(one, sql("t.{name}", name=one.sql)))
            if one.name in wider
            else sql("t.{name}", name=one.sql)
            for one in columns
        ]
        parts += [sql("{null} AS {name}", null=dialect.typed_null(one), name=one.sql) for one in self.added]
        query = sql("(SELECT {parts} FROM {table} AS t)", parts=joined(parts), table=table.sql)
        return replace(table, sql=query, columns=(*columns, *self.added), row_id=None)


def plan_evolution(request: WriteRequest, target: Table, planned: Table) -> Evolution:
    """What the request lets be done to the target, so that it takes the request's fields; `planned` has their columns.

    A part of the key is never added: the records that are there would have none.
    """
    there = {column.name: column for column in target.columns}
    added = [one for one in planned.columns if request.add_columns and one.name not in (*there, *request.key)]
    widened = [
        wider
        for one in planned.columns
        if one.name in request.widen and one.name in there and (wider := _wider(there[one.name], one))
    ]
    return Evolution(tuple(replace(one, field=replace(one.field, nullable=True)) for one in added), tuple(widened))


def _wider(old: Column, new: Column) -> Column | None:
    """The old column as it has to be to take the new one's values; None where it is, or nothing is known to help."""
    nullable = old.field.nullable
    if is_widening(old.field.type, new.field.type) and old.declared != new.declared:
        return replace(new, field=replace(new.field, nullable=nullable))
    needs_length = old.field.type == new.field.type == "text" and old.native == "varchar" and old.length
    if needs_length and not (new.field.length and new.field.length <= needs_length):
        return replace(old, field=replace(old.field, length=None), length=None)
    return None


def change_of_type(table: Table, column: Column) -> SQLText:
    """The statement for systems that have one."""
    template: LiteralString = "ALTER TABLE {table} ALTER COLUMN {name} TYPE {type}"
    return sql(template, table=table.sql, name=column.sql, type=column.declared)


def cannot_evolve(stream: str, evolution: Evolution, error: SyncError) -> SyncError:
    """The error of the DDL as one that says what it was for; what may pass stays as it is."""
    if isinstance(error, TransientError):
        return error
    return ConfigError(
        "cannot_evolve",
        f"{stream}: the target cannot follow the source ({evolution.words()}): {error.message}",
        hint="Change the target's table yourself, or set the stream's schema_policy to stop or ignore.",
    )
