"""Undoing a job: a new job that makes the inverse of each of its changes, where the record is still as it left it."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F

from connectors.applying import can_apply
from connectors.registry import connector_class
from syncjobs.clock import db_now
from syncjobs.lifecycle import NewJob, StatusConflict, create_job, move_job
from syncjobs.lifecycle.kept_changes import OVER, why_not_reverted
from syncjobs.lifecycle.split_jobs import is_split
from syncjobs.models import SyncJob
from syncjobs.operations.auditing import record
from syncjobs.operations.given_changes import ChangesRefused, refuse_if_paused, snapshot_for, target_columns
from syncjobs.operations.job_entries import status_of
from syncjobs.statuses import Status, Trigger, can_move


def revert_job(job_id: int, *, actor: str, user: User | None = None) -> SyncJob:
    """A queued job that brings back what the target had before this job.

    One that failed is canceled, so that it is not retried meanwhile. Raises StatusConflict with why it can not be
    reverted, SyncJob.DoesNotExist, and RunRefused while its type is paused.
    """
    job = SyncJob.objects.select_related("job_type", "type_version").get(pk=job_id)
    if job.status not in OVER and not is_split(job):
        raise StatusConflict(job, "revert")
    if reason := why_not_reverted(job) or why_not_at_target(job):
        raise ChangesRefused(job, "revert", reason)
    refuse_if_paused(job.job_type)
    now = db_now()
    new = NewJob(
        title=f"Revert of #{job_id}: {job.title}",
        concurrency_key=job.target_document_type,
        trigger=Trigger.REVERT,
        actor=actor,
        user=user,
        snapshot=snapshot_for(job, revert={"job": job_id}),
        overrides=target_columns(job),
    )
    with transaction.atomic():
        if not SyncJob.objects.filter(pk=job_id, version=job.version).update(version=F("version") + 1):
            raise ChangesRefused(job, "revert", "somebody else has just decided about it")
        reverting = create_job(job.job_type, job.type_version, new, now)
        text = f"reverted as #{reverting.pk}"
        for one in (job, *(job.children.all() if is_split(job) else ())):
            if can_move(Status(one.status), Status.CANCELED):
                move_job(one.pk, Status.CANCELED, reason=text, actor=actor, now=now, cancel_reason=text)
        after = status_of(SyncJob.objects.get(pk=job_id)) | {"reverted_as": reverting.pk}
        record("job.revert", job, before=status_of(job), after=after, actor=actor)
    return reverting


def reversals_of(job: SyncJob) -> list[int]:
    """The numbers of the jobs that were asked to revert this one, the newest first."""
    asked = SyncJob.objects.filter(job_type=job.job_type_id, trigger_type=Trigger.REVERT, pk__gt=job.pk)
    return list(asked.filter(config_snapshot__revert__job=job.pk).values_list("pk", flat=True)[:20])


def why_not_at_target(job: SyncJob) -> str:
    """Why the changes can not be unmade where the type writes to today, after "since"; empty if they can."""
    target = job.job_type.target_connector
    slug = job.config_snapshot["target_connector"]
    if target is None or target.slug != slug:
        return f"its type no longer writes to '{slug}'"
    return "" if can_apply(connector_class(target.kind)) else "that is not possible with a target of this kind"
