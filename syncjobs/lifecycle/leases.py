"""Leases: renewed while a worker lives, taken away when it does not. A third loss ends the job."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from syncjobs.clock import db_now
from syncjobs.lifecycle.chain_starts import asking_for_chains
from syncjobs.lifecycle.endings import close_attempt, failure_columns
from syncjobs.lifecycle.moves import move_job
from syncjobs.lifecycle.occupancy import sent_jobs
from syncjobs.lifecycle.statements import run_together
from syncjobs.models import JobBatch, SyncJob
from syncjobs.statuses import Status

MOST_LOSSES = 3


def renew_lease(job_id: int, fence: int) -> bool:
    """Extend our lease; False means that the job is no longer ours and nothing more may be written."""
    now = db_now()
    mine = SyncJob.objects.filter(pk=job_id, status=Status.STARTED.value, fence=fence)
    lease_until = now + timedelta(seconds=settings.SYNCDECK_LEASE_SECONDS)
    return mine.update(lease_until=lease_until, heartbeat_at=now) == 1


def reap_expired_leases(now: datetime) -> int:
    """Take every job whose worker has been silent past its lease back, or end it; returns how many."""
    expired = SyncJob.objects.filter(status=Status.STARTED.value, lease_until__lt=now)
    ids = expired.order_by("lease_until").values_list("pk", flat=True)
    return sum(_reap(job_id, now) for job_id in ids[:100])


@transaction.atomic
def _reap(job_id: int, now: datetime) -> bool:
    locked = SyncJob.objects.select_for_update(no_key=True)
    job = locked.filter(pk=job_id, status=Status.STARTED.value, lease_until__lt=now).first()
    if job is None:
        return False  # it ended, or its worker has just renewed the lease
    _take_back(job, now)
    # Its message may have named further ones, which were lost with it; who has one of them already takes no harm.
    sent_jobs().filter(dispatch_id=job.dispatch_id).update(sent_at=None)
    close_attempt(job_id, job.attempt, outcome="lost", now=now)
    return True


def _take_back(job: SyncJob, now: datetime) -> None:
    # Should the old owner only have been slow: its writes fail, since the job is no longer started with its fence.
    updates: dict[str, Any] = {"lost_count": F("lost_count") + 1}
    silent = f"worker {job.lease_owner} was silent past its lease"
    move: dict[str, Any] = {"actor": "reaper", "now": now, "fence": job.fence}
    if job.cancel_requested_at:
        move_job(job.pk, Status.CANCELED, reason=f"{job.cancel_reason or 'canceled'}; {silent}", **move, **updates)
    elif job.pause_requested_at:
        move_job(job.pk, Status.PAUSED, reason=f"pause was asked for; {silent}", **move, **updates)
    elif job.lost_count + 1 >= MOST_LOSSES:
        failure = _lost_failure(job)
        move_job(job.pk, Status.FAILED, reason=failure["message"], **move, **updates, **failure_columns(failure))
        if asking := asking_for_chains(job, Status.FAILED, now):
            run_together(*asking)
    else:
        move_job(job.pk, Status.QUEUED, reason=f"{silent}; goes on from its checkpoint", **move, **updates)


def _lost_failure(job: SyncJob) -> dict[str, Any]:
    last = JobBatch.objects.filter(job=job).order_by("-batch_no").first()
    where = f"last batch {last.batch_no}" if last else f"in phase {job.phase}"
    return {
        "class": "internal",
        "code": "worker_lost",
        "message": f"worker lost {MOST_LOSSES} times, probably out of memory, {where}",
        "hint": "Look at the memory of the worker's machine, or give the type a smaller batch size; then retry.",
        "retryable": False,
    }
