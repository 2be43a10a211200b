"""Makes the changes of a plan, or the inverse of a job's, each only where the target's record is still as expected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial

from connectors import base
from connectors.applying import ChangeApplier, RecordConflict, open_applier
from connectors.errors import ConfigError, InternalError
from connectors.records import Field
from syncjobs.controllers.base import JobHandle, Outcome
from syncjobs.counts import Counts
from syncjobs.models import Change, Conflict, JobBatch
from syncjobs.statuses import Phase, Status
from syncjobs.stream_parsing import parse_streams
from syncjobs.stream_specs import StreamSpec
from syncjobs.streams.books import BatchBooks
from syncjobs.streams.change_orders import ChangeOrder, find_order
from syncjobs.streams.exactly_once import ExactlyOnce, FilledBatch
from syncjobs.streams.guards import SAMPLE, GuardDesk
from syncjobs.streams.opening import connector_of
from syncjobs.streams.patience import Patience, outlive_faults
from syncjobs.streams.progress import Progress
from syncjobs.streams.same_target import refuse_other_target

CHUNK = 5_000  # changes of a batch, unless batch_size is smaller
ROWS = 500  # conflicts that are stored at a time


def apply_changes(sync_job: JobHandle) -> Outcome:
    """Do what the job was made for. Raises ConfigError before anything is written where it must not be done."""
    return outlive_faults(sync_job, _apply_changes)


def _apply_changes(sync_job: JobHandle, patience: Patience) -> Outcome:
    order = find_order(sync_job.job)
    with open_target(sync_job, patience, order) as stream:
        refuse_other_target(sync_job, stream.write_request)
        stream.writer.prepare()
        batches = ChangeBatches(stream, order)
        progress = batches.settle()
        order = batches.order = _with_open_batch(stream, order)
        sync_job.set_estimate(order.counts.changed)
        if not progress.batch_no:
            _check_guards(stream, order)
        for page in order.pages(progress.position, min(CHUNK, stream.spec.batch_size or CHUNK)):
            sync_job.raise_if_stopped()
            progress = batches.patiently(progress, partial(batches.write_page, page, progress))
        _refuse_incomplete(order, progress)
        stream.writer.finish()
        return Outcome(Status.FINISHED, _summary(progress.counts))


@dataclass
class ChangedStream:
    """A stream whose target is open for changes, for this attempt."""

    sync_job: JobHandle
    patience: Patience
    spec: StreamSpec
    target: base.Connector
    write_request: base.WriteRequest
    writer: ChangeApplier
    can_reopen_target: bool = True

    def reopen_target(self) -> None:
        """A new connection and writer, after one was lost."""
        self.target.close()
        self.target = connector_of(self.sync_job, "target_connector").open(self.sync_job.surroundings)
        self.writer = open_applier(self.target, self.write_request)

    @cached_property
    def whole_record(self) -> tuple[str, ...]:
        """The names of all fields that the target has."""
        return self.target.schema(self.spec.target).names


@contextmanager
def open_target(sync_job: JobHandle, patience: Patience, order: ChangeOrder) -> Iterator[ChangedStream]:
    """Open the target of the job's only stream; it is closed afterwards, whatever happens."""
    (spec,) = parse_streams(sync_job.config)
    target = connector_of(sync_job, "target_connector").open(sync_job.surroundings)
    stream: ChangedStream | None = None
    try:
        sync_job.log("INFO", f"Connecting to {target.slug} at {target.address()}")
        request = _write_request(spec, target, order)
        stream = ChangedStream(sync_job, patience, spec, target, request, open_applier(target, request))
        yield stream
    finally:
        (target if stream is None else stream.target).close()


def _write_request(spec: StreamSpec, target: base.Connector, order: ChangeOrder) -> base.WriteRequest:
    """What new records are given: as in the plan; those that a reversal brings back are whole."""
    if order.is_reversal and order.counts.inserted:
        fields = target.schema(spec.target).fields
    else:
        fields = tuple(Field(*field) for field in order.job.checkpoint["fields"])
    adds = not order.is_reversal
    return base.WriteRequest(
        stream=spec.target,
        fields=fields,
        key=spec.key,
        mode="upsert",
        create=adds and spec.target_schema == "create",
        add_columns=adds and spec.schema_policy.added == "evolve",
    )


class ChangeBatches(ExactlyOnce):
    """Batches of changes; what is not as expected is kept as conflicts."""

    def __init__(self, stream: ChangedStream, order: ChangeOrder) -> None:
        super().__init__(stream, BatchBooks(stream.sync_job, stream.spec.source))
        self._stream = stream
        self.order = order

    def write_page(self, page: Sequence[Change], before: Progress) -> Progress:
        """One batch, exactly once; returns the progress after it."""
        return self.exactly_once(before, partial(self._fill, page, before))

    def _fill(self, page: Sequence[Change], before: Progress) -> FilledBatch:
        stream, writer = self._stream, self._stream.writer
        whole = stream.whole_record if any(change.operation == "delete" for change in page) else ()
        writer.stage_changes([self.order.wanted(change, whole) for change in page])
        stream.sync_job.set_phase(Phase.COMPARING)
        found = writer.compare()
        marked = _count_marked(writer.changes(), stream.spec)
        counts = Counts(
            read=len(page) - found.deleted - marked,
            inserted=found.inserted,
            updated=found.updated - marked,
            deleted=found.deleted + marked,
            unchanged=found.unchanged,
            skipped=found.skipped,
        )
        conflicts = list(writer.conflicts())
        after = before.after_batch(page[-1].pk, counts, bytes_read=0, kept_changes=0, highest=None)
        return FilledBatch(counts, writer.changes(), after, writer.write, book=partial(_save_conflicts, conflicts))


def _count_marked(changes: Iterable[base.RecordChange], spec: StreamSpec) -> int:
    """How many of the changes are soft deletes."""
    mark = spec.deletion_mark
    if mark is None:
        return 0
    marks = (change.fields[mark.name][1] for change in changes if change.fields.keys() == {mark.name})
    return sum(value not in (None, False) for value in marks)


def _save_conflicts(conflicts: Sequence[RecordConflict], batch: JobBatch) -> None:
    rows = (
        Conflict(
            job_id=batch.job_id,
            batch=batch,
            stream=batch.stream,
            key=conflict.change.key,
            operation=conflict.change.operation,
            reason=conflict.reason,
            fields=conflict.fields,
        )
        for conflict in conflicts
    )
    Conflict.objects.bulk_create(rows, batch_size=ROWS)


def _with_open_batch(stream: ChangedStream, order: ChangeOrder) -> ChangeOrder:
    """The order with the batch that the reverted job left open, if the target says that it has it.

    Its row at the target gets a higher fence, so that a worker of that job, if one still lives, writes no more.
    """
    if not order.is_reversal or order.job.status == Status.FINISHED:
        return order
    writer = stream.writer
    try:
        found = writer.begin(str(order.job.token), order.job.fence + 1)
        writer.commit(found or base.TargetCheckpoint(0, None, Counts().as_dict()))
    except BaseException:
        writer.rollback()
        raise
    left_open = JobBatch.objects.filter(job=order.job, state=JobBatch.State.OPEN).first()
    if left_open is None or not left_open.checkpoint or found is None or found.batch_no < left_open.batch_no:
        return order
    if left_open.checkpoint["kept_changes"] < order.job.tally.changed + Counts.from_dict(left_open.counts).changed:
        raise ConfigError("changes_refused", f"job #{order.job.pk} did not keep all changes of its last batch")
    return replace(order, open_batch=left_open)


def _check_guards(stream: ChangedStream, order: ChangeOrder) -> None:
    """Raises JobHeld where the type's guards speak against so much at once."""
    guards, wanted = GuardDesk(stream), order.counts
    try:
        records = stream.target.count(stream.spec.target)
    except ConfigError:  # the table is not there yet
        records = 0
    guards.check_deletes(wanted.deleted, records, _sample(order))
    guards.check_changes(wanted.changed, records, _sample(order))


def _sample(order: ChangeOrder) -> Iterator[base.RecordChange]:
    for change in next(order.pages(None, SAMPLE), []):
        yield order.wanted(change, ())


def _refuse_incomplete(order: ChangeOrder, progress: Progress) -> None:
    done = progress.counts.read + progress.counts.deleted
    if done != order.counts.changed:
        raise InternalError(
            "changes_missing",
            f"#{order.job.pk} had {order.counts.changed:,} changes, but {done:,} were found",
            hint="Somebody deleted rows of Syncdeck's own tables; what was written is counted and can be reverted.",
        )


def _summary(counts: Counts) -> str:
    parts = [f"{name} {number:,}" for name, number in counts.diff_summary().items()]
    parts += [f"already so {counts.unchanged:,}"] if counts.unchanged else []
    conflicts = f"; {counts.skipped:,} conflicts were left alone" if counts.skipped else ""
    return (", ".join(parts) or "nothing was written") + conflicts
