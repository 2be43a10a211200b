"""A stream from end to end: settle what was left, read on from the checkpoint, write each batch, close the books."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from connectors.records import Batch
from syncjobs.controllers.base import JobHandle, Outcome
from syncjobs.crash_points import crash_here
from syncjobs.statuses import Phase, Status
from syncjobs.streams.batch_sizes import read_in_sizes
from syncjobs.streams.books import BatchBooks
from syncjobs.streams.cursors import end_stream
from syncjobs.streams.estimating import estimate_records
from syncjobs.streams.incremental import begin_by_cursor, tell_of_empty
from syncjobs.streams.joining import JoinedPages
from syncjobs.streams.limits import ReadLimits
from syncjobs.streams.modes import way_of
from syncjobs.streams.opening import OpenStream, open_stream
from syncjobs.streams.patience import Patience, outlive_faults
from syncjobs.streams.preparing import prepare_rows
from syncjobs.streams.progress import Progress
from syncjobs.streams.records_in import MappedPage, map_page
from syncjobs.streams.same_target import refuse_other_target
from syncjobs.streams.shrinking import refuse_shrunken
from syncjobs.streams.splitting import prepare_target
from syncjobs.streams.straight import straight_way
from syncjobs.streams.writing import BatchWriter


def sync_stream(sync_job: JobHandle) -> Outcome:
    """Sync the only stream of the job's config. Raises what connectors raise; Interrupted when it was asked to stop."""
    return outlive_faults(sync_job, _sync_stream)


def _sync_stream(sync_job: JobHandle, patience: Patience) -> Outcome:
    with open_stream(sync_job, patience) as stream:
        refuse_other_target(sync_job, stream.write_request)
        is_empty = prepare_target(stream)
        books = BatchBooks(sync_job, stream.spec.source)
        way = way_of(stream, books)
        batch_writer = way.batches
        progress = batch_writer.settle()
        progress = way.begin(_begin_or_resume(stream, progress, is_empty))
        progress = _write_all(stream, batch_writer, progress)
        batch_writer.check_share_at_end(progress)
        progress = way.end(progress)
        refuse_shrunken(stream, progress.counts.read)
        stream.writer.finish()
        return end_stream(stream, progress, Outcome(Status.FINISHED, _summary(progress)))


def _begin_or_resume(stream: OpenStream, progress: Progress, is_empty: bool) -> Progress:
    sync_job = stream.sync_job
    sync_job.raise_if_stopped()
    if progress.batch_no:
        sync_job.log("INFO", f"Goes on after batch {progress.batch_no}, {progress.counts.read:,} records")
    else:
        progress = replace(progress, target_was_empty=is_empty)
    progress = begin_by_cursor(stream, progress)
    if not progress.batch_no:
        _estimate(stream)
    if not progress.target_was_empty:  # a first load keeps only the keys of what it inserts
        stream.keep_insert_values()
    sync_job.set_phase(Phase.READING)
    return progress


def _estimate(stream: OpenStream) -> None:
    records = estimate_records(stream)
    if records is None:
        stream.sync_job.log("INFO", f"How many records there are in {stream.spec.source} is not known")
    else:
        stream.sync_job.set_estimate(records)
        stream.sync_job.log("INFO", f"About {records:,} records in {stream.spec.source}")


def _write_all(stream: OpenStream, batch_writer: BatchWriter, progress: Progress) -> Progress:
    """Read and write all that comes after `progress`."""
    if progress.is_replaced or progress.is_mirrored or (progress.batch_no and progress.position is None):
        return progress  # the target has it all, or it was one batch
    record_by_record = partial(_write_pages, stream, batch_writer)
    straight = straight_way(stream, batch_writer)
    if straight is not None:
        return straight.run(progress, record_by_record)
    if not progress.batch_no:
        tell_of_empty(stream)
    return record_by_record(progress)


def _write_pages(
    stream: OpenStream, batch_writer: BatchWriter, progress: Progress, least: int | None = None
) -> Progress:
    """Map and write the records of page after page, until there are no more or at least `least` were read."""
    sync_job, enough = stream.sync_job, None if least is None else progress.counts.read + least
    for pages in _pages(stream, progress):
        write = partial(batch_writer.write_batch, pages, progress)
        progress = batch_writer.patiently(progress, write, can_repeat=not isinstance(pages, Iterator))
        sync_job.raise_if_stopped()
        sync_job.set_phase(Phase.READING)
        if enough is not None and progress.counts.read >= enough:
            break
        del pages, write  # before the next page comes
    return progress


def _pages(stream: OpenStream, progress: Progress) -> Iterator[Iterable[MappedPage]]:
    """Batches of mapped pages: one or a few each, or all of them in one where the source cannot be resumed."""
    prepare = partial(prepare_rows, stream) if stream.request.may_read_ahead else None
    read = read_in_sizes(stream.source, replace(stream.request, position=progress.position, prepare=prepare))
    batches = ReadLimits(stream).watch(read, progress)
    for batch in batches:
        if batch.position is None:
            yield _all_at_once(stream, batch, batches)
            return
        crash_here("after_read")
        pages = JoinedPages(batch, batches, partial(map_page, stream), stream.request.batch_size)
        del batch  # before the next one comes
        yield pages
        pages.raise_late_error()
        del pages


def _all_at_once(stream: OpenStream, first: Batch, others: Iterator[Batch]) -> Iterator[MappedPage]:
    stream.sync_job.log("WARNING", "The source has no key to order by: it is read as one batch, without resume")
    yield map_page(stream, first)
    for batch in others:
        stream.sync_job.raise_if_stopped()
        yield map_page(stream, batch)


def _summary(progress: Progress) -> str:
    counts = progress.counts
    nulled, stripped = map(_by_field, (progress.nulled, progress.stripped))
    others = {"deleted": counts.deleted, "rejected": counts.rejected}
    return (
        f"read {counts.read:,}, inserted {counts.inserted:,}, updated {counts.updated:,}, "
        f"unchanged {counts.unchanged:,}" + "".join(f", {name} {number:,}" for name, number in others.items() if number)
    ) + "".join(f"; {words}: {told}" for words, told in (("set to null", nulled), ("NULs taken out", stripped)) if told)


def _by_field(numbers: dict[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in sorted(numbers.items()))
