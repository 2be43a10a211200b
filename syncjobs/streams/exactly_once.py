"""Batches that are booked and written exactly once (DESIGN §7.7), whatever fills them, however often one is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol

from connectors.base import KeptChange, StreamWriter, TargetCheckpoint, WriteRequest
from connectors.errors import InternalError, TransientError
from syncjobs.controllers.base import JobHandle
from syncjobs.counts import Counts
from syncjobs.crash_points import crash_here
from syncjobs.models import JobBatch
from syncjobs.statuses import Phase
from syncjobs.streams.books import BatchBooks
from syncjobs.streams.early_writes import EarlyWrite
from syncjobs.streams.patience import Patience
from syncjobs.streams.progress import Progress
from syncjobs.streams.rejects import Settling


class WrittenStream(Protocol):
    """What batches need of a stream that is open for writing."""

    sync_job: JobHandle
    patience: Patience

    @property
    def write_request(self) -> WriteRequest: ...

    @property
    def writer(self) -> StreamWriter: ...

    @property
    def can_reopen_target(self) -> bool: ...

    def reopen_target(self) -> None: ...


def _nothing(_batch: JobBatch) -> None:
    return


@dataclass(frozen=True, slots=True)
class FilledBatch:
    """A batch in the target's open transaction, about to be written: `after` is the progress with it, but for the
    number of kept changes; `write` makes it so. `book` adds further rows of ours that come and go with the batch.
    """

    counts: Counts
    changes: Iterable[KeptChange]
    after: Progress
    write: Callable[[], object]
    settling: Settling = field(default_factory=Settling)
    book: Callable[[JobBatch], object] = _nothing

    @property
    def is_bare(self) -> bool:
        """Whether there is nothing to store of it but what it amounts to."""
        return self.changes == () and self.settling.is_empty and self.book is _nothing


class ExactlyOnce:
    """Brings batches to the target, and Syncdeck's books in line with them."""

    def __init__(self, stream: WrittenStream, books: BatchBooks) -> None:
        self._written = stream
        self._books = books
        self._token = str(stream.sync_job.job.token)
        self._fence = stream.sync_job.job.fence

    def settle(self) -> Progress:
        """Take the job's row at the target (and so wait out a predecessor), then decide the batch left open."""
        writer = self._written.writer
        found = writer.begin(self._token, self._fence)
        if self._written.sync_job.dry_run:
            writer.rollback()
        else:
            writer.commit(found or TargetCheckpoint(0, None, Counts().as_dict()))
        return self._books.settle(found)

    def beside(self, action: Callable[[], object]) -> None:
        """Do something in a transaction of its own that is no batch and changes no record of the target."""
        writer = self._written.writer
        try:
            found = writer.begin(self._token, self._fence)
            action()
            writer.commit(found or TargetCheckpoint(0, None, Counts().as_dict()))
        except BaseException:
            writer.rollback()
            raise

    def exactly_once(self, before: Progress, fill: Callable[[], FilledBatch]) -> Progress:
        """Do one batch, which `fill` stages and compares. On any error the target is rolled back."""
        try:
            batch = self._to_target(before, fill)
        except BaseException:
            self._written.writer.rollback()
            raise
        crash_here("after_target_commit")
        crash_here("before_checkpoint")
        return self._books.commit_batch(batch)

    def patiently(self, before: Progress, write: Callable[[], Progress], *, can_repeat: bool = True) -> Progress:
        """Write a batch, again after passing faults of the target; what became of a lost commit is asked of it.

        The source is read on, which spares its long queries and copies; elsewhere a fault begins the stream anew.
        """
        stream, is_again = self._written, False
        while True:
            try:
                if is_again:
                    stream.reopen_target()
                    settled = self.settle()
                    if settled.batch_no > before.batch_no:
                        return settled
                return write()
            except TransientError as error:
                if not can_repeat or not stream.can_reopen_target:
                    raise
                stream.patience.wait_after(error)
                is_again = True

    def _to_target(self, before: Progress, fill: Callable[[], FilledBatch]) -> JobBatch:
        writer, sync_job = self._written.writer, self._written.sync_job
        self._check_order(writer.begin(self._token, self._fence), before)
        filled = fill()
        with EarlyWrite(filled.write) as early:
            if self._may_write_early(filled):
                filled = replace(filled, changes=early.after(filled.changes))
            batch, after = self._book(before, filled)
            sync_job.set_phase(Phase.WRITING)
            crash_here("before_commit")
            if not sync_job.dry_run:
                early.finish()
        writer.commit(TargetCheckpoint(after.batch_no, after.position, after.counts.as_dict()))
        self.tell(filled, after)
        return batch

    def _may_write_early(self, filled: FilledBatch) -> bool:
        """Whether nothing but the changes is asked of the target while the batch is booked."""
        is_plain = not filled.is_bare and filled.book is _nothing
        return is_plain and self._written.writer.writes_in_any_thread and not self._written.sync_job.dry_run

    def _book(self, before: Progress, filled: FilledBatch) -> tuple[JobBatch, Progress]:
        """Store all that is known of the batch; returns it, and the progress after it."""
        fields = tuple((one.name, one.type, one.nullable) for one in self._written.write_request.fields)
        after = replace(filled.after, kept_changes=before.kept_changes, fields=fields)
        if filled.is_bare:
            return self._books.open_bare_batch(before, filled.counts, after), after
        batch, kept = self._books.open_batch(before, filled.changes, filled.settling)
        filled.book(batch)
        after = replace(after, kept_changes=before.kept_changes + kept)
        self._books.complete_batch(batch, filled.counts, after)
        return batch, after

    def _check_order(self, found: TargetCheckpoint | None, before: Progress) -> None:
        at_target = found.batch_no if found else 0
        if not self._written.sync_job.dry_run and at_target != before.batch_no:
            raise InternalError(
                "books_differ",
                f"the target says that batch {at_target} was the last, Syncdeck says {before.batch_no}",
                hint="Do not edit the table _syncdeck_checkpoint; run the job type again.",
            )

    def tell(self, filled: FilledBatch, after: Progress) -> None:
        """Log what the batch was."""
        counts = filled.counts.as_dict()
        words = ", ".join(f"{name} {number:,}" for name, number in counts.items() if number or name == "read")
        self._written.sync_job.log("INFO", f"Batch {after.batch_no}: {words}", batch=after.batch_no)
