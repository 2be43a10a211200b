"""A worker makes a queued job its own: compare-and-set, a higher fence, a lease, a new attempt."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from syncjobs.clock import moment_in_sql
from syncjobs.lifecycle.moves import event_of_move
from syncjobs.lifecycle.statements import change_and_read, insertion, run_together, stored
from syncjobs.models import Attempt, SyncJob
from syncjobs.statuses import Status

CLAIM = """
    UPDATE syncjobs_syncjob SET
        status = 'started', phase = 'initializing', wait_reason = '', failure = NULL, error_message = '',
        fence = fence + 1, attempt = attempt + 1, version = version + 1,
        lease_owner = %s, lease_until = {lease_until}, heartbeat_at = {now},
        started_at = COALESCE(started_at, {now}), sent_at = COALESCE(sent_at, {now})
    WHERE id = %s AND status = 'queued' AND dispatch_id = %s
"""


def claim_job(job_id: int, dispatch_id: uuid.UUID, worker: str) -> SyncJob | None:
    """The job, now started and leased to `worker`; None if this message is stale or somebody was quicker."""
    try:
        with transaction.atomic():
            return _claim(job_id, dispatch_id, worker)
    except IntegrityError:
        return None  # one_started_job_per_concurrency_key: a job of the same target is at work; ours stays queued


def _claim(job_id: int, dispatch_id: uuid.UUID, worker: str) -> SyncJob | None:
    lease_until = moment_in_sql(after=timedelta(seconds=settings.SYNCDECK_LEASE_SECONDS))
    claim = CLAIM.format(now=moment_in_sql(), lease_until=lease_until)
    job = change_and_read(claim, [worker, job_id, stored(SyncJob, "dispatch_id", dispatch_id)])
    if job is None or job.heartbeat_at is None:
        return None
    now, reason = job.heartbeat_at, f"attempt {job.attempt} by {worker}"
    attempt = {"job_id": job_id, "number": job.attempt, "worker": worker, "started_at": now}
    run_together(
        event_of_move(job_id, Status.QUEUED, Status.STARTED, reason=reason, actor=worker, now=now),
        insertion(Attempt, [attempt]),
    )
    return job
