"""Pause and resume of whole types: nothing new starts, what is active pauses; and back, exactly what was paused so."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q

from connectors.models import EditConflict
from syncjobs.clock import db_now
from syncjobs.lifecycle import move_jobs, request_pause, withdraw_pause
from syncjobs.lifecycle.nudges import nudge_dispatcher
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.auditing import record
from syncjobs.operations.job_types import pin_version, save_job_type
from syncjobs.querysets import JobQuerySet
from syncjobs.statuses import Status


class JobTypeStateConflict(Exception):
    """The type is paused already, or is not paused."""


def pause_job_type(
    job_type: SyncJobType, *, actor: str, user: User | None = None, resume_at: datetime | None = None
) -> SyncJobType:
    """Start nothing of the type any more, pause its queued jobs, and ask those at work to pause.

    It is resumed by hand, or by the dispatcher at `resume_at`. Raises JobTypeStateConflict, EditConflict if somebody
    has saved the type since it was read, and ValidationError if `resume_at` has passed.
    """
    now = db_now()
    if resume_at is not None and resume_at <= now:
        raise ValidationError({"resume_at": "This time has passed. Choose a later one, or none."})
    _switch(job_type, actor, is_paused=True, paused_at=now, paused_by=user, resume_at=resume_at)
    _pause_jobs(job_type, actor, now)
    return job_type


def resume_job_type(job_type: SyncJobType, *, actor: str) -> SyncJobType:
    """Undo a pause: the type may start again, and the jobs that it paused go on; those paused one by one stay so.

    Raises JobTypeStateConflict, and EditConflict if somebody has saved the type since it was read.
    """
    if conflict := _conflict(job_type, is_paused=False):
        raise conflict
    if job_type.paused_at is not None:
        _resume_jobs(job_type, actor, job_type.paused_at)  # first, so that after a crash it can be asked for again
    _switch(job_type, actor, is_paused=False, paused_at=None, paused_by=None, resume_at=None)
    return job_type


def set_job_type_enabled(job_type: SyncJobType, enabled: bool, *, actor: str, user: User | None = None) -> SyncJobType:
    """Let schedules, hooks, webhooks and chains start the type, or only people, commands and the API.

    Raises what save_job_type does.
    """
    job_type.enabled = enabled
    return save_job_type(job_type, actor=actor, user=user)


def resume_due_types(now: datetime) -> int:
    """Resume every type whose `resume_at` has come; returns how many. Part of the dispatcher's round."""
    return sum(_resume_if_due(job_type) for job_type in SyncJobType.objects.filter(resume_at__lte=now))


def _resume_if_due(job_type: SyncJobType) -> bool:
    try:
        resume_job_type(job_type, actor="dispatcher")
    except (JobTypeStateConflict, EditConflict):
        return False  # somebody was quicker, or edits it: the next round looks again
    return True


def _switch(job_type: SyncJobType, actor: str, *, is_paused: bool, **columns: Any) -> None:
    """Write the columns as the next version of the type, if it is as the caller has read it."""
    same = SyncJobType.objects.filter(pk=job_type.pk, version=job_type.version, paused_at__isnull=is_paused)
    resume_at = job_type.resume_at
    with transaction.atomic():
        if not same.update(version=F("version") + 1, updated_at=db_now(), **columns):
            raise _conflict(job_type, is_paused=is_paused) or _edited(job_type)
        job_type.refresh_from_db()
        pin_version(job_type, actor=actor)
        before = {"paused": not is_paused, "resume_at": resume_at}
        after = {"paused": is_paused, "resume_at": job_type.resume_at}
        record(f"job_type.{'pause' if is_paused else 'resume'}", job_type, before=before, after=after, actor=actor)
        nudge_dispatcher()


def _conflict(job_type: SyncJobType, *, is_paused: bool) -> Exception | None:
    """What stands, if anything, between what the caller has read and wants, and what is stored."""
    stored = SyncJobType.objects.get(pk=job_type.pk)
    if is_paused and stored.paused_at is not None:
        return JobTypeStateConflict(f"{stored.name} is paused already")
    if not is_paused and stored.paused_at is None:
        return JobTypeStateConflict(f"{stored.name} is not paused, so there is nothing to resume")
    return _edited(stored) if stored.version != job_type.version else None


def _edited(job_type: SyncJobType) -> EditConflict:
    return EditConflict(f"{job_type.slug} was changed by someone else; load it again")


def _jobs(job_type: SyncJobType, status: Status, **among: Any) -> JobQuerySet:
    return SyncJob.objects.filter(job_type=job_type, status=status.value, **among).order_by()


def _pause_jobs(job_type: SyncJobType, actor: str, paused_at: datetime) -> None:
    """The moment of the pause marks the jobs as paused by it."""
    reason = f"the type {job_type.name} was paused by {actor}"
    is_queued = Q(status=Status.QUEUED.value)
    while True:  # again, since a job may have been claimed or released between the two steps
        queued = _jobs(job_type, Status.QUEUED).values_list("pk", flat=True)
        moved = move_jobs(
            queued,
            Status.PAUSED,
            reason=reason,
            actor=actor,
            now=paused_at,
            among=is_queued,
            pause_requested_at=paused_at,
        )
        started = _jobs(job_type, Status.STARTED, pause_requested_at=None).values_list("pk", flat=True)
        if not request_pause(started, now=paused_at) and not moved:
            return


def _resume_jobs(job_type: SyncJobType, actor: str, paused_at: datetime) -> None:
    """Those at work first: a worker that stops all the same then finds the pause withdrawn, and gives its job back."""
    withdraw_pause(
        _jobs(job_type, Status.STARTED, pause_requested_at=paused_at).values_list("pk", flat=True), asked_at=paused_at
    )
    move_jobs(
        _jobs(job_type, Status.PAUSED, pause_requested_at=paused_at).values_list("pk", flat=True),
        Status.QUEUED,
        reason=f"the type {job_type.name} was resumed by {actor}",
        actor=actor,
        now=db_now(),
        among=Q(status=Status.PAUSED.value, pause_requested_at=paused_at),
    )
