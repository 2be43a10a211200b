"""Mode mirror: upsert, then delete or mark what the source no longer has; after a complete read, inside the filters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from connectors.asides import ASIDE_PREFIXES, AsideWriter
from connectors.base import KeptChange, RecordChange, WriteRequest
from connectors.errors import ConfigError, TransientError
from connectors.records import Filter
from syncjobs.clock import db_now
from syncjobs.counts import Counts
from syncjobs.statuses import Phase
from syncjobs.streams.asking import Key, SourceAsker
from syncjobs.streams.books import BatchBooks
from syncjobs.streams.comparing import count_changes
from syncjobs.streams.exactly_once import FilledBatch
from syncjobs.streams.guards import SAMPLE, GuardDesk
from syncjobs.streams.leftovers import drop_leftovers
from syncjobs.streams.opening import OpenStream
from syncjobs.streams.progress import Progress
from syncjobs.streams.writing import BatchWriter

CHUNK = 5_000  # keys looked for, or (unless batch_size is smaller) records deleted, at a time


class MirrorBatches(BatchWriter):
    """Batches that remember their keys in the target, in their own transaction."""

    needs_stage = True

    def compared(self, read: int, rejected: int = 0) -> tuple[Counts, Iterable[KeptChange]]:
        found = super().compared(read, rejected)
        self._stream.aside_writer.remember_keys()
        return found


class Mirror:
    """What a mirror does before and after its records are read. `filters` are the run's own, as the target has them."""

    def __init__(self, stream: OpenStream, books: BatchBooks, filters: tuple[Filter, ...]) -> None:
        self._stream = stream
        self._books = books
        self._filters = filters
        self._guards = GuardDesk(stream)
        self.batches: BatchWriter = MirrorBatches(stream, books)

    @property
    def _writer(self) -> AsideWriter:
        return self._stream.aside_writer

    def begin(self, progress: Progress) -> Progress:
        """Raises JobHeld where a guard on changes speaks against the whole run."""
        stream, sync_job = self._stream, self._stream.sync_job
        if sync_job.dry_run:
            if progress.batch_no:
                sync_job.log("INFO", "A dry run keeps nothing at the target by which it could go on: it begins anew")
            progress = replace(self._books.start_over(), target_was_empty=progress.target_was_empty)
        drop_leftovers(stream)
        if progress.is_mirrored:
            return progress
        stream.open_aside("seen", anew=not progress.batch_no)
        if self._guards.look_at_changes and not (progress.batch_no or sync_job.dry_run or sync_job.is_approved):
            self._look_first()
        return progress

    def _look_first(self) -> None:
        sync_job = self._stream.sync_job
        sync_job.log("INFO", "A guard limits changes: everything is read and compared once before anything is written")
        found = count_changes(self._stream, self._filters)
        deletes = found.missing * sync_job.job.delete_enabled
        self._guards.check_source(found.read, deletes, found.sample)
        self._guards.check_changes(found.written + deletes, found.records, found.sample)

    def end(self, progress: Progress) -> Progress:
        """Delete what was not seen and is not at the source. Raises JobHeld where a guard speaks against it."""
        sync_job = self._stream.sync_job
        if progress.is_mirrored:
            self._writer.drop_aside(ASIDE_PREFIXES["seen"] + sync_job.job.token.hex)
            return progress
        sync_job.set_phase(Phase.COMPARING)
        missing = self._writer.scope(self._filters).missing
        self._guards.check_source(progress.counts.read, missing * sync_job.job.delete_enabled, self._sample())
        if missing and not sync_job.job.delete_enabled:
            sync_job.log("INFO", f"{missing:,} records of the target were not read; deleting them is switched off")
        elif missing:
            self._ask_again(missing, progress.counts.read)
            self._check_deletes(progress)
            progress = self._delete(progress)
        return progress if sync_job.dry_run else self._finish(progress)

    def _finish(self, progress: Progress) -> Progress:
        """Note that all is done before the table of the keys goes: without it nothing can be compared again."""
        self._stream.writer.finish()
        progress = replace(progress, is_mirrored=True)
        self._stream.sync_job.save_progress(checkpoint=progress.as_checkpoint())
        try:
            self._stream.drop_aside()
        except TransientError as error:
            self._stream.sync_job.log("INFO", f"{error.message}; the next run drops the table of the keys seen")
        return progress

    # 1. Before the first delete.

    def _ask_again(self, missing: int, read: int) -> None:
        asker = SourceAsker(self._stream)
        if not asker.asks_by_key(missing, read):
            self._stream.sync_job.log("INFO", f"{missing:,} records were not read: the source's keys are read again")
            for keys in asker.read_all():
                self._remember(keys)
            return
        for keys in self._missing_keys():
            for found in asker.find(keys):
                self._remember(found)

    def _missing_keys(self, size: int = CHUNK) -> Iterator[list[Key]]:
        keys, position = self._writer.missing_keys(self._filters, None, size)
        while keys:
            self._stream.sync_job.raise_if_stopped()
            yield keys
            keys, position = self._writer.missing_keys(self._filters, position, size)

    def _remember(self, keys: Sequence[Key]) -> None:
        """These are at the source; what there is to update of them is found by the next run."""
        if not keys:
            return
        rows = _rows_of_keys(self._stream.write_request, keys)

        def remember() -> None:
            self._writer.stage(rows)
            self._writer.remember_keys()

        self.batches.beside(remember)
        self._stream.sync_job.log("INFO", f"{len(keys):,} records were found by asking again, and are kept")

    def _check_deletes(self, progress: Progress) -> None:
        """Reckons with what an earlier attempt of the job has deleted and inserted."""
        scope, counts = self._writer.scope(self._filters), progress.counts
        if self._stream.sync_job.dry_run:
            self._guards.check_deletes(scope.missing, scope.records)
            return
        deletes, records = scope.missing + counts.deleted, scope.records + counts.deleted - counts.inserted
        self._guards.check_deletes(deletes, records, self._sample())

    def _sample(self) -> Iterator[RecordChange]:
        names = self._stream.spec.key
        keys, _ = self._writer.missing_keys(self._filters, None, SAMPLE)
        for key in keys:
            yield RecordChange("delete", {name: str(value) for name, value in zip(names, key, strict=True)}, {})

    # 2. Deleting.

    def _delete(self, progress: Progress) -> Progress:
        """In batches like any other, so that each counts once and keeps the old values."""
        stream = self._stream
        request = _deleting(stream)
        self._writer.switch(request)
        for keys in self._missing_keys(min(CHUNK, stream.spec.batch_size or CHUNK)):
            fill = partial(self._fill, _rows_of_keys(request, keys, _mark_of(stream)), progress)
            progress = self.batches.exactly_once(progress, fill)
            stream.sync_job.raise_if_stopped()
        return progress

    def _fill(self, rows: list[tuple[Any, ...]], before: Progress) -> FilledBatch:
        self._writer.stage(rows)
        found = self._writer.compare()
        counts = Counts(deleted=found.deleted + found.updated)
        after = before.after_batch(before.position, counts, bytes_read=0, kept_changes=0, highest=before.highest)
        return FilledBatch(counts, self._writer.changes(), after, self._writer.write)


def mirrored_filters(stream: OpenStream) -> tuple[Filter, ...]:
    """The run's filters on the target's fields. Raises ConfigError where the target does not show them as they are."""
    return tuple(replace(item, field=_mirrored(stream, item.field)) for item in stream.request.filters)


def _mirrored(stream: OpenStream, name: str) -> str:
    target = stream.spec.target_field(name)
    if target is None or not stream.mapper.keeps_values(target):
        raise ConfigError(
            "filter_not_mirrored",
            f"{stream.spec.target}: mode mirror needs {name} in the target as it is in the source, since it is filtered"
            " by it",
            hint="Map it without transforms and without another type, or use mode upsert.",
        )
    return target


def _deleting(stream: OpenStream) -> WriteRequest:
    """How batches of deletes are written: a soft delete updates the mark and nothing else."""
    request, mark = stream.write_request, stream.spec.deletion_mark
    if mark is None:
        fields = stream.target.schema(stream.spec.target).fields
        return replace(request, fields=fields, mode="delete", create=False)
    fields = tuple(field for field in request.fields if field.name in (*request.key, mark.name))
    return replace(request, fields=fields, create=False, insert_enabled=False, update_enabled=True)


def _mark_of(stream: OpenStream) -> Any:
    """What the mark of a record is set to that is deleted now."""
    mark = stream.spec.deletion_mark
    if mark is None:
        return None
    return True if mark.type == "boolean" else db_now()


def _rows_of_keys(request: WriteRequest, keys: Sequence[Key], mark: Any = None) -> list[tuple[Any, ...]]:
    """Rows to stage that hold nothing but their key, and the mark in what else there is."""
    places = [request.key.index(field.name) if field.name in request.key else None for field in request.fields]
    return [tuple(mark if place is None else key[place] for place in places) for key in keys]
