"""Writes batches to SQL targets set-based: stage, compare, merge, exactly once. The kinds run the statements."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from connectors.base import Comparison, FenceLost, RecordChange, StreamWriter, TargetCheckpoint, WriteRequest
from connectors.errors import ConfigError, DataError, InternalError, TransientError
from connectors.sql_changes import PythonValue, StagedRows, compared_changes, inserted_changes
from connectors.sql_statements import Merge, MergeDialect
from connectors.sql_text import SQLText, Table, joined, sql

EVERYTHING = (0, 2**62)  # bounds of seq
MOST_COMPARISONS = 3  # how often a batch is compared again because somebody else changed its rows meanwhile
CHECKPOINT_DAYS = 90  # a job that is resumed later than this cannot know whether its last batch was committed
NEW = -1  # batch_no of a checkpoint row whose job has not committed anything yet


class SQLWriter(StreamWriter):
    """The steps of StreamWriter that PostgreSQL and SQLite share."""

    dialect: MergeDialect
    checkpoint_table: SQLText
    python_value: PythonValue

    def __init__(self, request: WriteRequest) -> None:
        self.request = request
        self.record = ""  # the record that the running statement is about, for error texts; empty if it is about many
        self._merge: Merge | None = None
        self._job = ("", 0)
        self._staged = 0
        self._found: Comparison | None = None

    # What the kinds add. Errors are SyncErrors that name the stream and self.record.

    @abstractmethod
    def execute(self, query: SQLText, parameters: Sequence[Any] = ()) -> int:
        """Run a statement; how many rows it wrote."""

    @abstractmethod
    def fetch(self, query: SQLText, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a short answer."""

    @abstractmethod
    def iterate(self, query: SQLText) -> Iterator[tuple[Any, ...]]:
        """The rows of a long answer."""

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

    @abstractmethod
    def create_checkpoints(self) -> None:
        """Make the checkpoint table if it is missing, and delete what is older than CHECKPOINT_DAYS."""

    @abstractmethod
    def warn(self, message: str) -> None:
        """Tell the operator."""

    @abstractmethod
    def make_temporary_tables(self, merge: Merge) -> None:
        """See that stage and diff are there and empty."""

    @abstractmethod
    def load(self, merge: Merge, rows: Sequence[tuple[Any, ...]]) -> None:
        """Put rows into the stage. Errors name the record that does not fit."""

    def narrowed_target(self, merge: Merge) -> SQLText:
        """The target as a FROM item, if possible only those rows that the staged keys can mean."""
        return merge.target.sql

    def lock_updates(self, merge: Merge, updated: int) -> bool:
        """Keep others from changing the rows to be updated; False if one has changed since it was compared."""
        return True

    def check_deferred_constraints(self) -> None:
        """Make constraints that would wait for the commit speak now."""
        return

    def explained(self, error: DataError, row: Sequence[Any]) -> DataError:
        """The error with what the system left out about this staged record."""
        return error

    # 1. The target, and the transaction with its checkpoint.

    def prepare(self) -> bool:
        target = self._existing_target()
        if target is None and not self.request.dry_run:
            self.create_target()
            target = self._existing_target()
        if not self.request.dry_run:
            self.create_checkpoints()
        if target is None:
            return True
        Merge(self.request, target, self.dialect)  # refuses missing columns
        if self.request.mode == "upsert" and not target.has_unique(self.request.key):
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

    def _read_target(self) -> Table:
        target = self._existing_target()
        if target is not None:
            return target
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
        self.make_temporary_tables(self._merge)
        return found

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
        self._staged, self._found = 0, None

    # 2. Staging and comparing.

    @property
    def merge(self) -> Merge:
        """The statements for the target, known once begin was called."""
        if self._merge is None:
            raise InternalError("writer_order", f"{self.request.stream}: nothing can be staged before begin")
        return self._merge

    @property
    def rows(self) -> StagedRows:
        """How rows of stage and diff are shown."""
        return StagedRows(self.merge, self.python_value)

    @property
    def found(self) -> Comparison:
        """What compare found."""
        if self._found is None:
            raise InternalError("writer_order", f"{self.request.stream}: the batch was not compared")
        return self._found

    def stage(self, rows: Sequence[tuple[Any, ...]]) -> None:
        if self._found is not None:
            raise InternalError("writer_order", f"{self.request.stream}: staged after the batch was compared")
        self._refuse_empty_keys(rows)
        if rows:
            self.load(self.merge, rows)
        self._staged += len(rows)

    def _refuse_empty_keys(self, rows: Sequence[tuple[Any, ...]]) -> None:
        for name, place in zip(self.request.key, self.merge.keys, strict=True):
            empty = next((number for number, row in enumerate(rows) if row[place] is None), None)
            if empty is not None:
                record = self.rows.name(rows[empty], self._staged + empty + 1)
                raise DataError(
                    "empty_key",
                    f"{self.request.stream}: record {record} has no {name}, which is part of its key",
                    hint="Map a value to every field of the key, or choose a key that is never empty.",
                )

    def compare(self) -> Comparison:
        inserted, updated, duplicates = self._staged, 0, 0
        if self.request.mode == "upsert":
            duplicates = self.execute(self.merge.remove_duplicates())
            inserted, updated = self._compare_with_target()
        unchanged = self._staged - duplicates - inserted - updated
        written = (inserted * self.request.insert_enabled, updated * self.request.update_enabled)
        self._found = Comparison(*written, unchanged, inserted + updated - sum(written), duplicates)
        return self._found

    def _compare_with_target(self) -> tuple[int, int]:
        """Fill the diff; how many staged records are new and how many differ."""
        for _ in range(MOST_COMPARISONS):
            self.execute(self.merge.fill_diff(self.narrowed_target(self.merge)))
            inserted, updated = self.fetch(self.merge.count_diff())[0]
            has_updates = updated and self.request.update_enabled
            if not has_updates or self.request.dry_run or self.lock_updates(self.merge, updated):
                return inserted, updated
            self.execute(self.merge.empty_diff())
        raise TransientError(
            "target_busy",
            f"{self.request.stream}: somebody else keeps changing the rows that this batch is compared with",
            hint="The batch is tried again by itself; if this stays, choose a quieter time or a smaller batch size.",
        )

    def changes(self) -> Iterator[RecordChange]:
        keeps_values = self.request.keep_insert_values
        if self.found.updated or (self.found.inserted and keeps_values and self.request.mode == "upsert"):
            return compared_changes(self.rows, self.iterate(self.merge.diff_rows()))
        if not self.found.inserted:
            return iter(())
        places = tuple(range(len(self.merge.columns))) if keeps_values else self.merge.keys
        rows = self.iterate(self.merge.staged_rows(places, everything=self._inserts_everything))
        return inserted_changes(self.rows, places, rows)

    @property
    def _inserts_everything(self) -> bool:
        return self.found.inserted + self.found.duplicates == self._staged

    # 3. Writing.

    def write(self) -> None:
        if self.request.dry_run:
            return
        self.execute(sql("SAVEPOINT syncdeck_write"))
        try:
            missing = self.found.inserted + self.found.updated - self._apply(EVERYTHING)
        except DataError as error:
            self.execute(sql("ROLLBACK TO SAVEPOINT syncdeck_write"))
            self._raise_for_one_record(error)
        if missing > 0:
            raise DataError(
                "rows_not_written",
                f"{self.request.stream}: the target left {missing} records out without an error",
                hint="Look for triggers, rules or policies on the target table.",
            )
        self.execute(sql("RELEASE SAVEPOINT syncdeck_write"))

    def _apply(self, bounds: tuple[int, int]) -> int:
        """Write what was found between two seqs; how many rows that were."""
        written = 0
        if self.found.inserted:
            written += self.execute(self.merge.insert(everything=self._inserts_everything), bounds)
        if self.found.updated:
            written += self.execute(self.merge.update(), bounds)
        self.check_deferred_constraints()
        return written

    def _raise_for_one_record(self, error: DataError) -> None:
        """Find the first record that cannot be written by halving, and raise the error of its own."""
        low, high = self.fetch(self.merge.staged_bounds())[0]
        while low < high:
            middle = (low + high) // 2
            self.execute(sql("SAVEPOINT syncdeck_half"))
            try:
                self._apply((low, middle))
                low = middle + 1
            except DataError:
                self.execute(sql("ROLLBACK TO SAVEPOINT syncdeck_half"))
                high = middle
        row = self.fetch(self.merge.staged_row(), (low,))[0]
        self.record = self.rows.name(row, low)
        try:
            self._apply((low, low))
        except DataError as exact:
            raise self.explained(exact, row) from exact
        raise error
