"""The verbs of a job as the portal offers them: button, question, operation, and the sentence afterwards.

Which of them are offered is for lifecycle.allowed_actions to say.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.urls import reverse

from syncjobs.lifecycle import allowed_actions, plain_actions
from syncjobs.models import Attempt, Change, JobLog, SyncJob
from syncjobs.operations import plans
from syncjobs.operations.jobs import act_plainly, cancel_children, delete_job, restart_job, retry_children
from syncjobs.operations.reverting import revert_job
from syncjobs.portal.forms.action_forms import ActionForm, ForceForm, ReasonForm
from syncjobs.portal.pages import Needs
from syncjobs.portal.plan_facts import applying, reverting
from syncjobs.portal.words import plural
from syncjobs.statuses import Status, Trigger, can_move

MOST_COUNTED = 100_000
RIGHTS_OF_THEIR_OWN: dict[str, Needs] = {"approve": "approve", "delete": "delete"}
Rights = Collection[Needs]
"""The permissions on jobs that somebody has."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A verb asked of one job by one person, with what the form held."""

    action: str
    job_id: int
    user: User
    reason: str = ""
    force: bool = False

    @property
    def actor(self) -> str:
        return self.user.get_username()


@dataclass(frozen=True, slots=True)
class Answer:
    """What was done, and the job to look at next; None where there is none left."""

    sentence: str
    job_id: int | None


@dataclass(frozen=True, slots=True)
class Action:
    """One verb; with a form it is asked about before it is done. `kind` colours its button: "", primary or bad."""

    name: str
    label: str
    kind: str
    do: Callable[[Ask], Answer]
    form: type[ActionForm] | None = None
    question: str = ""
    consequence: Callable[[SyncJob], str] | str = ""

    @property
    def asks(self) -> bool:
        return self.form is not None

    def consequence_for(self, job: SyncJob) -> str:
        """What will happen to this job, as the question says it."""
        return self.consequence if isinstance(self.consequence, str) else self.consequence(job)

    @property
    def needs(self) -> Needs:
        """The permission on jobs that it takes."""
        return RIGHTS_OF_THEIR_OWN.get(self.name, "change")

    def address(self, job_id: int) -> str:
        return reverse(f"admin:job_{self.name}", args=[job_id])


@dataclass(frozen=True, slots=True)
class Offer:
    """A verb as a button of one job."""

    action: Action
    address: str


def offers(job: SyncJob, rights: Rights, *, in_list: bool = False) -> list[Offer]:
    """The buttons of a job: exactly what would be accepted now of this person, in that order.

    In a list they go by the job's status alone, so that no change or plan is looked at.
    """
    actions = [ACTIONS[name] for name in (plain_actions if in_list else allowed_actions)(job)]
    return [Offer(action, action.address(job.pk)) for action in actions if action.needs in rights]


# 1. doing


TOLD = {
    ("start", Status.QUEUED): "is queued",
    ("pause", Status.PAUSED): "is paused; it keeps its position",
    ("pause", Status.STARTED): "was asked to pause; it stops within 5 s and keeps its position",
    ("resume", Status.QUEUED): "is queued again; it goes on from where it stopped",
    ("retry", Status.QUEUED): "is queued again; it goes on from where it stopped",
    ("discard", Status.CANCELED): "is discarded; it has written nothing",
    ("cancel", Status.CANCELED): "is canceled",
    ("cancel", Status.STARTED): "was asked to stop; it ends within 10 s",
}


def _do_plainly(ask: Ask) -> Answer:
    job = act_plainly(ask.job_id, ask.action, actor=ask.actor, reason=ask.reason)
    status = Status(job.status)
    return Answer(f"Job #{job.pk} {TOLD.get((ask.action, status)) or f'is {status.label.lower()} now'}.", job.pk)


def _restart(ask: Ask) -> Answer:
    job = restart_job(ask.job_id, actor=ask.actor, user=ask.user, force=ask.force)
    what = "waits already and does the same" if job.was_waiting else f"is queued in place of #{ask.job_id}"
    return Answer(f"Job #{job.pk} {what}.", job.pk)


def _approve(ask: Ask) -> Answer:
    job = plans.approve(ask.job_id, actor=ask.actor)
    if job.dry_run and job.status == Status.FINISHED:
        return Answer(f"The plan of job #{job.pk} is approved. It can be applied now.", job.pk)
    return Answer(f"Job #{job.pk} is approved and queued.", job.pk)


def _apply(ask: Ask) -> Answer:
    job = plans.apply_plan(ask.job_id, trigger=Trigger.MANUAL, actor=ask.actor, user=ask.user)
    return Answer(f"Job #{job.pk} applies the plan of #{ask.job_id}. It is queued.", job.pk)


def _revert(ask: Ask) -> Answer:
    job = revert_job(ask.job_id, actor=ask.actor, user=ask.user)
    return Answer(f"Job #{job.pk} reverts #{ask.job_id}. It is queued.", job.pk)


def _delete(ask: Ask) -> Answer:
    number = delete_job(ask.job_id, actor=ask.actor)
    also = f" with {plural(number - 1, 'child job')}" if number > 1 else ""
    return Answer(f"Job #{ask.job_id} is deleted{also}.", None)


def _retry_children(ask: Ask) -> Answer:
    number = retry_children(ask.job_id, actor=ask.actor)
    if not number:
        return Answer("No child job has failed, so there is none to retry.", ask.job_id)
    return Answer(f"{plural(number, 'child job is', 'child jobs are')} queued again.", ask.job_id)


def _cancel_children(ask: Ask) -> Answer:
    number = cancel_children(ask.job_id, actor=ask.actor, reason=ask.reason)
    if not number:
        return Answer("All child jobs are over, so there is none to cancel.", ask.job_id)
    return Answer(f"{plural(number, 'child job is', 'child jobs are')} canceled or asked to stop.", ask.job_id)


# 2. what will happen


def _canceling(job: SyncJob) -> str:
    if job.status == Status.STARTED:
        return (
            "It stops within 10 seconds. What it has committed so far stays in the target and is counted; "
            "the batch in hand is undone."
        )
    return "It ends at once. What it has already written stays in the target and is counted."


def _restarting(job: SyncJob) -> str:
    version = f" (version {job.type_version.number} of the job type)" if job.type_version else ""
    new = f"A new job does the same from the beginning, by the configuration that this one had{version}."
    if can_move(Status(job.status), Status.CANCELED):
        return f"{new} This one is canceled, and says that it was restarted."
    return f"{new} This one stays as it is."


def _deleting(job: SyncJob) -> str:
    parts = [
        _counted(Change.objects.filter(job=job), "change"),
        _counted(JobLog.objects.filter(job=job), "log line"),
        _counted(Attempt.objects.filter(job=job), "attempt"),
    ]
    if job.children.exists():
        parts.append(f"{_counted(job.children.all(), 'child job')} and all that belongs to them")
    return (
        f"The job goes with its {', '.join(parts[:-1])} and {parts[-1]}. It cannot be brought back. "
        "What it has written stays in the target, and who deleted it stays on record."
    )


def _counted(rows: QuerySet[Change] | QuerySet[JobLog] | QuerySet[Attempt] | QuerySet[SyncJob], word: str) -> str:
    """How many, but never counting through millions of rows."""
    number = rows.order_by()[: MOST_COUNTED + 1].count()
    return f"more than {MOST_COUNTED:,} {word}s" if number > MOST_COUNTED else plural(number, word)


DISCARDING = "It ends as canceled. It has written nothing, and nothing will be written."
CANCELING_CHILDREN = (
    "All its child jobs that are not over are canceled. Those at work stop within 10 seconds; "
    "what they have committed stays in the target and is counted."
)


def _named(*actions: Action) -> dict[str, Action]:
    return {action.name: action for action in actions}


ACTIONS = _named(
    Action("start", "Start", "primary", _do_plainly),
    Action("resume", "Resume", "primary", _do_plainly),
    Action("retry", "Retry", "primary", _do_plainly),
    Action("approve", "Approve", "primary", _approve),
    Action("apply", "Apply", "primary", _apply, ActionForm, "Apply the plan of", applying),
    Action("pause", "Pause", "", _do_plainly),
    Action("restart", "Restart", "", _restart, ForceForm, "Restart", _restarting),
    Action("retry_children", "Retry failed children", "primary", _retry_children),
    Action(
        "cancel_children",
        "Cancel children",
        "bad",
        _cancel_children,
        ReasonForm,
        "Cancel the children of",
        CANCELING_CHILDREN,
    ),
    Action("cancel", "Cancel", "bad", _do_plainly, ReasonForm, "Cancel", _canceling),
    Action("revert", "Revert", "", _revert, ActionForm, "Revert", reverting),
    Action("discard", "Discard", "bad", _do_plainly, ReasonForm, "Discard", DISCARDING),
    Action("delete", "Delete", "bad", _delete, ActionForm, "Delete", _deleting),
)
