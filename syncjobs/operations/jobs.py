"""Sync Jobs: cancel, retry, and run one right here. Each checks by the move itself, so that of two callers one wins."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db.models import F

from syncjobs.clock import db_now
from syncjobs.lifecycle import Admitted, StatusConflict, admit_job, allowed_actions, move_job
from syncjobs.models import SyncJob
from syncjobs.statuses import Status
from syncjobs.tasks import run_inline

WAIT_SECONDS = 1.0


def cancel_job(job_id: int, *, actor: str, reason: str = "") -> SyncJob:
    """Cancel a job: at once if it is not at work, else by asking its worker, which ends it within 10 s.

    Raises StatusConflict, which lists what is allowed instead, and SyncJob.DoesNotExist.
    """
    text = reason or f"canceled by {actor}"
    now = db_now()
    while True:
        job = SyncJob.objects.get(pk=job_id)
        if "cancel" not in allowed_actions(job):
            raise StatusConflict(job, Status.CANCELED)
        if job.status != Status.STARTED:
            try:
                return move_job(job_id, Status.CANCELED, reason=text, actor=actor, now=now, cancel_reason=text[:300])
            except StatusConflict:
                continue  # it moved meanwhile: judge it anew
        at_work = SyncJob.objects.filter(pk=job_id, status=Status.STARTED.value, fence=job.fence)
        if at_work.update(cancel_requested_at=now, cancel_reason=text[:300], version=F("version") + 1):
            job.refresh_from_db()
            return job


def retry_job(job_id: int, *, actor: str) -> SyncJob:
    """Queue a failed job again, with its checkpoint, for a further attempt. Raises StatusConflict, DoesNotExist."""
    job = SyncJob.objects.get(pk=job_id)
    if "retry" not in allowed_actions(job):
        raise StatusConflict(job, Status.QUEUED)
    return move_job(
        job_id, Status.QUEUED, reason=f"retried by {actor}", actor=actor, now=db_now(), retry_count=0, lost_count=0
    )


def run_queued_job_here(job: SyncJob, on_wait: Callable[[str], None]) -> SyncJob:
    """Run a queued job in this process as soon as its connectors and target are free; returns it afterwards.

    `on_wait` hears each new reason for waiting.
    """
    told = ""
    while True:
        answer = admit_job(job.pk, db_now())
        if isinstance(answer, Admitted):
            run_inline(job.pk, answer.dispatch_id)
            break
        job.refresh_from_db()
        if job.status != Status.QUEUED or job.dispatch_id:
            break  # a worker has it, or somebody ended it
        if answer != told:
            told = answer
            on_wait(answer)
        time.sleep(WAIT_SECONDS)
    job.refresh_from_db()
    return job
