"""Mode replace: load everything beside the target, check it, then empty and refill the target in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from connectors.base import KeptChange, RecordChange
from connectors.errors import ConfigError, InternalError
from syncjobs.counts import Counts
from syncjobs.statuses import Phase
from syncjobs.streams.books import BatchBooks
from syncjobs.streams.exactly_once import FilledBatch
from syncjobs.streams.guards import SAMPLE, GuardDesk
from syncjobs.streams.leftovers import drop_leftovers
from syncjobs.streams.opening import OpenStream
from syncjobs.streams.progress import Progress
from syncjobs.streams.writing import BatchWriter


class LoadBatches(BatchWriter):
    """Batches that go into the table beside the target. They count as skipped until the swap writes them all."""

    needs_stage = True

    def compared(self, read: int, rejected: int = 0) -> tuple[Counts, Iterable[KeptChange]]:
        found = self._stream.writer.compare()
        earlier = found.updated + found.unchanged  # the load was empty at first: these keys came in an earlier batch
        counts = Counts(read=read, skipped=found.inserted, duplicates=found.duplicates + earlier, rejected=rejected)
        if not counts.is_balanced:
            raise InternalError("unbalanced", f"the counts of a batch do not balance: {counts.as_dict()}")
        return counts, ()


class Replace:
    """What a replacement does before and after its records are loaded."""

    def __init__(self, stream: OpenStream, books: BatchBooks) -> None:
        self._stream = stream
        self._guards = GuardDesk(stream)
        self.batches: BatchWriter = LoadBatches(stream, books)

    def begin(self, progress: Progress) -> Progress:
        """Raises ConfigError where the target can not be replaced."""
        drop_leftovers(self._stream)
        if progress.is_replaced:
            return progress
        self._stream.open_aside("load", anew=not progress.batch_no)
        self._stream.sync_job.log(
            "INFO", "The target is replaced as a whole: changes are not kept record by record and can not be reverted"
        )
        return progress

    def end(self, progress: Progress) -> Progress:
        """Swap. Raises JobHeld where a guard speaks against it."""
        if progress.is_replaced:
            return progress
        stream, writer = self._stream, self._stream.aside_writer
        stream.sync_job.set_phase(Phase.COMPARING)
        scope = writer.scope()
        self._guards.check_source(progress.counts.read, scope.records, self._sample())
        self._guards.check_deletes(scope.missing, scope.records, self._sample())
        if self._guards.look_at_changes:
            self._guards.check_changes(writer.differing() + scope.missing, scope.records, self._sample())
        return self.batches.exactly_once(progress, partial(self._fill, progress))

    def _fill(self, before: Progress) -> FilledBatch:
        swap = self._stream.aside_writer.swap()
        if swap.inserted != before.counts.skipped:
            raise InternalError(
                "books_differ",
                f"{self._stream.spec.target}: {swap.inserted:,} records are loaded, but {before.counts.skipped:,} were"
                " counted",
                hint="Restart the job, so that it loads everything again.",
            )
        counts = Counts(inserted=swap.inserted, skipped=-swap.inserted, deleted=swap.deleted)
        after = before.after_batch(before.position, counts, bytes_read=0, kept_changes=0, highest=before.highest)
        return FilledBatch(counts, (), replace(after, is_replaced=True), _is_done, self.batches.desk.settle_all())

    def _sample(self) -> Iterator[RecordChange]:
        names = self._stream.spec.key
        if not names:
            return
        keys, _ = self._stream.aside_writer.missing_keys((), None, SAMPLE)
        for key in keys:
            yield RecordChange("delete", {name: str(value) for name, value in zip(names, key, strict=True)}, {})


class KeylessReplaceInDryRun:
    """Without a key records can not be compared one by one: all that are there would go, all read ones come."""

    def __init__(self, stream: OpenStream, books: BatchBooks) -> None:
        self._stream = stream
        self._guards = GuardDesk(stream)
        self.batches = BatchWriter(stream, books)

    def begin(self, progress: Progress) -> Progress:
        return progress

    def end(self, progress: Progress) -> Progress:
        """Count the deletes; they have no key by which they could be kept as changes."""
        stream = self._stream
        if progress.is_replaced or progress.target_was_empty:
            return progress
        there = stream.target.count(stream.spec.target)
        self._guards.check_source(progress.counts.read, there)
        self._guards.check_deletes(max(0, there - progress.counts.read), there)
        counts = Counts(deleted=there)
        after = progress.after_batch(progress.position, counts, bytes_read=0, kept_changes=0, highest=progress.highest)
        filled = FilledBatch(counts, (), replace(after, is_replaced=True), _is_done)
        return self.batches.exactly_once(progress, lambda: filled)


def refuse_switches(stream: OpenStream) -> None:
    """Raise ConfigError where a switch of the job keeps a replacement from doing all that it does."""
    job = stream.sync_job.job
    switches = {"inserts": job.insert_enabled, "updates": job.update_enabled, "deletes": job.delete_enabled}
    off = [name for name, is_on in switches.items() if not is_on]
    if off:
        raise ConfigError(
            "replace_needs_all",
            f"{stream.spec.target}: mode replace writes everything anew, but {' and '.join(off)} are switched off",
            hint="Switch them on, or use mode mirror or upsert.",
        )


def _is_done() -> None:
    """The swap was made when the batch was filled, or there is nothing to write."""
