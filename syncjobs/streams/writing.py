"""One batch, written exactly once (DESIGN §7.7): staged, compared, booked, written, committed on both sides."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectors.base import Comparison, TargetCheckpoint
from connectors.errors import InternalError
from connectors.records import Batch, decode_value, encode_value
from syncjobs.counts import Counts
from syncjobs.crash_points import crash_here
from syncjobs.models import JobBatch
from syncjobs.statuses import Phase
from syncjobs.streams.books import BatchBooks
from syncjobs.streams.opening import OpenStream
from syncjobs.streams.progress import Progress
from syncjobs.streams.records_in import MappedPage


class BatchWriter:
    """Brings batches to the target, and Syncdeck's books in line with them."""

    def __init__(self, stream: OpenStream, books: BatchBooks) -> None:
        self._stream = stream
        self._books = books
        self._token = str(stream.sync_job.job.token)
        self._fence = stream.sync_job.job.fence

    def settle(self) -> Progress:
        """Take the job's row at the target (and so wait out a predecessor), then decide the batch left open."""
        writer = self._stream.writer
        found = writer.begin(self._token, self._fence)
        if self._stream.sync_job.dry_run:
            writer.rollback()
        else:
            writer.commit(found or TargetCheckpoint(0, None, Counts().as_dict()))
        return self._books.settle(found)

    def write_batch(self, pages: Iterable[MappedPage], before: Progress) -> Progress:
        """Write one batch after `before`; returns the progress after it. On any error the target is rolled back."""
        try:
            batch = self._to_target(pages, before)
        except BaseException:
            self._stream.writer.rollback()
            raise
        crash_here("after_target_commit")
        crash_here("before_checkpoint")
        return self._books.commit_batch(batch)

    def _to_target(self, pages: Iterable[MappedPage], before: Progress) -> JobBatch:
        writer, sync_job = self._stream.writer, self._stream.sync_job
        self._check_order(writer.begin(self._token, self._fence), before)
        read = byte_count = 0
        position, highest = before.position, before.highest
        for page in pages:
            writer.stage(page.rows)
            read += len(page.rows)
            byte_count += page.batch.byte_count
            position, highest = page.batch.position, self._highest(page.batch, highest)
        sync_job.set_phase(Phase.COMPARING)
        counts = _balanced(read, writer.compare())
        batch, kept = self._books.open_batch(before, writer.changes())
        after = before.after_batch(position, counts, bytes_read=byte_count, kept_changes=kept, highest=highest)
        self._books.complete_batch(batch, counts, after)
        sync_job.set_phase(Phase.WRITING)
        crash_here("before_commit")
        if sync_job.dry_run:
            writer.rollback()
        else:
            writer.write()
            writer.commit(TargetCheckpoint(after.batch_no, after.position, after.counts.as_dict()))
        self._tell(after, counts)
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


def _balanced(read: int, comparison: Comparison) -> Counts:
    counts = Counts(
        read=read,
        inserted=comparison.inserted,
        updated=comparison.updated,
        unchanged=comparison.unchanged,
        skipped=comparison.skipped,
        duplicates=comparison.duplicates,
    )
    if not counts.is_balanced:
        raise InternalError("unbalanced", f"the counts of a batch do not balance: {counts.as_dict()}")
    return counts
