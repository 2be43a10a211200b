"""The frame of writing to an SQL target: preparing it, transactions, and the checkpoint by which batches count once."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from connectors.base import Comparison, FenceLost, StreamWriter, TargetCheckpoint, WriteRequest
from connectors.errors import ConfigError, InternalError, SyncError
from connectors.sql_evolving import cannot_evolve, change_of_type, plan_evolution
from connectors.sql_rounding import rounding_columns
from connectors.sql_statements import Merge, MergeDialect
from connectors.sql_tables import refuse_unusable_key, refuse_unusable_names
from connectors.sql_text import Column, SQLText, Table, joined, sql

CHECKPOINT_DAYS = 90  # a job that is resumed later than this cannot know whether its last batch was committed
NEW = -1  # batch_no of a checkpoint row whose job has not committed anything yet


class SQLTransactions(StreamWriter):
    """prepare, begin, commit and rollback; what lies between them is connectors.sql's."""

    dialect: MergeDialect
    longest_name = 0  # bytes of a name; 0 = as long as one likes
    checkpoint_table: SQLText

    def __init__(self, request: WriteRequest) -> None:
        self.request = request
        self.record = ""  # the record that the running statement is about, for error texts; empty if it is about many
        self._merge: Merge | None = None
        self._seen: Table | None = None  # the target as prepare left it, until the first batch is staged
        self._job = ("", 0)
        self.has_stage = False  # whether stage and diff are there and empty
        self.staged = 0  # records of the batch so far
        self.comparison: Comparison | None = None  # None until the batch is compared

    # What the kinds add. Errors are SyncErrors that name the stream and self.record.

    @abstractmethod
    def execute(self, query: SQLText, parameters: Sequence[Any] = ()) -> int:
        """Run a statement; how many rows it wrote."""

    @abstractmethod
    def fetch(self, query: SQLText, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a short answer."""

    @abstractmethod
    def open_transaction(self) -> None:
        """Connect if need be, and begin."""

    @abstractmethod
    def end_transaction(self, *, commit: bool) -> None:
        """Commit, or roll back without raising."""

    @abstractmethod
    def find_target(self) -> Table | None:
        """The target table as it is now."""

    @abstractmethod
    def planned_target(self) -> Table:
        """The table that create_target would make; its columns match the request's fields."""

    @abstractmethod
    def create_target(self) -> None:
        """Make the table, in a transaction of its own."""

    def declared(self, column: Column) -> SQLText:
        """The type that a planned column is declared with."""
        return column.declared

    def widening(self, target: Table, column: Column) -> list[SQLText]:
        """What gives a column of the target the wider type that `column` has; ConfigError where it can not."""
        return [change_of_type(target, column)]

    @abstractmethod
    def create_checkpoints(self) -> None:
        """Make the checkpoint table if it is missing, and delete what is older than CHECKPOINT_DAYS."""

    @abstractmethod
    def warn(self, message: str) -> None:
        """Tell the operator."""

    @abstractmethod
    def make_temporary_tables(self, merge: Merge) -> None:
        """See that stage and diff are there and empty."""

    # What they share.

    def prepare(self) -> bool:
        refuse_unusable_key(self.request)
        target = self._existing_target()
        if target is not None:
            target = self._evolve(target)
        elif not self.request.dry_run:
            self.create_target()
            target = self._existing_target()
        if not self.request.dry_run:
            self.create_checkpoints()
        self._seen = target
        if target is None:
            return True
        seen = self._as_dry_run_sees(target)
        Merge(self.request, seen, self.dialect)  # refuses missing columns
        if rounding := ", ".join(rounding_columns(self.request, seen)):
            self.warn(f"{self.request.stream}: the target may round or cut what these columns are given: {rounding}")
        if self.request.mode != "append" and not target.has_unique(self.request.key):
            self.warn(
                f"{self.request.stream}: no unique index covers the key {', '.join(self.request.key)}; comparing is"
                " slow and nothing keeps others from writing a key twice"
            )
        return not self.fetch(sql("SELECT 1 FROM {target} LIMIT 1", target=target.sql))

    def _existing_target(self) -> Table | None:
        """The target, None if it is missing and may be created."""
        target = self.find_target()
        if target is None and not self.request.create:
            raise ConfigError(
                "stream_not_found",
                f"{self.request.stream}: there is no such table in the target",
                hint="Create the table, or set target_schema to 'create'.",
            )
        return target

    def _evolve(self, target: Table) -> Table:
        """Add and widen columns as far as the request says so, in a transaction of its own."""
        evolution = plan_evolution(self.request, target, self.planned_target())
        if not evolution:
            return target
        if self.request.dry_run:
            self.warn(f"{self.request.stream}: a real run changes the target: it {evolution.words()}")
            return target
        refuse_unusable_names(replace(target, columns=evolution.added), self.longest_name)
        try:
            self.alter_target(evolution.statements(target, self.declared, partial(self.widening, target)))
        except SyncError as error:
            raise cannot_evolve(self.request.stream, evolution, error) from error
        self.warn(f"{self.request.stream}: the target follows the source: it {evolution.words()}")
        return self._existing_target() or target

    def alter_target(self, statements: Sequence[SQLText]) -> None:
        """Run DDL, all of it or nothing."""
        self.open_transaction()
        try:
            for statement in statements:
                self.execute(statement)
        except BaseException:
            self.end_transaction(commit=False)
            raise
        self.end_transaction(commit=True)

    def _as_dry_run_sees(self, target: Table) -> Table:
        evolution = plan_evolution(self.request, target, self.planned_target()) if self.request.dry_run else None
        return evolution.shown(target, self.dialect) if evolution else target

    def _read_target(self) -> Table:
        target = self._seen or self._existing_target()
        if target is not None:
            return self._as_dry_run_sees(target)
        planned = self.planned_target()
        if not self.request.dry_run:
            raise ConfigError(
                "stream_not_found", f"{self.request.stream}: the target table is gone since the job began"
            )
        empty = joined(
            sql("{cast} AS {column}", cast=self.dialect.typed_null(one), column=one.sql) for one in planned.columns
        )
        return replace(planned, sql=sql("(SELECT {empty} WHERE 1 = 0)", empty=empty))

    def begin(self, job_token: str, fence: int) -> TargetCheckpoint | None:
        self.open_transaction()
        self._job, self.record = (job_token, fence), ""
        self._forget_batch()
        found = None if self.request.dry_run else self._take_checkpoint(job_token, fence)
        if self._merge is None:
            self._merge = Merge(self.request, self._read_target(), self.dialect)
        if self.request.dry_run:  # from here on the target can only be read
            self.see_to_stage()
        return found

    def see_to_stage(self) -> None:
        """Make stage and diff, unless this batch has them already."""
        if not self.has_stage:
            self.make_temporary_tables(self.merge)
            self.has_stage, self._seen = True, None

    def narrow(self, request: WriteRequest) -> None:
        if self.has_stage or (request.stream, request.dry_run) != (self.request.stream, self.request.dry_run):
            raise InternalError("writer_order", f"{self.request.stream}: the batch can no longer be narrowed")
        refuse_unusable_key(request)
        self.request, self._merge = request, Merge(request, self.merge.target, self.dialect)
        for table in (self.dialect.stage, self.dialect.diff):  # those of an earlier batch had other columns
            self.execute(sql("DROP TABLE IF EXISTS {table}", table=table))

    def _take_checkpoint(self, job_token: str, fence: int) -> TargetCheckpoint | None:
        """One statement creates the row or takes it over unless its fence is newer; it waits while another holds it."""
        query = sql(
            "INSERT INTO {table} AS held (job_token, stream, batch_no, counts, fence, updated_at)"
            " VALUES ({p1}, {p2}, {p3}, '{{}}', {p4}, {now}) ON CONFLICT (job_token, stream) DO UPDATE"
            " SET fence = excluded.fence, updated_at = excluded.updated_at WHERE held.fence <= excluded.fence"
            " RETURNING batch_no, position, counts",
            table=self.checkpoint_table,
            now=self.dialect.now,
            **self.dialect.marks(4),
        )
        rows = self.fetch(query, (job_token, self.request.stream, NEW, fence))
        if not rows:
            raise FenceLost(f"{self.request.stream}: another worker has taken this job over")
        batch_no, position, counts = rows[0]
        return None if batch_no == NEW else TargetCheckpoint(batch_no, json.loads(position), json.loads(counts))

    def commit(self, checkpoint: TargetCheckpoint) -> None:
        if self.request.dry_run:
            self.rollback()
            return
        query = sql(
            "UPDATE {table} SET batch_no = {p1}, position = {p2}, counts = {p3}, updated_at = {now}"
            " WHERE job_token = {p4} AND stream = {p5} AND fence = {p6}",
            table=self.checkpoint_table,
            now=self.dialect.now,
            **self.dialect.marks(6),
        )
        job_token, fence = self._job
        values = (checkpoint.batch_no, json.dumps(checkpoint.position), json.dumps(checkpoint.counts))
        if self.execute(query, (*values, job_token, self.request.stream, fence)) != 1:
            raise FenceLost(f"{self.request.stream}: the checkpoint row of this job is gone")
        self.end_transaction(commit=True)
        self._forget_batch()

    def rollback(self) -> None:
        self._forget_batch()
        self.end_transaction(commit=False)

    def _forget_batch(self) -> None:
        self.staged, self.comparison, self.has_stage = 0, None, False

    @property
    def merge(self) -> Merge:
        """The statements for the target, known once begin was called."""
        if self._merge is None:
            raise InternalError("writer_order", f"{self.request.stream}: nothing can be staged before begin")
        return self._merge
