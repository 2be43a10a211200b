"""Writes batches to an SQLite file: what connectors.sql leaves to the kind."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from connectors.asides import ASIDE_PREFIXES
from connectors.base import WriteRequest
from connectors.errors import ConfigError, DataError, SyncError
from connectors.records import TYPES, FieldType
from connectors.sql_replacing import SQLReplacing
from connectors.sql_statements import Merge, old_name, stage_name
from connectors.sql_tables import create_table, refuse_unusable_names
from connectors.sql_text import Column, SQLText, Table, joined, quote, sql
from connectors.sql_transactions import CHECKPOINT_DAYS
from connectors.sqlite_catalog import affinity_of, find_table
from connectors.sqlite_dialect import SQLiteDialect, python_value, storing, typed_rows
from connectors.sqlite_session import Session
from connectors.surroundings import Surroundings

CHECKPOINT_COLUMNS = sql(
    "(job_token TEXT NOT NULL, stream TEXT NOT NULL, batch_no INTEGER NOT NULL, position TEXT, counts TEXT NOT NULL,"
    " fence INTEGER NOT NULL, updated_at TEXT NOT NULL, PRIMARY KEY (job_token, stream))"
)


class SQLiteWriter(SQLReplacing):
    """One stream of one job. `open_session` connects: to the file for writing, in a dry run without that right."""

    dialect = SQLiteDialect()
    checkpoint_table = sql('main."_syncdeck_checkpoint"')
    python_value = staticmethod(python_value)

    def __init__(self, request: WriteRequest, surroundings: Surroundings, open_session: Callable[[], Session]) -> None:
        super().__init__(request)
        self.surroundings = surroundings
        self.open_session = open_session
        self._session: Session | None = None

    @property
    def session(self) -> Session:
        if self._session is None:
            self._session = self.open_session()
        return self._session

    def execute(self, query: SQLText, parameters: Sequence[Any] = ()) -> int:
        return self.session.execute(query, parameters, record=self.record)

    def fetch(self, query: SQLText, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self.session.fetch(query, parameters)

    def iterate(self, query: SQLText) -> Iterator[tuple[Any, ...]]:
        for rows in self.session.fetch_in_parts(query):
            yield from rows

    def typed(self, columns: Sequence[Column], rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        return typed_rows(columns, rows)

    def open_transaction(self) -> None:
        self.execute(sql("BEGIN") if self.request.dry_run else sql("BEGIN IMMEDIATE"))

    def end_transaction(self, *, commit: bool) -> None:
        """A rollback closes the connection, which undoes everything and cannot fail.

        But where a dry run keeps an aside by the connection, which is lost only if that fails.
        """
        if not commit and self.request.dry_run and self.aside is not None and self._session is not None:
            with contextlib.suppress(SyncError):
                self.execute(sql("ROLLBACK"))
                return
        if not commit:
            session, self._session = self._session, None
            if session is not None:
                session.close()
            return
        if self.has_stage:
            self.execute(sql("DELETE FROM {stage}", stage=self.dialect.stage))
            self.execute(sql("DELETE FROM {diff}", diff=self.dialect.diff))
        self.execute(sql("COMMIT"))

    def find_target(self) -> Table | None:
        return find_table(self.session, self.request.stream)

    def planned_target(self) -> Table:
        columns = tuple(Column(field, affinity_of(TYPES[field.type].sqlite)) for field in self.request.fields)
        return Table(self.request.stream, quote(self.request.stream), columns, self.request.key)

    def create_target(self) -> None:
        planned = self.planned_target()
        refuse_unusable_names(planned)
        self.execute(create_table(planned, [SQLText(TYPES[field.type].sqlite) for field in self.request.fields]))

    def declared(self, column: Column) -> SQLText:
        return SQLText(TYPES[column.field.type].sqlite)

    def widening(self, target: Table, column: Column) -> list[SQLText]:
        """SQLite has no word for it: the values move into a new column, which then takes the old one's name."""
        triggers = sql("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE")
        if not column.field.nullable or column.name in target.key or self.fetch(triggers, (target.name,))[0][0]:
            raise ConfigError(
                "cannot_evolve",
                f"{column.name} is required or part of the key, or its table has triggers: SQLite cannot widen such a"
                " column",
            )
        parts = {"table": target.sql, "name": column.sql, "wider": quote("_syncdeck_wider")}
        return [
            sql("ALTER TABLE {table} ADD COLUMN {wider} {type}", **parts, type=self.declared(column)),
            sql("UPDATE {table} SET {wider} = {name}", **parts),
            sql("ALTER TABLE {table} DROP COLUMN {name}", **parts),
            sql("ALTER TABLE {table} RENAME COLUMN {wider} TO {name}", **parts),
        ]

    def create_checkpoints(self) -> None:
        table = self.checkpoint_table
        self.execute(sql("CREATE TABLE IF NOT EXISTS {table} {columns}", table=table, columns=CHECKPOINT_COLUMNS))
        self.execute(
            sql("DELETE FROM {table} WHERE updated_at < datetime('now', ?)", table=table), (f"-{CHECKPOINT_DAYS} days",)
        )

    def find_aside(self, name: str) -> Table | None:
        return find_table(self.session, name)

    def aside_names(self) -> list[str]:
        query = sql(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND (name LIKE ? OR name LIKE ?) ORDER BY name"
        )
        return [name for (name,) in self.fetch(query, [f"{prefix}%" for prefix in ASIDE_PREFIXES.values()])]

    def aside_name(self, name: str) -> SQLText:
        return sql("temp.{name}" if self.request.dry_run else "main.{name}", name=quote(name))

    def create_load(self, name: SQLText, target: Table) -> None:
        columns = target.choose(field.name for field in self.request.fields)
        planned = Table(self.request.stream, name, columns, self.request.key)
        self.execute(create_table(planned, [column.declared for column in columns]))

    def referring_tables(self, target: Table) -> list[str]:
        query = sql(
            "SELECT DISTINCT m.name FROM sqlite_master AS m, pragma_foreign_key_list(m.name) AS f"
            " WHERE m.type = 'table' AND f.\"table\" = ? COLLATE NOCASE AND m.name <> ? COLLATE NOCASE ORDER BY m.name"
        )
        return [name for (name,) in self.fetch(query, (target.name, target.name))]

    def warn(self, message: str) -> None:
        self.surroundings.notify("WARNING", message)

    def make_temporary_tables(self, merge: Merge) -> None:
        staged = [
            sql("{name} {type}", name=stage_name(place), type=column.declared)
            for place, column in enumerate(merge.columns)
        ]
        old = [old_name(place) for place in merge.values]
        masks = [sql("{name} INTEGER", name=name) for name in merge.mask_names]
        columns = joined([sql("seq INTEGER PRIMARY KEY"), *staged])
        found = joined([sql("seq INTEGER"), sql("is_insert INTEGER"), sql("changed TEXT"), sql("row_id"), *masks, *old])
        for table, parts in ((self.dialect.stage, columns), (self.dialect.diff, found)):
            self.execute(sql("CREATE TABLE IF NOT EXISTS {table} ({parts})", table=table, parts=parts))
            self.execute(sql("DELETE FROM {table}", table=table))

    def load(self, merge: Merge, rows: Sequence[tuple[Any, ...]]) -> None:
        places = range(len(merge.columns))
        query = sql(
            "INSERT INTO {stage} ({names}) VALUES ({marks})",
            stage=self.dialect.stage,
            names=joined(stage_name(place) for place in places),
            marks=joined(sql("?") for _ in places),
        )
        try:
            self.session.execute_many(query, self._stored(rows))
        except (ValueError, TypeError, OverflowError, sqlite3.InterfaceError, sqlite3.ProgrammingError):
            self._raise_for_unfit_value(rows)
            raise

    def _stored(self, rows: Sequence[tuple[Any, ...]]) -> Sequence[Sequence[Any]]:
        """The rows as SQLite keeps them; raises ValueError for a value that it cannot keep."""
        stores = [(place, store) for place, store in enumerate(self._stores()) if store]
        if not stores:
            return rows
        stored = []
        for row in rows:
            values = list(row)
            for place, store in stores:
                if values[place] is not None:
                    values[place] = store(values[place])
            stored.append(values)
        return stored

    def storing(self, field_type: FieldType, *, in_key: bool) -> Callable[[Any], Any] | None:
        """What makes the stored form of a value; None where it is stored as it is."""
        return storing(field_type, in_key=in_key)

    def _stores(self) -> list[Callable[[Any], Any] | None]:
        return [self.storing(field.type, in_key=field.name in self.request.key) for field in self.request.fields]

    def _raise_for_unfit_value(self, rows: Sequence[tuple[Any, ...]]) -> None:
        for number, row in enumerate(rows, 1):
            for field, store, value in zip(self.request.fields, self._stores(), row, strict=True):
                try:
                    stored = store(value) if store and value is not None else value
                    self.session.connection.execute("SELECT ?", (stored,)).fetchall()
                except (ValueError, TypeError, AttributeError, OverflowError, sqlite3.Error) as error:
                    raise DataError(
                        "invalid_value",
                        f"{self.request.stream}: record {self.rows.name(row, number)} has a value in {field.name}"
                        f" that SQLite cannot keep as {field.type} ({error})",
                        hint="Correct the mapping of this field.",
                        field=field.name,
                        record=self.rows.name(row, number),
                    ) from error
