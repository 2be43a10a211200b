"""How an attempt ends: done, failed with or without a retry due, or given back to the queue. All of it fenced."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce

from syncjobs.lifecycle.moves import move_job
from syncjobs.lifecycle.requests import settle_requests
from syncjobs.lifecycle.wait_reasons import clock_text
from syncjobs.models import Attempt, SyncJob
from syncjobs.retries import next_retry
from syncjobs.statuses import Status

OF_A_RETRY = ("retry_after", "retry_count", "wait_reason")


def close_attempt(
    job_id: int,
    number: int,
    *,
    outcome: str,
    now: datetime,
    failure: dict[str, Any] | None = None,
    counts: dict[str, int] | None = None,
    phase_seconds: dict[str, float] | None = None,
) -> None:
    """Note how a try ended: a status, or `lost`, or `released`."""
    values: dict[str, Any] = {"outcome": outcome, "ended_at": now, "failure": failure}
    if counts is not None:
        values["counts"] = counts
    if phase_seconds is not None:
        values["phase_seconds"] = phase_seconds
    Attempt.objects.filter(job_id=job_id, number=number, ended_at__isnull=True).update(**values)


def end_attempt(
    job: SyncJob,
    new: Status,
    *,
    reason: str,
    now: datetime,
    took_seconds: float,
    attempt_counts: dict[str, int] | None = None,
    phase_seconds: dict[str, float] | None = None,
    **updates: Any,
) -> SyncJob:
    """End our attempt in `new`; StatusConflict if the job is no longer ours. `attempt_counts` are its own share.

    A job that would go on although a person wanted it stopped meanwhile is canceled or paused instead.
    """
    with transaction.atomic():
        new, reason = settle_requests(job.pk, new, reason=reason, has_retry="retry_after" in updates)
        if new is not Status.FAILED:
            updates = {name: value for name, value in updates.items() if name not in OF_A_RETRY}
        ended = move_job(
            job.pk,
            new,
            reason=reason,
            actor=job.lease_owner,
            now=now,
            fence=job.fence,
            time_taken=Coalesce(F("time_taken"), Value(0.0)) + took_seconds,
            **updates,
        )
        close_attempt(
            job.pk,
            job.attempt,
            outcome=new.value,
            now=now,
            failure=updates.get("failure"),
            counts=attempt_counts,
            phase_seconds=phase_seconds,
        )
    return ended


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
    if failure["class"] == "data":
        return end_attempt(job, Status.ERROR, reason=failure["message"], now=now, failure=failure, **ending)
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
    return end_attempt(job, Status.FAILED, reason=failure["message"], now=now, failure=failure, **ending)


def release_job(job: SyncJob, *, reason: str, now: datetime, **ending: Any) -> SyncJob:
    """Give our job back to the queue with its checkpoint; no retry is used up."""
    return end_attempt(job, Status.QUEUED, reason=reason, now=now, **ending)
