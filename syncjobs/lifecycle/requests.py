"""What is asked of a job at work: to stop, or to pause. Its worker sees it within a second; no status changes here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from syncjobs.lifecycle.chunks import in_chunks
from syncjobs.models import SyncJob
from syncjobs.statuses import FINAL, Status

NOT_STOPPING = Q(status=Status.STARTED.value, cancel_requested_at__isnull=True)


def request_cancel(job_ids: Iterable[int], *, reason: str, now: datetime) -> list[int]:
    """Ask started jobs to stop; returns the ids of those that were at work and not asked before."""
    return _ask(job_ids, NOT_STOPPING, cancel_requested_at=now, cancel_reason=reason[:300])


def request_pause(job_ids: Iterable[int], *, now: datetime) -> list[int]:
    """Ask started jobs to pause; returns the ids of those that were at work and not asked anything before."""
    return _ask(job_ids, NOT_STOPPING & Q(pause_requested_at__isnull=True), pause_requested_at=now)


def withdraw_pause(job_ids: Iterable[int], *, asked_at: datetime) -> list[int]:
    """Forget a pause that was asked for at that moment; a worker that stops for it all the same gives the job back."""
    return _ask(job_ids, Q(status=Status.STARTED.value, pause_requested_at=asked_at), pause_requested_at=None)


def _ask(job_ids: Iterable[int], among: Q, **columns: Any) -> list[int]:
    asked: list[int] = []
    for chunk in in_chunks(sorted(set(job_ids))):
        with transaction.atomic():
            rows = SyncJob.objects.filter(among, pk__in=chunk).order_by("pk")
            found = list(rows.select_for_update(no_key=True).values_list("pk", flat=True))
            SyncJob.objects.filter(pk__in=found).update(version=F("version") + 1, **columns)
        asked += found
    return asked


def settle_requests(job_id: int, new: Status, *, reason: str, has_retry: bool) -> tuple[Status, str]:
    """(status, reason) of the end of an attempt that was to end as `new`, by what was asked of the job meanwhile.

    Whoever wanted it stopped must not see it go on. Call it inside the transaction of the move: it locks the row.
    """
    goes_on = new not in FINAL or (new is Status.FAILED and has_retry)
    if not goes_on:
        return new, reason
    columns = ("cancel_requested_at", "pause_requested_at", "cancel_reason")
    row = SyncJob.objects.select_for_update(no_key=True).filter(pk=job_id).values(*columns).first()
    if row is None:
        return new, reason
    if row["cancel_requested_at"] is not None:
        return Status.CANCELED, row["cancel_reason"] or "canceled"
    if new is Status.QUEUED and row["pause_requested_at"] is not None:
        return Status.PAUSED, f"pause was asked for; {reason}"
    if new is Status.PAUSED and row["pause_requested_at"] is None:
        return Status.QUEUED, "resumed before it had stopped"
    return new, reason
