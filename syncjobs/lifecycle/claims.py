"""A worker makes a queued job its own: compare-and-set, a higher fence, a lease, a new attempt."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from syncjobs.clock import db_now
from syncjobs.lifecycle.moves import record_event
from syncjobs.models import Attempt, SyncJob
from syncjobs.statuses import Phase, Status


def claim_job(job_id: int, dispatch_id: uuid.UUID, worker: str) -> SyncJob | None:
    """The job, now started and leased to `worker`; None if this message is stale or somebody was quicker."""
    try:
        with transaction.atomic():
            return _claim(job_id, dispatch_id, worker)
    except IntegrityError:
        return None  # one_started_job_per_concurrency_key: a job of the same target is at work; ours stays queued


def _claim(job_id: int, dispatch_id: uuid.UUID, worker: str) -> SyncJob | None:
    now = db_now()
    mine = SyncJob.objects.filter(pk=job_id, status=Status.QUEUED.value, dispatch_id=dispatch_id)
    claimed = mine.update(
        status=Status.STARTED.value,
        phase=Phase.INITIALIZING.value,
        wait_reason="",
        fence=F("fence") + 1,
        attempt=F("attempt") + 1,
        version=F("version") + 1,
        lease_owner=worker,
        lease_until=now + timedelta(seconds=settings.SYNCDECK_LEASE_SECONDS),
        heartbeat_at=now,
        started_at=Coalesce("started_at", now),
        sent_at=Coalesce("sent_at", now),
        failure=None,
        error_message="",
    )
    if not claimed:
        return None
    job: SyncJob = SyncJob.objects.select_related("job_type", "triggered_by").get(pk=job_id)
    record_event(
        job_id, Status.QUEUED, Status.STARTED, reason=f"attempt {job.attempt} by {worker}", actor=worker, now=now
    )
    Attempt.objects.create(job=job, number=job.attempt, worker=worker, started_at=now)
    return job
