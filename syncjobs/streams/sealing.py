"""The end of a dry run: its changes are sealed as a plan, or the plan says why it can not be approved."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count

from connectors.applying import can_apply
from connectors.registry import connector_class
from syncjobs.clock import db_now
from syncjobs.controllers.base import JobHandle
from syncjobs.lifecycle.kept_changes import why_not_kept
from syncjobs.lifecycle.plans import DAYS, basis_of, digest_changes
from syncjobs.models import Change, Plan, SyncJob


def seal_plan(sync_job: JobHandle) -> Plan:
    """Make the plan of a dry run over one stream that has just been done."""
    job, now = sync_job.job, db_now()
    refusal = _why_not_approved(job)
    with transaction.atomic():
        plan, _ = Plan.objects.update_or_create(job=job, defaults=_columns(job, refusal, now))
        sync_job.save_progress()
    if refusal:
        sync_job.log("WARNING", f"This plan can not be approved, since {refusal}")
    else:
        until = f"{plan.expires_at:%Y-%m-%d %H:%M} UTC"
        sync_job.log("INFO", f"The plan of {plan.changes:,} changes is sealed; it can be approved until {until}")
    return plan


def _columns(job: SyncJob, refusal: str, now: datetime) -> dict[str, object]:
    (stream,) = job.config_snapshot["config"]["streams"]
    days = job.config_snapshot["guards"].get("plan_days", DAYS)
    return {
        "state": Plan.State.REFUSED if refusal else Plan.State.SEALED,
        "refusal": refusal[:500],
        "digest": "" if refusal else digest_changes(job.pk),
        "changes": job.tally.changed,
        "basis": basis_of(job.job_type, stream),
        "sealed_at": now,
        "expires_at": now + timedelta(days=days),
    }


def _why_not_approved(job: SyncJob) -> str:
    if not job.tally.changed:
        return "it would change nothing"
    if reason := why_not_kept(job):
        return reason
    target = job.job_type.target_connector
    if target is None or not can_apply(connector_class(target.kind)):
        return "plans are not possible with a target of this kind"
    return _repeated_key(job)


def _repeated_key(job: SyncJob) -> str:
    """A dry run compares each batch with the same records, so a record that comes twice would be changed twice."""
    hashes = Change.objects.filter(job=job).order_by("key_hash").values("key_hash").annotate(number=Count("pk"))
    found = hashes.filter(number__gt=1).values_list("key_hash", flat=True).first()
    if found is None:
        return ""
    change = Change.objects.filter(job=job, key_hash=found)[0]
    name = ", ".join(f"{field}={value}" for field, value in change.key.items())
    return f"record {name} would be changed several times, so its key does not tell records apart"
