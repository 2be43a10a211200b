"""One plain verb on many jobs, in short transactions: each job that it moves has its event and its audit entry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Q

from syncjobs.lifecycle import move_jobs, request_cancel, request_pause
from syncjobs.lifecycle.chunks import in_chunks
from syncjobs.models import SyncJob
from syncjobs.operations.job_entries import record_jobs_moved, status_of
from syncjobs.operations.job_verbs import Verb
from syncjobs.statuses import Status

TOLD = ("title", "status", "retry_after", "cancel_requested_at", "pause_requested_at")


def move_many(job_ids: Iterable[int], verb: Verb, among: Q) -> list[int]:
    """Move those that are `among` and may move; returns their ids, ascending."""
    moved: list[int] = []
    for chunk in in_chunks(sorted(set(job_ids))):
        with transaction.atomic():
            before = _locked(chunk)
            told = {"reason": verb.reason, "actor": verb.actor}
            done = move_jobs(chunk, verb.new, now=verb.now, among=among, **told, **verb.updates)
            record_jobs_moved(verb.action, [(before[pk], {"status": verb.new.value}) for pk in done], **told)
        moved += done
    return moved


def ask_many(job_ids: Iterable[int], verb: Verb) -> list[int]:
    """Ask those that are at work to pause or to stop; returns the ids of those not asked before."""
    asked: list[int] = []
    for chunk in in_chunks(sorted(set(job_ids))):
        with transaction.atomic():
            before = _locked(chunk)
            done = _ask(chunk, verb)
            changes = [(before[pk], _asked(before[pk], verb)) for pk in done]
            record_jobs_moved(verb.action, changes, reason=verb.reason, actor=verb.actor)
        asked += done
    return asked


def _locked(job_ids: list[int]) -> dict[int, SyncJob]:
    rows = SyncJob.objects.filter(pk__in=job_ids).order_by("pk").only(*TOLD)
    return {job.pk: job for job in rows.select_for_update(no_key=True)}


def _ask(job_ids: list[int], verb: Verb) -> list[int]:
    if verb.new is Status.PAUSED:
        return request_pause(job_ids, now=verb.now)
    return request_cancel(job_ids, reason=verb.reason, now=verb.now)


def _asked(job: SyncJob, verb: Verb) -> dict[str, Any]:
    """What became of a job that was asked."""
    column = "pause_requested_at" if verb.new is Status.PAUSED else "cancel_requested_at"
    after = SyncJob(status=job.status, **{column: verb.now})
    return status_of(after)
