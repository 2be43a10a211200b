"""Writes one record and ends its job exactly once, though target and Syncdeck's database are two (DESIGN §7.7).

The target's transaction takes the job's row there first. The change is booked in an open JobBatch before the target
commits, and becomes valid together with the job's end afterwards. Whoever takes over in between asks the target.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from django.db import DatabaseError, InterfaceError, transaction

from connectors.base import Operation, TargetCheckpoint
from connectors.errors import ConfigError, InternalError
from connectors.records import MutableRecord
from syncjobs.clock import db_now
from syncjobs.controllers.base import JobHandle
from syncjobs.controllers.results import COUNTS
from syncjobs.crash_points import crash_here
from syncjobs.documents.base import Written
from syncjobs.documents.changes import save_change
from syncjobs.documents.record_names import name_of_key
from syncjobs.documents.record_reading import RecordReader
from syncjobs.documents.staging import Stream, compare_document, stage_document
from syncjobs.lifecycle import StatusConflict
from syncjobs.models import Change, JobBatch
from syncjobs.streams.change_rows import drop_changes

ONLY_BATCH = 1  # a document job writes one record, once
TIDY_EVERY = 100  # jobs; one of so many deletes what is long out of date from the target's checkpoints


class _Session:
    """What a session that writes and one that only plans have in common."""

    settled: Written | None = None

    def __init__(self, store: RecordReader, sync_job: JobHandle) -> None:
        self._store = store
        self._sync_job = sync_job
        self._stream = Stream(store.document_type, store.stream, store.schema.fields, store.key_fields)
        # To look at a record takes its key only; what is written is said later.
        self._writer = store.connector.writer(
            self._stream.request(store.key_fields, "update", dry_run=sync_job.dry_run)
        )
        self._written: Written | None = None

    def new(self) -> MutableRecord:
        return self._store.new()

    @property
    def written(self) -> Written:
        if self._written is None:
            raise InternalError("session_order", f"{self._store.document_type}: nothing was written before the end")
        return self._written


class PlannedSession(_Session):
    """A dry run: the target says what would be written, and nothing is."""

    def begin(self) -> None:
        """Nothing is held in a dry run."""

    def lock(self, name: str) -> MutableRecord | None:
        return self._store.load(name)

    def write(self, operation: Operation, document: MutableRecord, before: Mapping[str, Any] | None) -> Written:
        staged = stage_document(self._stream, operation, self._store.values(document), before)
        writer = self._store.connector.writer(staged.request(dry_run=True))
        try:
            writer.begin(str(self._sync_job.job.token), self._sync_job.job.fence)
            self._written = compare_document(writer, staged, self._sync_job.masked_fields)
        finally:
            writer.rollback()
        return self._written

    def end(self, write_end: Callable[[Written], None]) -> None:
        with transaction.atomic():
            save_change(self._sync_job.job, self._store.document_type, self.written)
            write_end(self.written)

    def leave(self) -> None:
        """There is nothing to undo."""


class RecordSession(_Session):
    """One record, inside one transaction at the target."""

    def __init__(self, store: RecordReader, sync_job: JobHandle) -> None:
        super().__init__(store, sync_job)
        self._batch: JobBatch | None = None
        self._checkpoint = TargetCheckpoint(ONLY_BATCH, None, {})
        self._may_be_committed = False

    @property
    def batch(self) -> JobBatch:
        if self._batch is None:
            raise InternalError("session_order", f"{self._store.document_type}: nothing was booked before the end")
        return self._batch

    # 1. beginning: what an earlier attempt left

    def begin(self) -> None:
        """Take the job's row at the target, and decide the batch that an earlier attempt left open."""
        found = self._take_row()
        left = JobBatch.objects.filter(job=self._sync_job.job, stream=self._store.document_type).first()
        if found is not None and found.batch_no >= ONLY_BATCH:
            self._settle(found, left)
        elif left is not None:
            self._drop(left)

    def _take_row(self) -> TargetCheckpoint | None:
        token, fence = str(self._sync_job.job.token), self._sync_job.job.fence
        if self._sync_job.job.pk % TIDY_EVERY == 0:
            self._writer.prepare()
        try:
            return self._writer.begin(token, fence)
        except ConfigError as error:
            if error.code != "stream_not_found":
                raise
        self._writer.rollback()  # this target has no checkpoints yet, or no such table at all, which prepare says
        self._writer.prepare()
        return self._writer.begin(token, fence)

    def _settle(self, found: TargetCheckpoint, left: JobBatch | None) -> None:
        change = None if left is None else Change.objects.filter(job=self._sync_job.job, batch=left).first()
        if left is None or change is None:
            raise InternalError(
                "books_differ",
                f"{self._store.document_type}: the target has this job's record, and Syncdeck has no change of it",
                hint="Do not edit the table _syncdeck_checkpoint; run the job type again.",
            )
        self._sync_job.log("INFO", "The record had reached the target: it counts, and is not written again")
        name = name_of_key(self._store.key_fields, change.key)
        self.settled = self._written = Written(_operation(change.operation), change.key, name, change.fields)
        self._batch, self._checkpoint = left, found

    def _drop(self, batch: JobBatch) -> None:
        with transaction.atomic():
            drop_changes(batch)
            batch.delete()
            self._sync_job.save_progress()  # only the owner may drop it

    # 2. the record

    def lock(self, name: str) -> MutableRecord | None:
        found = self._writer.lock(self._store.key_of(name))
        return None if found is None else self._store.document(found)

    def write(self, operation: Operation, document: MutableRecord, before: Mapping[str, Any] | None) -> Written:
        staged = stage_document(self._stream, operation, self._store.values(document), before)
        self._writer.narrow(staged.request(dry_run=False))
        self._written = compare_document(self._writer, staged, self._sync_job.masked_fields)
        self._open_batch(self._written)
        self._writer.write()
        return self._written

    def _open_batch(self, written: Written) -> None:
        job, counts = self._sync_job.job, COUNTS[written.operation].as_dict()
        self._checkpoint = TargetCheckpoint(ONLY_BATCH, None, counts)
        with transaction.atomic():
            batch = JobBatch.objects.create(
                job=job, stream=self._store.document_type, batch_no=ONLY_BATCH, counts=counts, created_at=db_now()
            )
            save_change(job, self._store.document_type, written, batch)
            self._sync_job.save_progress()
        self._batch = batch

    # 3. the end

    def end(self, write_end: Callable[[Written], None]) -> None:
        written, batch = self.written, self.batch
        crash_here("before_commit")
        self._may_be_committed = True
        self._writer.commit(self._checkpoint)
        crash_here("after_target_commit")
        with transaction.atomic():
            batch.state = JobBatch.State.COMMITTED
            batch.save(update_fields=["state"])
            write_end(written)

    def leave(self) -> None:
        """Undo what was not committed. What may be committed stays open: the next attempt asks the target."""
        self._writer.rollback()
        if self._batch is not None and not self._may_be_committed and self.settled is None:
            # Without the database, or the job, the next attempt drops it.
            with contextlib.suppress(StatusConflict, DatabaseError, InterfaceError):
                self._drop(self._batch)


def _operation(name: str) -> Operation:
    known: dict[str, Operation] = {"insert": "insert", "update": "update", "delete": "delete"}
    return known[name]
