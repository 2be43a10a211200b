"""Plans of dry runs: approved by a person, then applied by a new job that writes exactly what was sealed."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from syncjobs.clock import db_now
from syncjobs.lifecycle import NewJob, StatusConflict, create_job
from syncjobs.lifecycle.plans import find_plan, why_not_applied, why_tampered
from syncjobs.models import Plan, SyncJob
from syncjobs.operations.auditing import record
from syncjobs.operations.given_changes import ChangesRefused, refuse_if_paused, snapshot_for, target_columns
from syncjobs.operations.jobs import approve_job
from syncjobs.statuses import Status, Trigger


def approve(job_id: int, *, actor: str, reason: str = "") -> SyncJob:
    """Approve whatever of the job waits for it: a held job goes on, the plan of a dry run may be applied.

    Raises StatusConflict and SyncJob.DoesNotExist.
    """
    job = SyncJob.objects.get(pk=job_id)
    if job.dry_run and job.status == Status.FINISHED:
        return approve_plan(job_id, actor=actor, reason=reason)
    return approve_job(job_id, actor=actor, reason=reason)


def approve_plan(job_id: int, *, actor: str, reason: str = "") -> SyncJob:
    """Let the plan of this dry run be applied; returns the dry run. Raises StatusConflict with why it can not be."""
    now = db_now()
    plan = _judged(job_id, "approve", now)
    if plan.state == Plan.State.APPROVED:
        raise ChangesRefused(plan.job, "approve", f"{plan.approved_by} has approved it already")
    old, new = Plan.State.SEALED, Plan.State.APPROVED
    with transaction.atomic():
        _move(plan, "approve", old, now, state=new, approved_by=actor[:150], approved_at=now)
        record("plan.approve", plan.job, before={"plan": old}, after={"plan": new}, actor=actor, reason=reason)
    return plan.job


def apply_plan(job_id: int, *, trigger: Trigger, actor: str, user: User | None = None) -> SyncJob:
    """A new job that makes the changes of this dry run's approved plan, each where its record is still as it was.

    Raises StatusConflict with why it can not be applied, and RunRefused while its type is paused.
    """
    now = db_now()
    plan = _judged(job_id, "apply", now)
    dry_run = plan.job
    if plan.state != Plan.State.APPROVED:
        raise ChangesRefused(dry_run, "apply", "it is not approved yet")
    refuse_if_paused(dry_run.job_type)
    new = NewJob(
        title=f"Plan of #{job_id}: {dry_run.title}",
        concurrency_key=dry_run.target_document_type,
        trigger=trigger,
        actor=actor,
        user=user,
        snapshot=snapshot_for(dry_run, plan={"job": dry_run.pk}),
        overrides=target_columns(dry_run),
    )
    with transaction.atomic():
        job = create_job(dry_run.job_type, dry_run.type_version, new, now)
        _move(plan, "apply", Plan.State.APPROVED, now, state=Plan.State.APPLIED, applied_job=job)
        before, after = {"plan": Plan.State.APPROVED}, {"plan": Plan.State.APPLIED, "applied_as": job.pk}
        record("plan.apply", dry_run, before=before, after=after, actor=actor)
    return job


def _judged(job_id: int, action: str, now: datetime) -> Plan:
    """The plan with its job, if its changes are those that were sealed and may still be written."""
    job = SyncJob.objects.get(pk=job_id)
    plan = find_plan(job_id)
    if plan is None or job.status != Status.FINISHED:
        raise StatusConflict(job, action)
    if reason := why_not_applied(plan, now) or why_tampered(plan):
        raise ChangesRefused(job, action, reason)
    return plan


def _move(plan: Plan, action: str, old: Plan.State, now: datetime, **columns: object) -> None:
    """Of several callers one wins."""
    if not Plan.objects.filter(pk=plan.pk, state=old, expires_at__gt=now).update(**columns):
        raise ChangesRefused(plan.job, action, "somebody else has just decided about it")
