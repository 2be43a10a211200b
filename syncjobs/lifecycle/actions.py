"""What may be done to a job in its present status. The single list that pages, commands and conflicts show."""

from __future__ import annotations

from django.utils import timezone

from syncjobs.lifecycle.kept_changes import is_given_changes, why_not_reverted
from syncjobs.lifecycle.plans import plan_of, why_not_applied
from syncjobs.models import Plan, SyncJob
from syncjobs.statuses import Status

ACTIONS: dict[Status, tuple[str, ...]] = {
    Status.PENDING: ("start", "cancel", "delete"),
    Status.QUEUED: ("pause", "cancel"),
    Status.STARTED: ("pause", "cancel"),
    Status.PAUSED: ("resume", "restart", "cancel", "delete"),
    Status.HELD: ("approve", "discard", "delete"),
    Status.FINISHED: ("restart", "delete"),
    Status.SKIPPED: ("restart", "delete"),
    Status.RELAYED: ("retry_children", "cancel_children", "restart", "delete"),
    Status.NO_TARGET: ("restart", "delete"),
    Status.FAILED: ("retry", "restart", "cancel", "delete"),
    Status.ERROR: ("retry", "restart", "cancel", "delete"),
    Status.CANCELED: ("restart", "delete"),
}
REFUSALS = {
    "start": "it cannot be started",
    "pause": "it cannot be paused",
    "resume": "it cannot be resumed",
    "retry": "it cannot be retried",
    "restart": "it cannot be restarted",
    "cancel": "it cannot be canceled",
    "approve": "there is nothing to approve",
    "apply": "there is nothing to apply",
    "revert": "it cannot be reverted",
    "discard": "there is nothing to discard",
    "delete": "it cannot be deleted",
    "retry_children": "it has no child jobs to retry",
    "cancel_children": "it has no child jobs to cancel",
}
"""Every action, and what is said where it is not allowed."""


def allowed_actions(job: SyncJob) -> list[str]:
    """Names of the operations that would be accepted now; a started job that is being canceled allows none."""
    plain = plain_actions(job)
    if is_given_changes(job.config_snapshot):  # what it does is asked for anew where it came from
        plain = [action for action in plain if action != "restart"]
    return [*_with_its_changes(job), *plain]


def _with_its_changes(job: SyncJob) -> list[str]:
    """What may be done with the changes that the job keeps."""
    if not job.dry_run:
        return [] if why_not_reverted(job) else ["revert"]
    plan = plan_of(job) if job.status == Status.FINISHED else None
    if plan is None or why_not_applied(plan, timezone.now()):
        return []
    return ["apply"] if plan.state == Plan.State.APPROVED else ["approve"]


def plain_actions(job: SyncJob) -> list[str]:
    """The same as far as the job's status says it, for lists: nothing that looks at its changes."""
    status = Status(job.status)
    if status is Status.STARTED and job.cancel_requested_at is not None:
        return []
    return [action for action in ACTIONS[status] if not _is_too_late(action, job)]


def _is_too_late(action: str, job: SyncJob) -> bool:
    if action == "pause":
        return job.status == Status.STARTED and job.pause_requested_at is not None
    return action == "delete" and job.retry_after is not None


def statuses_that_allow(action: str) -> list[Status]:
    """The statuses from which an action is allowed, whatever else the row says."""
    return [status for status, actions in ACTIONS.items() if action in actions]


def describe_state(job: SyncJob) -> str:
    """Where a job is, in the middle of a sentence: "started and asked to pause"."""
    label = Status(job.status).label.lower()
    if job.status == Status.STARTED and job.cancel_requested_at is not None:
        return f"{label} and asked to stop"
    if job.status == Status.STARTED and job.pause_requested_at is not None:
        return f"{label} and asked to pause"
    return f"{label} with a retry due" if job.retry_after is not None else label
