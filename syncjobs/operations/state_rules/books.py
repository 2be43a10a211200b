"""Rules about numbers: counts balance, and batches and kept changes add up to what the job says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime
from functools import reduce
from operator import add, or_
from typing import Any

from django.db.models import BigIntegerField, Count, F, OuterRef, Q, Subquery, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce

from syncjobs.controllers.code import CodeController
from syncjobs.controllers.registry import controllers
from syncjobs.counts import Counts
from syncjobs.models import Change, JobBatch, Reject, SyncJob
from syncjobs.operations.state_rules.breaches import CHUNK, Breach, breach
from syncjobs.statuses import Status

NAMES = tuple(item.name for item in fields(Counts))
OUTCOMES = ("inserted", "updated", "unchanged", "skipped", "rejected", "duplicates")
CHANGES = ("inserted", "updated", "deleted")


def _number(name: str, column: str = "counts") -> Combinable:
    """A number inside a JSON column."""
    return _or_zero(Cast(KeyTextTransform(name, column), BigIntegerField()))


def _or_zero(number: Combinable) -> Combinable:
    return Coalesce(number, Value(0), output_field=BigIntegerField())


def _total(names: tuple[str, ...]) -> Combinable:
    return reduce(add, (_number(name) for name in names))


def unbalanced_counts(_now: datetime) -> Iterator[Breach]:
    """Jobs that read more or fewer records than they account for."""
    jobs = SyncJob.objects.annotate(read=_number("read"), outcomes=_total(OUTCOMES)).order_by("id")
    for job_id, counts in jobs.exclude(read=F("outcomes")).values_list("pk", "counts").iterator(CHUNK):
        sentence = "every record read is inserted, updated, unchanged, skipped, rejected or a duplicate"
        yield breach(job_id, "balanced_counts", sentence, counts=counts)


def broken_batches(_now: datetime) -> Iterator[Breach]:
    """Jobs that count otherwise than their committed batches, or finished with a batch still open."""
    is_committed = Q(state=JobBatch.State.COMMITTED.value)
    told: dict[str, Any] = {f"told_{name}": _number(name, "job__counts") for name in NAMES}
    summed: dict[str, Any] = {f"sum_{name}": _or_zero(Sum(_number(name), filter=is_committed)) for name in NAMES}
    jobs = JobBatch.objects.order_by().annotate(**told).values("job_id", "job__status", *told)
    jobs = jobs.annotate(**summed, open_ones=Count("pk", filter=~is_committed))
    differ = reduce(or_, (~Q(**{f"told_{name}": F(f"sum_{name}")}) for name in NAMES))
    is_unfinished = Q(job__status=Status.FINISHED.value, open_ones__gt=0)
    for row in jobs.filter(differ | is_unfinished).order_by("job_id").iterator(CHUNK):
        yield from _judge_batches(row)


def _judge_batches(row: dict[str, Any]) -> Iterator[Breach]:
    told, summed = ({name: row[f"{kind}_{name}"] for name in NAMES} for kind in ("told", "sum"))
    if told != summed:
        sentence = "its committed batches add up to its counts"
        yield breach(row["job_id"], "batch_counts", sentence, counts=told, sum=summed)
    if row["job__status"] == Status.FINISHED and row["open_ones"]:
        sentence = "a finished job has no open batch"
        yield breach(row["job_id"], "open_batch", sentence, open_batches=row["open_ones"])


def wrong_changes(_now: datetime) -> Iterator[Breach]:
    """Jobs that keep more changes than they count, and document jobs that finished with fewer.

    Changes of a batch still open do not count yet.
    """
    is_settled = Q(batch__isnull=True) | Q(batch__state=JobBatch.State.COMMITTED.value)
    mine = Change.objects.order_by().filter(is_settled, job_id=OuterRef("pk")).values("job_id")
    kept = _or_zero(Subquery(mine.annotate(number=Count("pk")).values("number")))
    jobs = SyncJob.objects.annotate(kept=kept, changed=_total(CHANGES)).order_by("id")
    jobs = jobs.filter(Q(kept__gt=F("changed")) | Q(kept__lt=F("changed")) & _is_finished_document_job())
    for job_id, number, changed in jobs.values_list("pk", "kept", "changed").iterator(CHUNK):
        sentence = "it keeps no more changes than it counts, and as a document job no fewer"
        yield breach(job_id, "kept_changes", sentence, kept=number, counted=changed)


def wrong_rejects(_now: datetime) -> Iterator[Breach]:
    """Stream jobs that keep more or fewer rejects than they count; a replay keeps those of the jobs before it."""
    mine = Reject.objects.settled().order_by().filter(job_id=OuterRef("pk")).values("job_id")
    kept = _or_zero(Subquery(mine.annotate(number=Count("pk")).values("number")))
    jobs = SyncJob.objects.annotate(kept=kept, rejected=_number("rejected")).order_by("id")
    streams = Q(config_snapshot__controller="stream_sync") & ~Q(config_snapshot__has_key="replay")
    differing = jobs.filter(streams | Q(kept__gt=0)).exclude(kept=F("rejected"))
    for job_id, number, counted in differing.values_list("pk", "kept", "rejected").iterator(CHUNK):
        yield breach(job_id, "kept_rejects", "it keeps each record that it rejected", kept=number, counted=counted)


def _is_finished_document_job() -> Q:
    """Of a controller in standard mode, whose every change the framework keeps."""
    known = (item for item in controllers() if isinstance(item, CodeController))
    standard = [item.name for item in known if not item.is_bypass and not item.problems]
    return Q(status=Status.FINISHED.value, config_snapshot__controller__in=standard)
