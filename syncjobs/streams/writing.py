"""One batch, written exactly once (DESIGN §7.7): staged, compared, booked, written, committed on both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from connectors.base import Comparison, RecordChange, TargetCheckpoint
from connectors.errors import DataError, InternalError
from connectors.records import Batch, decode_value, encode_value
from syncjobs.counts import Counts
from syncjobs.crash_points import crash_here
from syncjobs.models import JobBatch
from syncjobs.statuses import Phase
from syncjobs.streams.books import BatchBooks
from syncjobs.streams.isolating import Isolator
from syncjobs.streams.opening import OpenStream
from syncjobs.streams.progress import Progress
from syncjobs.streams.records_in import MappedPage
from syncjobs.streams.rejects import RejectDesk, Settling


@dataclass(frozen=True, slots=True)
class FilledBatch:
    """A batch in the target's open transaction, about to be written: `after` is the progress with it, but for the
    number of kept changes; `write` makes it so.
    """

    counts: Counts
    changes: Iterable[RecordChange]
    after: Progress
    write: Callable[[], object]
    settling: Settling = field(default_factory=Settling)


class BatchWriter:
    """Brings batches to the target, and Syncdeck's books in line with them."""

    def __init__(self, stream: OpenStream, books: BatchBooks) -> None:
        self._stream = stream
        self._books = books
        self._token = str(stream.sync_job.job.token)
        self._fence = stream.sync_job.job.fence
        self.desk = RejectDesk(stream)
        self._isolator = Isolator(stream)

    def settle(self) -> Progress:
        """Take the job's row at the target (and so wait out a predecessor), then decide the batch left open."""
        writer = self._stream.writer
        found = writer.begin(self._token, self._fence)
        if self._stream.sync_job.dry_run:
            writer.rollback()
        else:
            writer.commit(found or TargetCheckpoint(0, None, Counts().as_dict()))
        return self._books.settle(found)

    def beside(self, action: Callable[[], object]) -> None:
        """Do something in a transaction of its own that is no batch and changes no record of the target."""
        writer = self._stream.writer
        try:
            found = writer.begin(self._token, self._fence)
            action()
            writer.commit(found or TargetCheckpoint(0, None, Counts().as_dict()))
        except BaseException:
            writer.rollback()
            raise

    def write_batch(self, pages: Iterable[MappedPage], before: Progress) -> Progress:
        """Write one batch of records after `before`; returns the progress after it.

        Under quarantine the records that the target refuses are found and set aside, and the others are written.
        """
        while True:
            try:
                return self.exactly_once(before, partial(self._fill, pages, before))
            except DataError as error:
                if not self._isolator.can_isolate(error, pages):
                    raise
                self._books.drop_open_batch()
                pages = self._isolator.without_refused(list(pages), error, before.counts.rejected)

    def exactly_once(self, before: Progress, fill: Callable[[], FilledBatch]) -> Progress:
        """Do one batch, which `fill` stages and compares. On any error the target is rolled back."""
        try:
            batch = self._to_target(before, fill)
        except BaseException:
            self._stream.writer.rollback()
            raise
        crash_here("after_target_commit")
        crash_here("before_checkpoint")
        return self._books.commit_batch(batch)

    def compared(self, read: int, rejected: int = 0) -> tuple[Counts, Iterable[RecordChange]]:
        """Compare what was staged of `read` records: what becomes of them, and the changes to keep."""
        writer = self._stream.writer
        return _balanced(read, rejected, writer.compare()), writer.changes()

    def _fill(self, pages: Iterable[MappedPage], before: Progress) -> FilledBatch:
        writer = self._stream.writer
        read = byte_count = 0
        position, highest = before.position, before.highest
        settling = Settling(before.counts.rejected)
        for page in pages:
            self.desk.take(page, settling)
            writer.stage(page.rows)
            read += len(page.batch.rows)
            byte_count += page.batch.byte_count
            position, highest = page.batch.position, self._highest(page.batch, highest)
        self._stream.sync_job.set_phase(Phase.COMPARING)
        counts, changes = self.compared(read, settling.rejected)
        self.desk.check_share(before.counts + counts)
        after = before.after_batch(position, counts, bytes_read=byte_count, kept_changes=0, highest=highest)
        return FilledBatch(counts, changes, after, writer.write, settling)

    def check_share_at_end(self, progress: Progress) -> None:
        """Raise TooManyRejects where too large a share of all that was read was set aside."""
        self.desk.check_share(progress.counts, is_end=True)

    def _to_target(self, before: Progress, fill: Callable[[], FilledBatch]) -> JobBatch:
        writer, sync_job = self._stream.writer, self._stream.sync_job
        self._check_order(writer.begin(self._token, self._fence), before)
        filled = fill()
        batch, kept = self._books.open_batch(before, filled.changes, filled.settling)
        after = replace(filled.after, kept_changes=before.kept_changes + kept)
        self._books.complete_batch(batch, filled.counts, after)
        sync_job.set_phase(Phase.WRITING)
        crash_here("before_commit")
        if not sync_job.dry_run:
            filled.write()
        writer.commit(TargetCheckpoint(after.batch_no, after.position, after.counts.as_dict()))
        self._tell(after, filled.counts)
        self.desk.tell(filled.settling, after.batch_no)
        return batch

    def _check_order(self, found: TargetCheckpoint | None, before: Progress) -> None:
        at_target = found.batch_no if found else 0
        if not self._stream.sync_job.dry_run and at_target != before.batch_no:
            raise InternalError(
                "books_differ",
                f"the target says that batch {at_target} was the last, Syncdeck says {before.batch_no}",
                hint="Do not edit the table _syncdeck_checkpoint; run the job type again.",
            )

    def _highest(self, batch: Batch, so_far: Any) -> Any:
        if self._stream.request.cursor is not None:
            return so_far if batch.highest is None else batch.highest
        window = self._stream.spec.window
        field = self._stream.schema.get(window.field) if window else None
        if field is None or field.name not in batch.names:
            return so_far
        place = batch.names.index(field.name)
        values = [decode_value(field.type, row[place]) for row in batch.rows if row[place] is not None]
        if so_far is not None:
            values.append(decode_value(field.type, so_far))
        return encode_value(field.type, max(values)) if values else None

    def _tell(self, after: Progress, counts: Counts) -> None:
        words = ", ".join(f"{name} {number:,}" for name, number in counts.as_dict().items() if number or name == "read")
        self._stream.sync_job.log("INFO", f"Batch {after.batch_no}: {words}", batch=after.batch_no)


def _balanced(read: int, rejected: int, comparison: Comparison) -> Counts:
    counts = Counts(
        read=read,
        inserted=comparison.inserted,
        updated=comparison.updated,
        unchanged=comparison.unchanged,
        skipped=comparison.skipped,
        rejected=rejected,
        duplicates=comparison.duplicates,
    )
    if not counts.is_balanced:
        raise InternalError("unbalanced", f"the counts of a batch do not balance: {counts.as_dict()}")
    return counts
