"""Whose turn it is: admits queued jobs under the limits of queue, connector and target; tells the others why not."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from syncjobs.lifecycle.moves import move_job
from syncjobs.models import SyncJob, WorkerSeen
from syncjobs.models.job_types import Overlap
from syncjobs.statuses import Status

ADMISSION_LOCK = 7_262_335  # any constant; pg_advisory_xact_lock wants a number
SILENT_AFTER = timedelta(seconds=45)  # a worker reports every 10 s
LOOK_AT = 500


@dataclass(frozen=True, slots=True)
class Admitted:
    """A job whose wake-up may be sent."""

    job_id: int
    dispatch_id: uuid.UUID
    queue: str


@dataclass(slots=True)
class Occupancy:
    """What is taken at the moment: slots by queue and connector, and who holds which concurrency key."""

    queues: Counter[str] = field(default_factory=Counter)
    connectors: Counter[int] = field(default_factory=Counter)
    keys: dict[str, int] = field(default_factory=dict)

    def take(self, job: SyncJob) -> None:
        self.queues[job.queue] += 1
        self.connectors.update(_connector_ids(job))
        self.hold_key(job)

    def hold_key(self, job: SyncJob) -> None:
        if job.concurrency_key:
            self.keys.setdefault(job.concurrency_key, job.pk)


def admit_jobs(now: datetime, *, sends_ahead: bool = True) -> list[Admitted]:
    """Admit whoever's turn it is, in one short transaction; the rest get their `wait_reason`.

    `sends_ahead` lets as many jobs again as there are slots wait in the broker, so that no worker idles between two.
    """
    with _admission_lock():
        occupancy = _occupancy()
        slots = _slots_by_queue(now)
        limit = {queue: number * (2 if sends_ahead else 1) for queue, number in slots.items()}
        places: Counter[str] = Counter()
        admitted = []
        for job in _waiting(now):
            reason = _key_reason(job, occupancy, now)
            if reason is None:
                continue
            places[job.queue] += 1
            reason = reason or _queue_reason(job, occupancy, limit, slots, places) or _connector_reason(job, occupancy)
            if reason:
                _note_wait(job, reason)
            else:
                admitted.append(_admit(job, occupancy))
    return admitted


def admit_job(job_id: int, now: datetime) -> Admitted | str:
    """Admit one job that is to be run right here, whatever its queue; else the reason why it must wait."""
    with _admission_lock():
        job = SyncJob.objects.select_related(*WITH_CONNECTORS).get(pk=job_id)
        if job.status != Status.QUEUED or job.dispatch_id:
            return "it is no longer waiting"
        occupancy = _occupancy()
        reason = _key_reason(job, occupancy, now)
        if reason is None:
            return "it was skipped"
        if reason := reason or _connector_reason(job, occupancy):
            _note_wait(job, reason)
            return reason
        admitted = _admit(job, occupancy)
        SyncJob.objects.filter(pk=job_id).update(sent_at=now)
    return admitted


WITH_CONNECTORS = ("job_type__source_connector", "job_type__target_connector")


@contextmanager
def _admission_lock() -> Iterator[None]:
    with transaction.atomic():  # on SQLite every transaction is IMMEDIATE, which is the lock
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADMISSION_LOCK])
        yield


def _waiting(now: datetime) -> list[SyncJob]:
    turn = SyncJob.objects.filter(status=Status.QUEUED.value, dispatch_id__isnull=True)
    turn = turn.filter(Q(available_at__isnull=True) | Q(available_at__lte=now))
    return list(turn.select_related(*WITH_CONNECTORS).order_by("-priority", "id")[:LOOK_AT])


def _occupancy() -> Occupancy:
    occupancy = Occupancy()
    at_work = Q(status=Status.STARTED.value) | Q(status=Status.QUEUED.value, dispatch_id__isnull=False)
    resting = Q(status__in=(Status.PAUSED.value, Status.HELD.value)) | Q(retry_after__isnull=False)
    for job in SyncJob.objects.filter(at_work).select_related("job_type").order_by("id"):
        occupancy.take(job)
    for job in SyncJob.objects.filter(resting).exclude(concurrency_key="").order_by("id"):
        occupancy.hold_key(job)
    return occupancy


def _slots_by_queue(now: datetime) -> Counter[str]:
    slots: Counter[str] = Counter()
    for worker in WorkerSeen.objects.filter(last_seen_at__gte=now - SILENT_AFTER):
        for queue in worker.queues:
            slots[queue] += worker.slots
    return slots


def _key_reason(job: SyncJob, occupancy: Occupancy, now: datetime) -> str | None:
    """Why the target or the type is not free; "" if it is; None if the job was skipped for it."""
    if job.job_type.paused_at:
        return f"the type {job.job_type.name} is paused"
    holder = occupancy.keys.get(job.concurrency_key) if job.concurrency_key else None
    if holder is None:
        return ""
    if job.job_type.overlap == Overlap.SKIP and job.attempt == 0 and not job.config_snapshot.get("force"):
        reason = f"job #{holder} is still active, and the type skips runs that overlap"
        move_job(job.pk, Status.SKIPPED, reason=reason, actor="dispatcher", now=now)
        return None
    return f"waits for job #{holder}, which has the same target"


def _queue_reason(
    job: SyncJob, occupancy: Occupancy, limit: dict[str, int], slots: Counter[str], places: Counter[str]
) -> str:
    if not slots[job.queue]:
        return f"no worker listens on queue '{job.queue}'"
    if occupancy.queues[job.queue] >= limit[job.queue]:
        return f"place {places[job.queue]} in queue '{job.queue}', whose {slots[job.queue]} slots are busy"
    return ""


def _connector_reason(job: SyncJob, occupancy: Occupancy) -> str:
    for connector in (job.job_type.source_connector, job.job_type.target_connector):
        if connector is None or connector.max_concurrency is None:
            continue
        if occupancy.connectors[connector.pk] >= connector.max_concurrency:
            return f"waits for a slot at connector {connector.slug} (at most {connector.max_concurrency} at once)"
    return ""


def _connector_ids(job: SyncJob) -> set[int]:
    return {pk for pk in (job.job_type.source_connector_id, job.job_type.target_connector_id) if pk is not None}


def _note_wait(job: SyncJob, reason: str) -> None:
    if job.wait_reason != reason:
        SyncJob.objects.filter(pk=job.pk, status=Status.QUEUED.value).update(wait_reason=reason[:300])


def _admit(job: SyncJob, occupancy: Occupancy) -> Admitted:
    dispatch_id = uuid.uuid4()
    SyncJob.objects.filter(pk=job.pk).update(dispatch_id=dispatch_id, sent_at=None, wait_reason="")
    occupancy.take(job)
    return Admitted(job.pk, dispatch_id, job.queue)
