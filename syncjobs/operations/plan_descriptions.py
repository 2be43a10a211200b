"""Plans, reversals and conflicts as people and programs read them. Reads only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from syncjobs.lifecycle.kept_changes import is_given_changes, why_not_reverted
from syncjobs.lifecycle.plans import find_plan, why_not_applied
from syncjobs.models import Conflict, Plan, SyncJob
from syncjobs.operations.reverting import reversals_of
from syncjobs.statuses import Status

MOST_CONFLICTS = 100  # that one answer describes


def plan_text(job: SyncJob, now: datetime) -> str:
    """How the plan of a dry run stands, in a sentence or two; empty for jobs that have none."""
    plan = find_plan(job.pk) if job.dry_run and job.status == Status.FINISHED else None
    if plan is None:
        return ""
    if plan.state == Plan.State.APPLIED:
        return (
            f"Approved by {plan.approved_by} and applied{f' as #{plan.applied_job_id}' if plan.applied_job_id else ''}."
        )
    if reason := why_not_applied(plan, now):
        return f"It can not be approved or applied, since {reason}."
    until = f"{timezone.localtime(plan.expires_at):%Y-%m-%d %H:%M}"
    changes = f"{plan.changes:,} change{'' if plan.changes == 1 else 's'}"
    if plan.state == Plan.State.APPROVED:
        return f"Approved by {plan.approved_by}; its {changes} can be applied until {until}."
    return f"Sealed with {changes}. Look at them, then approve it; it expires on {until}."


def related_jobs(job: SyncJob) -> list[tuple[str, int]]:
    """The jobs whose changes this one makes or unmakes, and those that unmake its own: (label, number)."""
    found: list[tuple[str, int]] = []
    if "plan" in job.config_snapshot:
        found.append(("Applies the plan of", job.config_snapshot["plan"]["job"]))
    if "revert" in job.config_snapshot:
        found.append(("Reverts", job.config_snapshot["revert"]["job"]))
    if not why_not_reverted(job):
        found += [("Reverted as", number) for number in reversals_of(job)]
    return found


def conflicts_of(job: SyncJob, most: int) -> list[Conflict]:
    """The first records that the job left alone, since they were not as it expected."""
    return list(Conflict.objects.filter(job=job)[:most]) if is_given_changes(job.config_snapshot) else []


def describe_changes(job: SyncJob) -> dict[str, Any]:
    """The plan of a job, and its first conflicts; the number of all is in its counts, as skipped."""
    plan = find_plan(job.pk) if job.dry_run else None
    conflicts = conflicts_of(job, MOST_CONFLICTS)
    return {"plan": plan and _describe_plan(plan), "conflicts": [describe_conflict(one) for one in conflicts]}


def _describe_plan(plan: Plan) -> dict[str, Any]:
    return {
        "state": plan.state,
        "refusal": plan.refusal or None,
        "digest": plan.digest or None,
        "changes": plan.changes,
        "sealed_at": _moment(plan.sealed_at),
        "expires_at": _moment(plan.expires_at),
        "approved_at": _moment(plan.approved_at),
        "approved_by": plan.approved_by or None,
        "applied_job": plan.applied_job_id,
    }


def describe_conflict(conflict: Conflict) -> dict[str, Any]:
    """`fields` is {name: [expected, found]}."""
    names = ("id", "stream", "key", "operation", "reason", "fields")
    return {name: getattr(conflict, name) for name in names}


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
