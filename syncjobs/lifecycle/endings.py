"""How an attempt ends: done, failed with or without a retry due, or given back to the queue. All of it fenced."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from syncjobs.fingerprints import failure_fingerprint
from syncjobs.lifecycle.moves import move_own_job
from syncjobs.lifecycle.requests import settle_requests
from syncjobs.lifecycle.statements import Statement, run_together, update
from syncjobs.lifecycle.wait_reasons import clock_text
from syncjobs.models import Attempt, SyncJob
from syncjobs.retries import next_retry
from syncjobs.statuses import Status

OF_A_RETRY = ("retry_after", "retry_count", "wait_reason")


def close_attempt(job_id: int, number: int, *, outcome: str, now: datetime) -> None:
    """Note how a try ended that nobody will tell more of: a status, or `lost`."""
    run_together(closing(job_id, number, outcome=outcome, ended_at=now))


def closing(job_id: int, number: int, **columns: Any) -> Statement:
    """The statement that ends a try, unless it has ended already, and notes `columns` of it."""
    return update(Attempt, columns, "job_id = %s AND number = %s AND ended_at IS NULL", [job_id, number])


def end_attempt(
    job: SyncJob,
    new: Status,
    *,
    reason: str,
    now: datetime,
    took_seconds: float,
    attempt_counts: dict[str, int] | None = None,
    phase_seconds: dict[str, float] | None = None,
    also: Sequence[Statement] = (),
    **updates: Any,
) -> SyncJob:
    """End our attempt in `new`; StatusConflict if the job is no longer ours. `attempt_counts` are its own share.

    A job that would go on although a person wanted it stopped meanwhile is canceled or paused instead. Inside a
    transaction it is the last thing done there; after a conflict all of that is undone.
    """
    with transaction.atomic(savepoint=False):
        new, reason = settle_requests(job.pk, new, reason=reason, has_retry="retry_after" in updates)
        if new is not Status.FAILED:
            updates = {name: value for name, value in updates.items() if name not in OF_A_RETRY}
        told = {"failure": updates.get("failure"), "counts": attempt_counts, "phase_seconds": phase_seconds}
        told = {name: value for name, value in told.items() if value is not None}
        return move_own_job(
            job,
            new,
            reason=reason,
            now=now,
            also=[closing(job.pk, job.attempt, outcome=new.value, ended_at=now, **told), *also],
            time_taken=(job.time_taken or 0.0) + took_seconds,
            **updates,
        )


def fail_attempt(
    job: SyncJob,
    failure: dict[str, Any],
    *,
    now: datetime,
    made_progress: bool,
    retry_after_seconds: float | None,
    random_fraction: float,
    **ending: Any,
) -> SyncJob:
    """End our attempt as failed or error, with the time of its retry where the rules of `retries` give one."""
    ending |= failure_columns(failure)
    if failure["class"] == "data":
        return end_attempt(job, Status.ERROR, reason=failure["message"], now=now, **ending)
    decision = next_retry(
        failure_class=failure["class"],
        retryable=failure["retryable"],
        retry_count=job.retry_count,
        max_retries=job.max_retries,
        retry_delay_seconds=job.retry_delay,
        made_progress=made_progress,
        retry_after_seconds=retry_after_seconds,
        random_fraction=random_fraction,
    )
    if decision is not None:
        retry_after = now + timedelta(seconds=decision.delay_seconds)
        again = f"(retry {decision.retry_count} of {job.max_retries})"
        ending |= {
            "retry_after": retry_after,
            "retry_count": decision.retry_count,
            "wait_reason": f"tries again at {clock_text(retry_after, now)} {again}",
        }
    return end_attempt(job, Status.FAILED, reason=failure["message"], now=now, **ending)


def failure_columns(failure: dict[str, Any]) -> dict[str, Any]:
    """What a job's row keeps of its failure."""
    return {"failure": failure, "failure_fingerprint": failure_fingerprint(failure)}


def release_job(job: SyncJob, *, reason: str, now: datetime, **ending: Any) -> SyncJob:
    """Give our job back to the queue with its checkpoint; no retry is used up."""
    return end_attempt(job, Status.QUEUED, reason=reason, now=now, **ending)
