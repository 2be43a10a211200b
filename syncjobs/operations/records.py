"""One record through all jobs: what changed it, rejected it, left it alone, or was asked to look at it. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Literal

from django.db.models import Q

from syncjobs.fingerprints import key_hash
from syncjobs.models import Conflict, JobBatch, SyncJob, SyncJobType
from syncjobs.operations.visible import (
    hidden_connectors,
    newest_job_id,
    visible_changes,
    visible_conflicts,
    visible_job_types,
    visible_jobs,
    visible_rejects,
)
from syncjobs.record_keys import KeyNames, readings_of

Kind = Literal["changed", "rejected", "conflict", "looked at"]
SEARCHED_WITHOUT_INDEX = 100_000
"""Of conflicts and of jobs by their document's name the newest so many are looked through."""
JOBS_LEARNT_FROM, CHANGES_LEARNT_FROM = 20, 50
LAZY = tuple(f"job__{name}" for name in ("config_snapshot", "checkpoint", "error_message", "context", "failure"))
LAZY += ("job__current_data", "job__updated_data")


@dataclass(frozen=True, slots=True)
class RecordSearch:
    """Which record: a type (None = any), a stream of it ("" = any), and the key as it was typed."""

    job_type: SyncJobType | None
    stream: str
    text: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one job had to do with the record. `fields` is {name: [old, new]}, of a conflict [expected, found]."""

    kind: Kind
    job: SyncJob
    at: datetime
    stream: str
    key: dict[str, Any]
    row_id: int
    operation: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class RecordHistory:
    """Newest job first; `before` is the job's number to go on from, None where that is all."""

    sightings: list[Sighting]
    before: int | None


def read_history(search: RecordSearch, *, limit: int = 100, before: int | None = None) -> RecordHistory:
    """What jobs had to do with the record. Raises UnreadableKey for a text that can be no key.

    Changes and rejects are found by the hash of the key, however many there are.
    """
    keys = readings_of(search.text, known_names(search.job_type))
    found: list[Sighting] = []
    earlier = Q() if before is None else Q(job_id__lt=before)
    for sightings in (_changes, _rejects, _conflicts):
        found += sightings(keys, _of(search) & earlier, limit + 1)
    found += _documents(search, before, limit + 1)
    seen: set[int] = {one.job.pk for one in found if one.kind != "looked at"}
    found = [one for one in found if one.kind != "looked at" or one.job.pk not in seen]
    found.sort(key=lambda one: (-one.job.pk, -one.row_id))
    if len(found) <= limit:
        return RecordHistory(found, None)
    last = found[limit].job.pk  # its job comes whole on the next page
    shown = [one for one in found[:limit] if one.job.pk > last] or found[:limit]
    return RecordHistory(shown, shown[-1].job.pk)


def known_names(job_type: SyncJobType | None) -> set[KeyNames]:
    """The names of keys as the configuration has them, and as the newest changes had them."""
    types = visible_job_types() if job_type is None else [job_type]
    streams = [stream for one in types for stream in one.config.get("streams") or []]
    names = {tuple(stream["key"]) for stream in streams if stream.get("key")}
    changes = visible_changes().order_by("-id")
    if job_type is not None or hidden_connectors():
        of_type = {} if job_type is None else {"job_type": job_type}
        newest = visible_jobs().filter(**of_type).order_by("-id").values_list("pk", flat=True)
        changes = visible_changes().order_by().filter(job_id__in=list(newest[:JOBS_LEARNT_FROM]))
    keys = changes.values_list("key", flat=True)[:CHANGES_LEARNT_FROM]
    return names | {tuple(key) for key in keys if isinstance(key, dict) and key}


def _of(search: RecordSearch) -> Q:
    wanted = Q(stream=search.stream) if search.stream else Q()
    return wanted & Q(job__job_type=search.job_type) if search.job_type else wanted


def _hashes(keys: list[dict[str, Any]]) -> list[int]:
    return [key_hash(key) for key in keys]


def _changes(keys: list[dict[str, Any]], wanted: Q, limit: int) -> Iterator[Sighting]:
    settled = Q(batch=None) | Q(batch__state=JobBatch.State.COMMITTED.value)
    found = visible_changes().filter(wanted & settled, key_hash__in=_hashes(keys)).order_by("-job_id", "-id")
    for row in found.select_related("job__job_type", "batch").defer(*LAZY, "batch__checkpoint")[:limit]:
        at = row.batch.created_at if row.batch else row.job.started_at or row.job.created_at
        yield Sighting("changed", row.job, at, row.stream, row.key, row.pk, row.operation, row.fields)


def _rejects(keys: list[dict[str, Any]], wanted: Q, limit: int) -> Iterator[Sighting]:
    found = visible_rejects().settled().filter(wanted, key_hash__in=_hashes(keys)).order_by("-job_id", "-id")
    for row in found.select_related("job__job_type").defer(*LAZY, "record")[:limit]:
        yield Sighting(
            "rejected", row.job, row.created_at, row.stream, row.key, row.pk, message=row.message, state=row.state
        )


def _conflicts(keys: list[dict[str, Any]], wanted: Q, limit: int) -> Iterator[Sighting]:
    newest = Conflict.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    is_it = reduce(or_, (Q(key=key) for key in keys), Q(pk=None))
    found = visible_conflicts().filter(wanted & is_it, pk__gt=newest - SEARCHED_WITHOUT_INDEX)
    for row in found.order_by("-job_id", "-id").select_related("job__job_type", "batch").defer(*LAZY)[:limit]:
        reason = Conflict.Reason(row.reason).label
        yield Sighting(
            "conflict", row.job, row.batch.created_at, row.stream, row.key, row.pk, row.operation, row.fields, reason
        )


def _documents(search: RecordSearch, before: int | None, limit: int) -> Iterator[Sighting]:
    """Jobs about a document of this name, also those that found nothing to change."""
    if search.stream:
        return
    newest = newest_job_id()
    text = search.text.strip()
    jobs = visible_jobs().for_lists().filter(Q(source_document_name=text) | Q(target_document_name=text))
    jobs = jobs.filter(pk__gt=newest - SEARCHED_WITHOUT_INDEX)
    if search.job_type is not None:
        jobs = jobs.filter(job_type=search.job_type)
    if before is not None:
        jobs = jobs.filter(pk__lt=before)
    for job in jobs.order_by("-pk")[:limit]:
        at = job.started_at or job.created_at
        document_type = job.target_document_type or job.source_document_type
        yield Sighting("looked at", job, at, document_type, {}, 0, job.operation, message=_outcome(job))


def _outcome(job: SyncJob) -> str:
    failure = job.failure or {}
    return str(failure.get("message", "")) or job.cancel_reason or job.wait_reason
