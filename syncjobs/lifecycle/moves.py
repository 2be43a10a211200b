"""The one function that changes a job's status, and the conflict it raises. Every move leaves a JobEvent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from syncjobs.lifecycle.actions import allowed_actions
from syncjobs.lifecycle.nudges import nudge_dispatcher
from syncjobs.models import JobEvent, SyncJob
from syncjobs.statuses import FINAL, Status, can_move
from syncjobs.texts import storable_text


class StatusConflict(Exception):
    """The job is not (or no longer) in a status from which the asked move is legal."""

    def __init__(self, job: SyncJob, wanted: Status) -> None:
        actions = allowed_actions(job)
        status = Status(job.status)
        what_is_left = f"allowed now: {', '.join(actions)}" if actions else "nothing can be done to it now"
        super().__init__(f"job #{job.pk} is {status.label.lower()}, so it cannot become {wanted.value}; {what_is_left}")
        self.job_id = job.pk
        self.status = status
        self.allowed_actions = actions


def move_job(
    job_id: int, new: Status, *, reason: str, actor: str, now: datetime, fence: int | None = None, **updates: Any
) -> SyncJob:
    """Move a job if that is legal from where it is (and, with `fence`, if we still own it); returns it afterwards.

    Raises StatusConflict, and SyncJob.DoesNotExist. `updates` are further columns of the same UPDATE.
    """
    with transaction.atomic():
        job = SyncJob.objects.get(pk=job_id)
        while True:
            old = Status(job.status)
            if not can_move(old, new) or (fence is not None and job.fence != fence):
                raise StatusConflict(job, new)
            if _compare_and_set(job, old, new, now, updates):
                break
            job.refresh_from_db()
        record_event(job_id, old, new, reason=reason, actor=actor, now=now)
        if new is Status.QUEUED or old is Status.STARTED:  # there is one more to send, or one more slot
            nudge_dispatcher()
        job.refresh_from_db()
    return job


def _compare_and_set(job: SyncJob, old: Status, new: Status, now: datetime, updates: dict[str, Any]) -> bool:
    changes: dict[str, Any] = {"status": new.value, "version": F("version") + 1, "wait_reason": "", "phase": ""}
    if old is Status.STARTED:  # whoever leaves this status gives up the lease with it
        changes |= {"lease_owner": "", "lease_until": None}
    if new is Status.QUEUED:  # a new turn: whatever was sent for an earlier one no longer wakes anybody
        changes |= {"dispatch_id": None, "sent_at": None, "available_at": now, "ended_at": None, "retry_after": None}
        changes |= {"cancel_requested_at": None, "pause_requested_at": None}
    if new in FINAL:
        changes |= {"ended_at": now, "retry_after": None}
    same = SyncJob.objects.filter(pk=job.pk, status=old.value, fence=job.fence)
    return same.update(**(changes | updates)) == 1


def record_event(job_id: int, old: Status | None, new: Status, *, reason: str, actor: str, now: datetime) -> None:
    """Write the row that explains a status; `old` is None for the first one."""
    JobEvent.objects.create(
        job_id=job_id,
        old=old.value if old else "",
        new=new.value,
        reason=storable_text(reason)[:500],
        actor=actor,
        created_at=now,
    )
