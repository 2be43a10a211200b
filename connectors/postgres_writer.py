"""Writes batches to a PostgreSQL database: what connectors.sql leaves to the kind."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg

from connectors.base import WriteRequest
from connectors.errors import DataError, SyncError, TransientError
from connectors.postgres_copy import copy_rows
from connectors.postgres_dialect import PostgresDialect, find_table, planned_column, split_name
from connectors.postgres_receiving import PostgresReceiving
from connectors.postgres_session import Session
from connectors.reading_ahead import one_ahead
from connectors.records import FieldType
from connectors.sql_statements import Merge, old_name, stage_name
from connectors.sql_tables import create_table, refuse_unusable_names
from connectors.sql_text import SQLText, Table, joined, quote, sql
from connectors.sql_transactions import CHECKPOINT_DAYS
from connectors.surroundings import Surroundings

LONGEST_NAME = 63  # bytes; PostgreSQL cuts longer ones off without a word
CHANGES_AT_ONCE = 700  # that are read; more would be no quicker, and take a worker megabytes
CHECKPOINT_TABLE = "_syncdeck_checkpoint"
CHECKPOINT_COLUMNS = sql(
    "(job_token text NOT NULL, stream text NOT NULL, batch_no bigint NOT NULL, position text, counts text NOT NULL,"
    " fence bigint NOT NULL, updated_at timestamptz NOT NULL, PRIMARY KEY (job_token, stream))"
)


class PostgresWriter(PostgresReceiving):
    """One stream of one job, on a connection of its own that `open_session` makes."""

    dialect = PostgresDialect()
    longest_name = LONGEST_NAME
    writes_in_any_thread = True

    def __init__(
        self, request: WriteRequest, schema: str, surroundings: Surroundings, open_session: Callable[[], Session]
    ) -> None:
        super().__init__(request)
        self.schema = schema
        self.surroundings = surroundings
        self.open_session = open_session
        self.checkpoint_table = sql("{schema}.{name}", schema=quote(schema), name=quote(CHECKPOINT_TABLE))
        self._session: Session | None = None

    @property
    def session(self) -> Session:
        if self._session is None or self._session.connection.closed:
            self._session = self.open_session()
        return self._session

    def execute(self, query: SQLText, parameters: Sequence[Any] = ()) -> int:
        with self._naming_who_locks():
            return self.session.execute(query, parameters, record=self.record)

    def fetch(self, query: SQLText, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._naming_who_locks():
            return self.session.fetch(query, parameters)

    def iterate(self, query: SQLText) -> Iterator[tuple[Any, ...]]:
        for rows in one_ahead(self.session.fetch_in_parts(query, size=CHANGES_AT_ONCE)):
            yield from rows

    @staticmethod
    def python_value(field_type: FieldType, value: Any) -> Any:
        """The driver has made it already, but for a JSON text."""
        return json.loads(value) if field_type == "json" and isinstance(value, str) else value

    # 1. Transactions.

    def open_transaction(self) -> None:
        self.execute(sql("BEGIN"))

    def end_transaction(self, *, commit: bool) -> None:
        if commit:
            self.execute(sql("COMMIT"))
        elif self._session is not None:
            self._roll_back(self._session)

    def _roll_back(self, session: Session) -> None:
        """A connection that is broken or interrupted is let go, which rolls back as well."""
        try:
            if session.is_usable:
                session.connection.execute(b"ROLLBACK")
                return
        except psycopg.Error:
            pass
        session.close()
        self._session = None

    # 2. The target.

    def find_target(self) -> Table | None:
        return self.session.take_found(self.request.stream) or find_table(
            self.session, self.schema, self.request.stream
        )

    def planned_target(self) -> Table:
        owner, name = split_name(self.schema, self.request.stream)[-1]
        columns = tuple(planned_column(field, in_key=field.name in self.request.key) for field in self.request.fields)
        table = sql("{owner}.{name}", owner=quote(owner), name=quote(name))
        return Table(self.request.stream, table, columns, self.request.key)

    def create_target(self) -> None:
        planned = self.planned_target()
        refuse_unusable_names(planned, self.longest_name)
        query = create_table(planned, [column.declared for column in planned.columns])
        self._create(query, lambda: self.find_target() is not None)

    def _create(self, query: SQLText, is_there: Callable[[], bool]) -> None:
        """Two sessions that create one table at once fail with an odd error; a lock lets one come first."""
        try:
            self.execute(sql("BEGIN"))
            self.execute(sql("SELECT pg_advisory_xact_lock(7329071120)"))
            if not is_there():
                self.execute(query)
            self.execute(sql("COMMIT"))
        except BaseException:
            self.end_transaction(commit=False)
            raise

    def create_checkpoints(self) -> None:
        table = self.checkpoint_table

        def is_there() -> bool:
            # Asked of the catalog's rows: to_regclass remembers what was missing a moment ago.
            names = sql(
                "SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
                " WHERE n.nspname = $1 AND c.relname = $2"
            )
            return bool(self.fetch(names, (self.schema, CHECKPOINT_TABLE)))

        if not is_there():
            self._create(sql("CREATE TABLE {table} {columns}", table=table, columns=CHECKPOINT_COLUMNS), is_there)
        self.execute(
            sql(
                "DELETE FROM {table} WHERE ctid IN (SELECT ctid FROM {table} WHERE updated_at < now() - $1::interval"
                " FOR UPDATE SKIP LOCKED)",
                table=table,
            ),
            (f"{CHECKPOINT_DAYS} days",),
        )

    def warn(self, message: str) -> None:
        self.surroundings.notify("WARNING", message)

    # 3. Staging and comparing.

    def make_temporary_tables(self, merge: Merge) -> None:
        """They live as long as the connection and are emptied by each commit."""
        staged = [
            sql("{name} {type}", name=stage_name(place), type=column.declared)
            for place, column in enumerate(merge.columns)
        ]
        old = [sql("{name} {type}", name=old_name(place), type=merge.columns[place].declared) for place in merge.values]
        columns = joined([sql("seq bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000)"), *staged])
        masks = [sql("{name} bigint", name=name) for name in merge.mask_names]
        found = joined([sql("seq bigint, is_insert boolean, changed text, row_id tid, staged_id tid"), *masks, *old])
        tables = ((self.dialect.stage, columns), (self.dialect.diff, found))
        statements = [
            sql("CREATE TABLE IF NOT EXISTS {table} ({parts}) ON COMMIT DELETE ROWS", table=table, parts=parts)
            for table, parts in tables
        ]
        if self.request.dry_run:
            statements.append(sql("SET TRANSACTION READ ONLY"))  # which lets temporary tables be written to
        # A plan that runs through one side for each row of the other is only good where an index finds the rows.
        statements.append(sql("SET LOCAL enable_material = off"))
        if merge.keys and not merge.target.has_unique(self.request.key):
            statements.append(sql("SET LOCAL enable_nestloop = off"))
        self.execute(joined(statements, "; "))

    def load(self, merge: Merge, rows: Sequence[tuple[Any, ...]]) -> None:
        copy_rows(self.session, merge, self.rows, rows)

    def lock_updates(self, merge: Merge, updated: int) -> bool:
        """Lock the rows and see that each is still the version that was compared."""
        if merge.target.row_id is None:
            return True
        query = sql(
            "SELECT count(*) FILTER (WHERE is_same) = (SELECT count(*) FROM {diff} WHERE NOT is_insert) FROM"
            " (SELECT t.ctid = d.row_id AS is_same FROM {diff} AS d JOIN {stage} AS s ON {same_staged}"
            " JOIN {target} AS t ON t.ctid = d.row_id AND {same} WHERE NOT d.is_insert FOR UPDATE OF t) AS locked",
            same_staged=merge.same_staged,
            diff=self.dialect.diff,
            stage=self.dialect.stage,
            target=merge.target.sql,
            same=merge.same_key(),
        )
        return bool(self.fetch(query)[0][0])

    def check_deferred_constraints(self) -> None:
        self.execute(sql("SET CONSTRAINTS ALL IMMEDIATE"))

    # 4. Errors that need another look.

    @contextlib.contextmanager
    def _naming_who_locks(self) -> Iterator[None]:
        """A lock timeout says who holds the table, as far as we may see it."""
        try:
            yield
        except TransientError as error:
            pids = self._lock_holders() if error.code == "lock_timeout" else []
            if not pids:
                raise
            holders = ", ".join(str(pid) for pid in pids)
            message = f"{self.request.stream}: the table is locked by the session with pid {holders}"
            raise TransientError(error.code, message, hint=error.hint) from error

    def _lock_holders(self) -> list[int]:
        try:
            self.session.connection.execute(b"ROLLBACK")
            rows = self.session.fetch(
                sql(
                    "SELECT DISTINCT pid FROM pg_locks WHERE granted AND pid <> pg_backend_pid()"
                    " AND relation IN (to_regclass($1), to_regclass($2))"
                ),
                (self.planned_target().sql, self.checkpoint_table),
            )
        except (psycopg.Error, SyncError):
            return []
        return [pid for (pid,) in rows]

    def explained(self, error: DataError, row: Sequence[Any]) -> DataError:
        """PostgreSQL does not say which column a text is too long for."""
        if error.code != "value_too_long":
            return error
        for place, column in enumerate(self.merge.columns):
            if column.length and isinstance(row[place], str) and len(row[place]) > column.length:
                message = (
                    f"{self.request.stream}: record {self.record} has a text of {len(row[place])} characters in"
                    f" {column.name}, which takes {column.length}"
                )
                return DataError(error.code, message, hint=error.hint, field=column.name, record=self.record)
        return error
