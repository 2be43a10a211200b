"""Retries that have become due go back to the queue. Their time lies in the database, so no process can lose it."""

from __future__ import annotations

from datetime import datetime

from syncjobs.lifecycle.moves import StatusConflict, move_job
from syncjobs.models import SyncJob
from syncjobs.statuses import Status


def requeue_due_retries(now: datetime) -> int:
    """Queue each failed job whose `retry_after` has passed; returns how many."""
    due = SyncJob.objects.filter(retry_after__lte=now, status=Status.FAILED.value).order_by("retry_after")
    return sum(_requeue(job, now) for job in due[:500])


def _requeue(job: SyncJob, now: datetime) -> bool:
    reason = f"retry {job.retry_count} of {job.max_retries} is due"
    try:
        move_job(job.pk, Status.QUEUED, reason=reason, actor="dispatcher", now=now, fence=job.fence)
    except StatusConflict:
        return False
    return True
