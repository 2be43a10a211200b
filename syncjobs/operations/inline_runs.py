"""A job run in the calling process until it is done for good: its retries and a relay's children, too. No broker."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from syncjobs.clock import db_now
from syncjobs.lifecycle import StatusConflict, requeue_due_retries
from syncjobs.models import SyncJob
from syncjobs.operations.jobs import run_queued_job_here, start_job
from syncjobs.statuses import Status
from syncjobs.tasks import run_inline

logger = logging.getLogger("syncjobs.jobs")
LOOK_SECONDS = 1.0
STARTED_BY = "execute()"


def run_to_the_end(job: SyncJob, on_wait: Callable[[str], None]) -> SyncJob:
    """Run a queued job here, again when a retry is due, and then its children; returns it afterwards.

    `on_wait` hears each reason for waiting. The job is not final if a worker was quicker or a person has to decide.
    """
    job = _run_with_retries(job, on_wait)
    if job.status == Status.RELAYED:
        for child in job.children.order_by("position"):
            _run_with_retries(child, on_wait)
        job.refresh_from_db()
    return job


def execute_here(job: SyncJob) -> SyncJob:
    """One attempt of a pending or queued job in this process; `SyncJob.execute` is this. Raises StatusConflict."""
    if job.status == Status.PENDING:
        start_job(job.pk, actor=STARTED_BY)
    elif job.status != Status.QUEUED:
        raise StatusConflict(job, Status.STARTED)
    return _run_once(job, _log_wait)


def _log_wait(reason: str) -> None:
    logger.info("Job waits: %s", reason)


def _run_with_retries(job: SyncJob, on_wait: Callable[[str], None]) -> SyncJob:
    job = _run_once(job, on_wait)
    while job.retry_after is not None:
        told = f"retry {job.retry_count} of {job.max_retries} at {job.retry_after:%H:%M:%S %Z}"
        on_wait(f"attempt {job.attempt} failed; {told}")
        _wait_for_retry(job)
        job = _run_once(job, on_wait)
    return job


def _run_once(job: SyncJob, on_wait: Callable[[str], None]) -> SyncJob:
    job = run_queued_job_here(job, on_wait)
    if job.status == Status.QUEUED and job.dispatch_id is not None:
        # The dispatcher admitted it first. Whoever claims it runs it: the message of the other then wakes nobody.
        run_inline(job.pk, job.dispatch_id)
        job.refresh_from_db()
    return job


def _wait_for_retry(job: SyncJob) -> None:
    """Until the retry is due (then it is queued), or somebody else has decided about the job."""
    while job.status == Status.FAILED and job.retry_after is not None:
        now = db_now()
        if now >= job.retry_after:
            requeue_due_retries(now)
        else:
            time.sleep(min(LOOK_SECONDS, (job.retry_after - now).total_seconds()))
        job.refresh_from_db()
