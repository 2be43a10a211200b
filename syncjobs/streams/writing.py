"""Batches of mapped records: staged, compared with the target, and written exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, cast

from connectors.base import Comparison, KeptChange
from connectors.columns import column_of
from connectors.cursors import greatest_value
from connectors.errors import DataError, InternalError
from connectors.records import Batch
from connectors.straight import StraightWriter
from syncjobs.counts import Counts
from syncjobs.statuses import Phase
from syncjobs.streams.books import BatchBooks
from syncjobs.streams.exactly_once import ExactlyOnce, FilledBatch
from syncjobs.streams.isolating import Isolator
from syncjobs.streams.opening import OpenStream
from syncjobs.streams.progress import Progress
from syncjobs.streams.records_in import MappedPage
from syncjobs.streams.refusals import reason_of, without_value
from syncjobs.streams.rejects import RejectDesk, Settling, TooManyRejects


class BatchWriter(ExactlyOnce):
    """Brings batches of mapped records to the target, and sets aside what does not fit."""

    needs_stage = False  # whether something is done with staged records besides comparing them

    def __init__(self, stream: OpenStream, books: BatchBooks) -> None:
        super().__init__(stream, books)
        self._stream = stream
        self.desk = RejectDesk(stream)
        self._isolator = Isolator(stream)
        self._can_load = True  # until the target refuses records that were not compared
        self._is_loading = False

    def write_batch(self, pages: Iterable[MappedPage], before: Progress) -> Progress:
        """Write one batch of records after `before`; returns the progress after it.

        Under quarantine the records that the target refuses are found and set aside, and the others are written.
        """
        while True:
            try:
                return self.exactly_once(before, partial(self._fill, pages, before))
            except DataError as error:
                if self._declines_to_load(error):
                    continue
                if not self._isolator.can_isolate(error, pages):
                    raise without_value(self._stream, error) from None
                self._books.drop_open_batch()
                pages = self._isolator.without_refused(list(pages), error, before.counts.rejected)

    def compared(self, read: int, rejected: int = 0) -> tuple[Counts, Iterable[KeptChange]]:
        """Compare what was staged of `read` records: what becomes of them, and the changes to keep."""
        writer = self._stream.writer
        counts = _balanced(read, rejected, writer.compare())
        rendered = None if self._stream.sync_job.masked_fields else writer.rendered_changes()
        return counts, writer.changes() if rendered is None else rendered

    @property
    def heals_rejects(self) -> bool:
        """Whether each record's key must be looked at, since an earlier reject may have it."""
        return self.desk.looks_at_keys

    def drop_open_batch(self) -> None:
        """Forget a batch that was opened and could not be written."""
        self._books.drop_open_batch()

    def _fill(self, pages: Iterable[MappedPage], before: Progress) -> FilledBatch:
        writer = self._stream.writer
        read = byte_count = 0
        position, highest = before.position, before.highest
        settling = Settling(before.counts.rejected)
        nulled, stripped = Counter[str](), Counter[str]()
        self._is_loading = not isinstance(pages, Iterator) and self._can_load and self.may_load(before)
        put = cast(StraightWriter, writer).load_rows if self._is_loading else writer.stage
        for page in pages:
            self.desk.take(page, settling)
            put(page.rows)
            read += len(page.batch.rows)
            byte_count += page.batch.byte_count
            nulled.update(page.nulled)
            stripped.update(page.stripped)
            position, highest = page.batch.position, self._highest(page.batch, highest)
        self._stream.sync_job.set_phase(Phase.COMPARING)
        judged = self._loaded if self._is_loading else self.compared
        counts, changes = judged(read, settling.rejected)
        self.desk.check_share(before.counts + counts)
        after = before.after_batch(
            position, counts, bytes_read=byte_count, kept_changes=0, highest=highest, nulled=nulled, stripped=stripped
        )
        changes = () if self.keeps_none(before) else changes
        return FilledBatch(counts, changes, after, _is_written if self._is_loading else writer.write, settling)

    def _loaded(self, read: int, rejected: int) -> tuple[Counts, Iterable[KeptChange]]:
        return Counts(read=read, inserted=read - rejected, rejected=rejected), ()

    def keeps_none(self, before: Progress) -> bool:
        """Whether this is a first load into an empty target, of which no changes are kept."""
        return bool(before.target_was_empty) and not self._stream.write_request.keep_insert_values

    def may_load(self, before: Progress) -> bool:
        """Whether this is a first load of which no record needs to be compared."""
        writer, request = self._stream.writer, self._stream.write_request
        return bool(
            self.keeps_none(before)
            and request.insert_enabled
            and not (request.dry_run or self.needs_stage)
            and isinstance(writer, StraightWriter)
            and writer.can_load()
        )

    def _declines_to_load(self, error: DataError) -> bool:
        """Whether it was the target that refused to take records as they are; from now on all are staged."""
        declines, self._is_loading = self._is_loading and not isinstance(error, TooManyRejects), False
        if declines:
            self._can_load = False
            self._books.drop_open_batch()
            reason = reason_of(self._stream, error)
            self._stream.sync_job.log("INFO", f"Records are compared before they are written: {reason}")
        return declines

    def check_share_at_end(self, progress: Progress) -> None:
        """Raise TooManyRejects where too large a share of all that was read was set aside."""
        self.desk.check_share(progress.counts, is_end=True)

    def _highest(self, batch: Batch, so_far: Any) -> Any:
        if self._stream.request.cursor is not None:
            return so_far if batch.highest is None else batch.highest
        window = self._stream.spec.window
        field = self._stream.schema.get(window.field) if window else None
        if field is None or field.name not in batch.names:
            return so_far
        place = batch.names.index(field.name)
        return greatest_value(field.type, [so_far, *column_of(batch.rows, place)])

    def tell(self, filled: FilledBatch, after: Progress) -> None:
        super().tell(filled, after)
        self.desk.tell(filled.settling, after.batch_no)


def _is_written() -> None:
    """A first load has put its records where they belong."""


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
