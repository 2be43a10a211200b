"""Syncdeck's side of a batch: open before the target commits, committed after, or dropped. All of it fenced."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from django.db import transaction

from connectors.base import KeptChange, TargetCheckpoint
from syncjobs.clock import db_now
from syncjobs.controllers.base import JobHandle
from syncjobs.counts import Counts
from syncjobs.models import JobBatch
from syncjobs.streams.change_rows import drop_changes, save_changes
from syncjobs.streams.progress import Progress
from syncjobs.streams.reject_rows import close_rejects, drop_rejects, save_rejects
from syncjobs.streams.rejects import Settling


class BatchBooks:
    """The JobBatch and Change rows of one job's stream, and the job's counts and checkpoint that follow from them."""

    def __init__(self, sync_job: JobHandle, stream: str) -> None:
        self._sync_job = sync_job
        self._stream = stream
        self._changes_kept = int(sync_job.job.config_snapshot["changes_kept"])

    def open_batch(
        self, before: Progress, changes: Iterable[KeptChange], settling: Settling | None = None
    ) -> tuple[JobBatch, int]:
        """Store the batch that is about to be written, with its changes and what it does to rejects.

        Returns it, and how many changes are kept.
        """
        with transaction.atomic():
            batch = JobBatch.objects.create(
                job=self._sync_job.job, stream=self._stream, batch_no=before.batch_no + 1, created_at=db_now()
            )
            self._sync_job.save_progress()
        if settling is not None:
            save_rejects(batch, settling)
        room = max(0, self._changes_kept - before.kept_changes)
        return batch, save_changes(batch, islice(changes, room), self._sync_job.masked_fields)

    def open_bare_batch(self, before: Progress, counts: Counts, after: Progress) -> JobBatch:
        """At once open and complete one that has no changes, and does nothing to rejects."""
        with transaction.atomic():
            batch = JobBatch.objects.create(
                job=self._sync_job.job,
                stream=self._stream,
                batch_no=before.batch_no + 1,
                counts=counts.as_dict(),
                checkpoint=after.as_checkpoint(),
                created_at=db_now(),
            )
            self._sync_job.save_progress()
        return batch

    def complete_batch(self, batch: JobBatch, counts: Counts, after: Progress) -> None:
        """Note what the open batch amounts to; from here on it can be committed by whoever finds it at the target."""
        with transaction.atomic():
            batch.counts = counts.as_dict()
            batch.checkpoint = after.as_checkpoint()
            batch.save(update_fields=["counts", "checkpoint"])
            self._sync_job.save_progress()

    def commit_batch(self, batch: JobBatch) -> Progress:
        """The target has the rows: add the counts and move the checkpoint, in one transaction."""
        after = Progress.from_checkpoint(batch.checkpoint)
        with transaction.atomic():
            batch.state = JobBatch.State.COMMITTED
            batch.save(update_fields=["state"])
            close_rejects(batch)
            self._sync_job.save_progress(
                counts=after.counts.as_dict(),
                diff_summary=after.counts.diff_summary(),
                bytes_read=after.bytes_read,
                checkpoint=after.as_checkpoint(),
            )
        return after

    def settle(self, found: TargetCheckpoint | None) -> Progress:
        """Decide the batch that an earlier owner left open, by what the target has; returns where the job stands."""
        left_open = self._find_open_batch()
        if left_open is None:
            return Progress.from_checkpoint(self._sync_job.job.checkpoint)
        if found is not None and found.batch_no >= left_open.batch_no:
            self._sync_job.log(
                "INFO", f"Batch {left_open.batch_no} had reached the target: it counts, and is not redone"
            )
            return self.commit_batch(left_open)
        self._drop(left_open)
        return Progress.from_checkpoint(self._sync_job.job.checkpoint)

    def drop_open_batch(self) -> None:
        """Forget the batch that was opened and is not written, if there is one."""
        if left_open := self._find_open_batch():
            self._drop(left_open)

    def start_over(self) -> Progress:
        """Forget all batches, which wrote nothing, since they were a dry run's."""
        mine = JobBatch.objects.filter(job=self._sync_job.job, stream=self._stream)
        nothing = Progress()
        with transaction.atomic():
            mine.update(state=JobBatch.State.OPEN)
            self._sync_job.save_progress(
                counts=nothing.counts.as_dict(), diff_summary={}, bytes_read=0, checkpoint=nothing.as_checkpoint()
            )
        for batch in mine:
            self._drop(batch)
        return nothing

    def _find_open_batch(self) -> JobBatch | None:
        mine = JobBatch.objects.filter(job=self._sync_job.job, stream=self._stream)
        return mine.filter(state=JobBatch.State.OPEN).first()

    def _drop(self, batch: JobBatch) -> None:
        self._sync_job.save_progress()  # only the owner may drop it
        drop_changes(batch)
        drop_rejects(batch)
        batch.delete()
