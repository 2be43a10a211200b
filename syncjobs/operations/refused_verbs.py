"""Why a verb is not accepted of a job now, and what to do instead, in sentences. Reads only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from syncjobs.lifecycle import allowed_actions
from syncjobs.lifecycle.actions import describe_state
from syncjobs.lifecycle.kept_changes import OVER, is_given_changes, why_not_reverted
from syncjobs.lifecycle.plans import find_plan, why_not_applied
from syncjobs.lifecycle.split_jobs import is_split
from syncjobs.models import Plan, SyncJob
from syncjobs.operations.jobs import busy_children
from syncjobs.operations.reverting import why_not_at_target
from syncjobs.statuses import DONE, Status

BEGIN_ANEW = "Restart it: a new job does the same from the beginning."
DECIDE = "Approve or discard it."
NEW_DRY_RUN = "Make a dry run of its type, and approve the plan of that."


@dataclass(frozen=True, slots=True)
class Refusal:
    """A sentence each; `instead` may be empty."""

    reason: str
    instead: str = ""


def why_refused(job: SyncJob, action: str, now: datetime) -> Refusal | None:
    """Why this action would be refused; None where it would be accepted."""
    if action in allowed_actions(job):
        return _despite_its_status(job, action)
    if job.status == Status.STARTED and job.cancel_requested_at is not None:
        return Refusal("It was asked to stop already, and ends within 10 seconds.", "Wait until it has ended.")
    if action in ("approve", "apply") and job.dry_run and job.status == Status.FINISHED:
        return _of_its_plan(job, action, now)
    return REASONS[action](job)


def _despite_its_status(job: SyncJob, action: str) -> Refusal | None:
    """What the operation looks at besides the job's own row."""
    if action in ("apply", "revert") and job.job_type.paused_at is not None:
        return Refusal(f"{job.job_type} is paused, so nothing of it starts.", "Resume the type first.")
    if action == "revert" and (reason := why_not_at_target(job)):
        return Refusal(f"It cannot be reverted, since {reason}.")
    if action == "delete" and (number := busy_children(job)):
        children = "1 child job is" if number == 1 else f"{number:,} child jobs are"
        return Refusal(f"{children} not over.", "Cancel the children first.")
    return None


def _of_its_plan(job: SyncJob, action: str, now: datetime) -> Refusal:
    plan = find_plan(job.pk)
    if plan is None:
        return Refusal("It left no plan.", NEW_DRY_RUN)
    if reason := why_not_applied(plan, now):
        return Refusal(f"Its plan cannot be {'approved' if action == 'approve' else 'applied'}, since {reason}.")
    if plan.state == Plan.State.APPROVED:
        return Refusal(f"{plan.approved_by} has approved its plan already.", "Apply the plan.")
    return Refusal("Nobody has approved its plan yet.", "Look at its changes, then approve it.")


def _start(job: SyncJob) -> Refusal:
    if job.status == Status.PAUSED:
        return Refusal("It has begun already and is paused.", "Resume it.")
    return Refusal("It was started already.", _after_that(job))


def _pause(job: SyncJob) -> Refusal:
    if job.status == Status.STARTED:
        return Refusal("It was asked to pause already, and stops within 5 seconds.")
    if job.status == Status.PENDING:
        return Refusal("Nobody has started it, so there is nothing to pause.")
    return Refusal(f"Nothing of it runs: it is {describe_state(job)}.", _after_that(job))


def _resume(job: SyncJob) -> Refusal:
    return Refusal(f"Only a paused job can be resumed; this one is {describe_state(job)}.", _after_that(job))


def _retry(job: SyncJob) -> Refusal:
    if job.status in DONE:
        return Refusal("It did not fail, so there is nothing to try again.", BEGIN_ANEW)
    if job.status == Status.CANCELED:
        return Refusal("It was canceled, and a canceled job does not go on.", BEGIN_ANEW)
    return Refusal(f"It has not failed: it is {describe_state(job)}.", _after_that(job))


def _restart(job: SyncJob) -> Refusal:
    if is_given_changes(job.config_snapshot):
        whence = "the job whose plan it applied" if "plan" in job.config_snapshot else "the job that it reverted"
        return Refusal(f"What it does is asked for anew on the page of {whence}.")
    if job.status == Status.PENDING:
        return Refusal("It has not begun.", "Start it.")
    return Refusal(f"It is not over: it is {describe_state(job)}.", _after_that(job) or "Cancel it first.")


def _cancel(job: SyncJob) -> Refusal:
    if job.status == Status.HELD:
        return Refusal("It is held, and has written nothing.", "Discard it.")
    if job.status == Status.CANCELED:
        return Refusal("It is canceled already.", BEGIN_ANEW)
    instead = "Revert it to bring back what was there before." if "revert" in allowed_actions(job) else ""
    return Refusal("It is over, so there is nothing to stop; what it wrote stays.", instead)


def _decide(job: SyncJob) -> Refusal:
    return Refusal(f"No guard has stopped it: it is {describe_state(job)}.", _after_that(job))


def _apply(_job: SyncJob) -> Refusal:
    return Refusal("It left no plan: only a dry run that has finished leaves one.", NEW_DRY_RUN)


def _revert(job: SyncJob) -> Refusal:
    if job.status not in OVER and not (job.dry_run or is_split(job)):
        return Refusal(f"There is nothing to bring back: it is {describe_state(job)}.", _after_that(job))
    return Refusal(f"It cannot be reverted, since {why_not_reverted(job)}.")


def _delete(job: SyncJob) -> Refusal:
    return Refusal(f"It is not over: it is {describe_state(job)}.", "Cancel it first.")


def _with_children(_job: SyncJob) -> Refusal:
    return Refusal("It has no child jobs: it did its work itself.")


def _after_that(job: SyncJob) -> str:
    """What its status leaves to do."""
    if job.status == Status.HELD:
        return DECIDE
    if job.status in (Status.FAILED, Status.ERROR):
        return "Retry it, and it goes on from where it stopped."
    return BEGIN_ANEW if "restart" in allowed_actions(job) else ""


REASONS: dict[str, Callable[[SyncJob], Refusal]] = {
    "start": _start,
    "pause": _pause,
    "resume": _resume,
    "retry": _retry,
    "restart": _restart,
    "cancel": _cancel,
    "approve": _decide,
    "discard": _decide,
    "apply": _apply,
    "revert": _revert,
    "delete": _delete,
    "retry_children": _with_children,
    "cancel_children": _with_children,
}
