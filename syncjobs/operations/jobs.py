"""Sync Jobs: every verb on one. Each is decided by a compare-and-set, so that of two callers exactly one wins.

All raise StatusConflict, which lists what is allowed instead, and SyncJob.DoesNotExist.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from syncjobs.clock import db_now
from syncjobs.lifecycle import (
    Admitted,
    StatusConflict,
    admit_job,
    allowed_actions,
    delete_rows,
    move_job,
    move_jobs,
    restart,
)
from syncjobs.models import SyncJob
from syncjobs.operations.auditing import record, record_many
from syncjobs.operations.job_entries import record_job_moved, status_of
from syncjobs.operations.job_verbs import Verb, plain_verb
from syncjobs.operations.many_moves import ask_many, move_many
from syncjobs.statuses import Status
from syncjobs.tasks import run_inline

logger = logging.getLogger("syncjobs.jobs")

WAIT_SECONDS = 1.0
FAILED_FOR_NOW = Q(status__in=(Status.FAILED.value, Status.ERROR.value), retry_after__isnull=True)
WAITING = Q(status__in=(Status.PENDING.value, Status.QUEUED.value, Status.PAUSED.value, Status.HELD.value))
WAITING |= Q(status=Status.FAILED.value, retry_after__isnull=False)
LEADS_BACK = (
    *(Status.PENDING.value, Status.PAUSED.value, Status.HELD.value),
    *(Status.FAILED.value, Status.ERROR.value),
)
"""Statuses in which a job may be deleted, but also be sent to work."""


def start_job(job_id: int, *, actor: str, reason: str = "") -> SyncJob:
    """Queue a pending job."""
    return act_plainly(job_id, "start", actor=actor, reason=reason)


def cancel_job(job_id: int, *, actor: str, reason: str = "") -> SyncJob:
    """Cancel a job: at once if it is not at work, else by asking its worker, which ends it within 10 s."""
    return act_plainly(job_id, "cancel", actor=actor, reason=reason)


def pause_job(job_id: int, *, actor: str, reason: str = "") -> SyncJob:
    """Pause a job with its position: at once if it is queued, else by asking its worker, which stops within 5 s."""
    return act_plainly(job_id, "pause", actor=actor, reason=reason)


def resume_job(job_id: int, *, actor: str, reason: str = "") -> SyncJob:
    """Queue a paused job again; it goes on from its checkpoint."""
    return act_plainly(job_id, "resume", actor=actor, reason=reason)


def retry_job(job_id: int, *, actor: str, reason: str = "") -> SyncJob:
    """Queue a failed job again, with its checkpoint, for a further attempt."""
    return act_plainly(job_id, "retry", actor=actor, reason=reason)


def approve_job(job_id: int, *, actor: str, reason: str = "") -> SyncJob:
    """Queue a held job; `approved_by` tells its controller that a person has agreed."""
    return act_plainly(job_id, "approve", actor=actor, reason=reason)


def discard_job(job_id: int, *, actor: str, reason: str = "") -> SyncJob:
    """Cancel a held job."""
    return act_plainly(job_id, "discard", actor=actor, reason=reason)


def act_plainly(job_id: int, action: str, *, actor: str, reason: str = "") -> SyncJob:
    """Do one of PLAIN_ACTIONS; returns the job afterwards. If it moves meanwhile, it is judged anew."""
    while True:
        job = get_if_allowed(job_id, action)
        verb = plain_verb(action, actor=actor, reason=reason, now=db_now())
        if job.status == Status.STARTED:
            if ask_many([job_id], verb):
                job.refresh_from_db()
                return job
            continue
        try:
            return _move(job, verb)
        except StatusConflict:
            continue


def _move(job: SyncJob, verb: Verb) -> SyncJob:
    reason, actor = verb.reason, verb.actor
    with transaction.atomic():
        moved = move_job(
            job.pk, verb.new, reason=reason, actor=actor, now=verb.now, version=job.version, **verb.updates
        )
        record_job_moved(verb.action, job, moved, reason=reason, actor=actor)
    return moved


def get_if_allowed(job_id: int, action: str) -> SyncJob:
    """The job, if the action is allowed on it."""
    job = SyncJob.objects.select_related("job_type", "type_version").get(pk=job_id)
    if action not in allowed_actions(job):
        raise StatusConflict(job, action)
    return job


def restart_job(job_id: int, *, actor: str, user: User | None = None, force: bool = False) -> SyncJob:
    """A new job that does the same from the beginning; the old one is canceled if it was not done.

    `force` ignores overlap and the dedupe key; without it a job that waits with the same key is returned instead.
    """
    job = get_if_allowed(job_id, "restart")
    with transaction.atomic():
        new = restart(job, actor=actor, user=user, force=force, now=db_now())
        after = status_of(SyncJob.objects.get(pk=job_id)) | {"restarted_as": new.pk, "force": force}
        record("job.restart", job, before=status_of(job) | {"force": False}, after=after, actor=actor)
    return new


def retry_children(parent_id: int, *, actor: str) -> int:
    """Queue a relay's children that failed and are not to be retried by themselves; returns how many."""
    parent = get_if_allowed(parent_id, "retry_children")
    verb = plain_verb("retry", actor=actor, reason=f"retried by {actor}, with its siblings", now=db_now())
    return len(move_many(_children(parent, FAILED_FOR_NOW), verb, FAILED_FOR_NOW))


def cancel_children(parent_id: int, *, actor: str, reason: str = "") -> int:
    """Cancel a relay's children that are not over, and ask those at work to stop; returns how many."""
    parent = get_if_allowed(parent_id, "cancel_children")
    text = reason or f"canceled by {actor}, with its siblings"
    canceled: set[int] = set()
    while True:  # again, since a child may have been claimed or released between the two steps
        verb = plain_verb("cancel", actor=actor, reason=text, now=db_now())
        moved = move_many(_children(parent, WAITING), verb, WAITING)
        asked = ask_many(_children(parent, Q(status=Status.STARTED.value)), verb)
        if not moved and not asked:
            return len(canceled)
        canceled |= {*moved, *asked}


def _children(parent: SyncJob, among: Q) -> list[int]:
    return list(parent.children.filter(among).order_by().values_list("pk", flat=True))


def delete_job(job_id: int, *, actor: str) -> int:
    """Delete a job with its changes, log and children, of which none may be waiting or at work; returns how many jobs.

    It is ended first, so that nobody can start it meanwhile.
    """
    job = get_if_allowed(job_id, "delete")
    _refuse_with_busy_children(job)
    text = f"deleted by {actor}"
    if job.status in LEADS_BACK:
        move_job(job_id, Status.CANCELED, reason=text, actor=actor, now=db_now(), version=job.version)
    back = Q(status__in=LEADS_BACK)
    move_jobs(_children(job, back), Status.CANCELED, reason=text, actor=actor, now=db_now(), among=back)
    _refuse_with_busy_children(job)
    return delete_jobs([job_id], actor=actor)


def delete_jobs(job_ids: Sequence[int], *, actor: str, reason: str = "") -> int:
    """Delete jobs that nobody can start any more, with their children, and tell it; returns how many jobs."""

    def tell(jobs: list[SyncJob]) -> None:
        record_many("job.delete", [(job, status_of(job), None) for job in jobs], actor=actor, reason=reason)

    titles = dict(SyncJob.objects.filter(pk__in=job_ids).values_list("pk", "title"))
    deleted = delete_rows(job_ids, tell)
    for job_id, title in titles.items():
        logger.info("Job #%s %s was deleted by %s", job_id, title, actor, extra={"sync_id": job_id})
    return deleted


def busy_children(job: SyncJob) -> int:
    """How many child jobs wait or are at work, so that the job can not be deleted."""
    not_over = (WAITING & ~Q(status=Status.PENDING.value)) | Q(status=Status.STARTED.value)
    return job.children.filter(not_over).count()


def _refuse_with_busy_children(job: SyncJob) -> None:
    if number := busy_children(job):
        are = "child job is" if number == 1 else "child jobs are"
        raise StatusConflict(job, "delete", f"it cannot be deleted while {number:,} {are} not over: cancel them first")


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
