"""The quick way between two systems of one family: portions of the source are copied as they come (DESIGN §6, §7.7).

No record becomes a Python object: the source computes the mapping, the target stages, compares and writes whole
portions; into an empty target they are written at once. Batches, checkpoints and counts are as ever. It declines where
the mapping cannot be said in SQL or records give no order of their own. A portion that is refused, or that holds what
only Python can judge, is rolled back and done again record by record.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any, cast

from django.utils import timezone

from connectors.base import KeptChange
from connectors.cursors import greatest_value
from connectors.errors import DataError, SyncError, TransientError
from connectors.expressions import ColumnValue
from connectors.straight import Facts, Parcel, Portion, Selection, StraightReader, StraightSource, StraightWriter
from syncjobs.counts import Counts
from syncjobs.crash_points import crash_here
from syncjobs.mapping.in_sql import NotInSQL, SQLMapping, compile_in_sql
from syncjobs.statuses import Phase
from syncjobs.streams.batch_sizes import BatchSize, record_bytes
from syncjobs.streams.exactly_once import FilledBatch
from syncjobs.streams.incremental import tell_of_empty
from syncjobs.streams.opening import OpenStream, keeps_of
from syncjobs.streams.progress import Progress
from syncjobs.streams.records_in import nulled_text
from syncjobs.streams.refusals import reason_of
from syncjobs.streams.writing import BatchWriter

MOST_REFUSALS = 3  # portions in a row that had to be done again; then the rest goes record by record

RecordByRecord = Callable[[Progress, int | None], Progress]
"""Writes records after a progress the ordinary way: at least so many if there are, None = all."""


def straight_way(stream: OpenStream, batches: BatchWriter) -> StraightWay | None:
    """The quick way for this run; None where it is not to be had, of which the log tells."""
    source, writer = stream.source, stream.writer
    if not (isinstance(source, StraightSource) and isinstance(writer, StraightWriter)):
        return None
    spec = stream.spec
    has_limits = spec.max_rows is not None or spec.max_bytes is not None or spec.partition is not None
    if source.family != writer.family or batches.heals_rejects or has_limits:
        return None
    mapping = _mapping_in_sql(stream)
    if isinstance(mapping, NotInSQL):
        stream.sync_job.log("INFO", f"Records are mapped one by one: {mapping.field}: {mapping.reason}")
        return None
    counted = tuple(condition for _, condition in mapping.nulled)
    selection = Selection(mapping.columns, mapping.doubts, counted, spec.max_value_bytes)
    reader = source.straight_reader(stream.request, selection)
    if reader is None:
        return None
    stream.sync_job.log("INFO", "Records are copied as they come, and not looked at one by one")
    return StraightWay(stream, batches, reader, mapping)


def _mapping_in_sql(stream: OpenStream) -> SQLMapping | NotInSQL:
    spec, today = stream.spec, timezone.localdate(stream.sync_job.job.created_at)
    rules, keeps = spec.rules(stream.schema), keeps_of(stream.target, spec)
    return compile_in_sql(rules, stream.schema, spec.columns, today, spec.key, keeps)


class StraightWay:
    """Brings all portions to the target."""

    def __init__(self, stream: OpenStream, batches: BatchWriter, reader: StraightReader, mapping: SQLMapping) -> None:
        self._stream, self._batches, self._reader, self._mapping = stream, batches, reader, mapping
        self._is_distinct = _has_distinct_keys(stream, reader, mapping)

    def run(self, progress: Progress, record_by_record: RecordByRecord) -> Progress:
        """Write all that comes after `progress`."""
        sync_job = self._stream.sync_job
        most = self._stream.spec.batch_size
        size = BatchSize(self._record_bytes(progress), most)
        refusals, is_last = 0, False
        while not is_last:
            portion = self._reader.portion(progress.position, size.records, about=most is None)
            if not progress.batch_no:
                tell_of_empty(self._stream, portion.empty if portion else None)
            if portion is None:
                break
            before, started = progress, time.monotonic()
            try:
                progress = self._batches.patiently(before, partial(self._write, portion, before))
                refusals, is_last = 0, portion.is_last
            except SyncError as reason:
                if isinstance(reason, TransientError):
                    raise
                refusals += 1
                why = reason_of(self._stream, reason)
                sync_job.log("INFO", f"The next records are written one by one, not copied: {why}")
                self._batches.drop_open_batch()
                progress = record_by_record(before, size.records if refusals < MOST_REFUSALS else None)
            byte_count = progress.bytes_read - before.bytes_read
            size.learn(progress.counts.read - before.counts.read, time.monotonic() - started, byte_count)
            sync_job.raise_if_stopped()
            sync_job.set_phase(Phase.READING)
        return progress

    def _record_bytes(self, progress: Progress) -> float:
        mean = self._reader.record_bytes()
        request = replace(self._stream.request, position=progress.position)
        return record_bytes(self._stream.source, request) if mean is None else mean

    def _write(self, portion: Portion, before: Progress) -> Progress:
        return self._batches.exactly_once(before, partial(self._fill, portion, before))

    def _fill(self, portion: Portion, before: Progress) -> FilledBatch:
        writer = cast(StraightWriter, self._stream.writer)
        form = writer.form(self._stream.write_request.fields)
        if form is None:
            raise DataError("not_copied", f"{self._stream.spec.target}: its columns take other types")
        facts = self._reader.facts(portion, self._window_field)
        parcel = self._reader.parcel(portion, form)
        crash_here("after_read")
        counts, changes, write = self._to_target(writer, parcel, before)
        self._batches.desk.check_share(before.counts + counts)
        after = before.after_batch(
            portion.upto,
            counts,
            bytes_read=parcel.byte_count,
            kept_changes=0,
            highest=self._highest(portion, facts, before.highest),
            nulled=self._nulled(facts),
        )
        return FilledBatch(counts, () if self._batches.keeps_none(before) else changes, after, write)

    def _to_target(
        self, writer: StraightWriter, parcel: Parcel, before: Progress
    ) -> tuple[Counts, Iterable[KeptChange], Callable[[], object]]:
        if self._batches.may_load(before):
            writer.load_parcel(parcel)
            return Counts(read=parcel.records, inserted=parcel.records), (), _is_written
        writer.stage_parcel(parcel, is_distinct=self._is_distinct)
        self._stream.sync_job.set_phase(Phase.COMPARING)
        counts, changes = self._batches.compared(parcel.records)
        if counts.duplicates:
            raise DataError("not_copied", "several records have the same key, of which the last one counts")
        return counts, changes, self._stream.writer.write

    @property
    def _window_field(self) -> str | None:
        spec = self._stream.spec
        if spec.window is None or self._stream.request.cursor is not None:
            return None
        return spec.window.field if spec.window.field in self._stream.mapper.source_columns else None

    def _highest(self, portion: Portion, facts: Facts, so_far: Any) -> Any:
        if self._stream.request.cursor is not None:
            if portion.highest is None:
                raise DataError("not_copied", "the cursor's last value is none of its type")
            return portion.highest
        field = self._stream.schema.get(self._window_field) if self._window_field else None
        if field is None or facts.highest is None:
            return so_far
        if greatest_value(field.type, [facts.highest]) is None:
            raise DataError("not_copied", f"the highest {field.name} is none of its type")
        return greatest_value(field.type, [so_far, facts.highest])

    def _nulled(self, facts: Facts) -> Counter[str]:
        nulled: Counter[str] = Counter()
        for (name, _), number in zip(self._mapping.nulled, facts.counted, strict=True):
            nulled[name] += number
        for name, number in (+nulled).items():
            self._stream.sync_job.log("INFO", nulled_text(name, number), field=name)
        return nulled


def _has_distinct_keys(stream: OpenStream, reader: StraightReader, mapping: SQLMapping) -> bool:
    """Whether the target's key is made of columns that the source keeps unique."""
    made_of = [expression for field, expression in mapping.columns if field.name in stream.spec.key]
    names = {one.name for one in made_of if isinstance(one, ColumnValue)}
    return len(names) == len(made_of) and any(unique <= names for unique in reader.unique_keys)


def _is_written() -> None:
    """The records were written when they came."""
