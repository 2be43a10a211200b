"""Writes batches to SQL targets set-based: stage, compare, merge, exactly once. The kinds run the statements."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

from connectors.base import Comparison, RecordChange
from connectors.columns import column_of
from connectors.errors import DataError, InternalError, TransientError
from connectors.records import Filter, Record, key_text
from connectors.sql_changes import PythonValue, StagedRows, compared_changes, inserted_changes
from connectors.sql_selects import Parameters, where
from connectors.sql_statements import Merge
from connectors.sql_text import Column, SQLText, joined, sql
from connectors.sql_transactions import SQLTransactions

EVERYTHING = (0, 2**62)  # bounds of seq
MOST_COMPARISONS = 3  # how often a batch is compared again because somebody else changed its rows meanwhile


class SQLWriter(SQLTransactions):
    """The steps of StreamWriter that PostgreSQL and SQLite share."""

    python_value: PythonValue

    # What the kinds add. Errors are SyncErrors that name the stream and self.record.

    @abstractmethod
    def iterate(self, query: SQLText) -> Iterator[tuple[Any, ...]]:
        """The rows of a long answer."""

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

    def typed(self, columns: Sequence[Column], rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Rows of the target as Python objects of its columns' types, where the driver does not make them."""
        return rows

    # 1. Locking, staging and comparing.

    def lock(self, key: dict[str, Any]) -> Record | None:
        table, parameters = self.merge.target, Parameters(self.dialect)
        filters = tuple(Filter(name, "eq", value) for name, value in key.items())
        query = sql(
            "SELECT {columns} FROM {table} AS t WHERE {conditions}{lock}",
            columns=joined(
                self.dialect.shown(column, sql("t.{column}", column=column.sql)) for column in table.columns
            ),
            table=table.sql,
            conditions=joined(where(table, filters, parameters), " AND "),
            lock=sql("") if self.request.dry_run else self.dialect.row_lock,
        )
        rows = self.typed(table.columns, self.fetch(query, parameters.values))
        if len(rows) > 1:
            raise DataError(
                "key_not_unique",
                f"{self.request.stream}: {len(rows)} records have the key {key_text(key)}",
                hint="Choose a key that only one record can have, and put a unique index on it.",
            )
        return Record(dict(zip(table.names, rows[0], strict=True))) if rows else None

    @property
    def rows(self) -> StagedRows:
        """How rows of stage and diff are shown."""
        return StagedRows(self.merge, self.python_value)

    @property
    def found(self) -> Comparison:
        """What compare found."""
        if self.comparison is None:
            raise InternalError("writer_order", f"{self.request.stream}: the batch was not compared")
        return self.comparison

    def stage(self, rows: Sequence[tuple[Any, ...]]) -> None:
        if self.comparison is not None:
            raise InternalError("writer_order", f"{self.request.stream}: staged after the batch was compared")
        self._refuse_empty_keys(rows)
        self.see_to_stage()
        if rows:
            self.load(self.merge, rows)
        self.staged += len(rows)

    def _refuse_empty_keys(self, rows: Sequence[tuple[Any, ...]]) -> None:
        for name, place in zip(self.request.key, self.merge.keys, strict=True):
            column = column_of(rows, place)
            if None in column:
                empty = column.index(None)
                record = self.rows.name(rows[empty], self.staged + empty + 1)
                raise DataError(
                    "empty_key",
                    f"{self.request.stream}: record {record} has no {name}, which is part of its key",
                    hint="Map a value to every field of the key, or choose a key that is never empty.",
                    field=name,
                )

    def compare(self) -> Comparison:
        self.see_to_stage()
        inserted, updated, duplicates = self.staged, 0, 0
        if self.request.mode != "append":
            duplicates = self.remove_duplicates()
            inserted, updated = self._compare_with_target()
        if self.request.mode == "delete":
            deleted = updated * self.request.delete_enabled
            self.comparison = Comparison(0, 0, 0, self.staged - duplicates - deleted, duplicates, deleted)
            return self.comparison
        unchanged = self.staged - duplicates - inserted - updated
        written = (inserted * self.request.insert_enabled, updated * self.request.update_enabled)
        self.comparison = Comparison(*written, unchanged, inserted + updated - sum(written), duplicates)
        return self.comparison

    def remove_duplicates(self) -> int:
        """Leave of staged records with the same key the last one; how many go."""
        return self.execute(self.merge.remove_duplicates())

    def _compare_with_target(self) -> tuple[int, int]:
        """Fill the diff; how many staged records are new and how many differ (or, in mode delete, are there)."""
        for _ in range(MOST_COMPARISONS):
            self.fill_diff()
            inserted, updated = self.fetch(self.merge.count_diff())[0]
            if (
                not (updated and self.merge.changes_present)
                or self.request.dry_run
                or self.lock_updates(self.merge, updated)
            ):
                return inserted, updated
            self.execute(self.merge.empty_diff())
        raise TransientError(
            "target_busy",
            f"{self.request.stream}: somebody else keeps changing the rows that this batch is compared with",
            hint="The batch is tried again by itself; if this stays, choose a quieter time or a smaller batch size.",
        )

    def fill_diff(self) -> None:
        """Find what the staged records differ in from the target's."""
        self.execute(self.merge.fill_diff(self.narrowed_target(self.merge)))

    def changes(self) -> Iterator[RecordChange]:
        keeps_values = self.request.keep_insert_values
        if (
            self.found.updated
            or self.found.deleted
            or (self.found.inserted and keeps_values and self.request.mode == "upsert")
        ):
            return compared_changes(self.rows, self.iterate(self.merge.diff_rows()))
        if not self.found.inserted:
            return iter(())
        places = tuple(range(len(self.merge.columns))) if keeps_values else self.merge.keys
        rows = self.iterate(self.merge.staged_rows(places, everything=self._inserts_everything))
        return inserted_changes(self.rows, places, rows)

    @property
    def _inserts_everything(self) -> bool:
        return self.found.inserted + self.found.duplicates == self.staged

    # 2. Writing.

    def write(self) -> None:
        if self.request.dry_run:
            return
        self.execute(sql("SAVEPOINT syncdeck_write"))
        try:
            found = self.found.inserted + self.found.updated + self.found.deleted
            missing = found - self._apply(EVERYTHING)
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
        if self.found.deleted:
            written += self.execute(self.merge.delete(), bounds)
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
            raise self._told_of_deletes(self.explained(exact, row)) from exact
        raise error

    def _told_of_deletes(self, error: DataError) -> DataError:
        """The systems say the same of a reference to nothing and of one that keeps a record from being deleted."""
        if self.request.mode != "delete" or error.code != "foreign_key":
            return error
        message = f"{self.request.stream}: record {self.record} is still referred to by another record"
        return DataError("still_referenced", message, hint="Delete first what refers to it, or let the target cascade.")
