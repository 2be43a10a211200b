"""`sync start`, `cancel`, `pause` and the other verbs: each done to one or several jobs. Operations decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.management.base import CommandError

from syncjobs.lifecycle import StatusConflict
from syncjobs.management.following import look_up
from syncjobs.management.identities import terminal_user
from syncjobs.management.outcomes import find_job, judge_end, tell_end, wait_for
from syncjobs.management.terminal import FAILED, NOT_FOUND, Terminal, sentence
from syncjobs.models import SyncJob
from syncjobs.operations import jobs, plans
from syncjobs.operations.descriptions import describe_job
from syncjobs.operations.reverting import revert_job
from syncjobs.operations.run_requests import RunRefused
from syncjobs.statuses import Status, Trigger


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verb did: in words, and the job to look at afterwards, or `facts` of one that is no more."""

    job_id: int
    words: str
    facts: dict[str, Any] | None = None

    def describe(self) -> dict[str, Any]:
        return self.facts or describe_job(look_up(self.job_id))


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options of a verb."""

    reason: str = ""
    force: bool = False


# 1. What each verb does, and says


def _plainly(verb: Callable[..., SyncJob], done: str, asked: str = "") -> Callable[[int, Wishes], Answer]:
    """A verb that moves the job itself; `asked` is said where its worker has to act on it first."""

    def act(job_id: int, wishes: Wishes) -> Answer:
        job = verb(job_id, actor=terminal_user(), reason=wishes.reason)
        return Answer(job.pk, f"Job #{job.pk} {asked if asked and job.status == Status.STARTED else done}.")

    return act


def _restart(job_id: int, wishes: Wishes) -> Answer:
    job = jobs.restart_job(job_id, actor=terminal_user(), force=wishes.force)
    if job.was_waiting:
        return Answer(job.pk, f"Job #{job_id} needs no restart: job #{job.pk} waits already with its dedupe key.")
    return Answer(job.pk, f"Job #{job_id} is restarted as #{job.pk}.")


def _approve(job_id: int, wishes: Wishes) -> Answer:
    job = plans.approve(job_id, actor=terminal_user(), reason=wishes.reason)
    if job.dry_run and job.status == Status.FINISHED:
        return Answer(job_id, f"The plan of job #{job_id} is approved; apply it with: manage.py sync apply {job_id}")
    return Answer(job_id, f"Job #{job_id} is approved, and queued.")


def _apply(job_id: int, _wishes: Wishes) -> Answer:
    job = plans.apply_plan(job_id, trigger=Trigger.CLI, actor=terminal_user())
    return Answer(job.pk, f"The plan of job #{job_id} is applied by job #{job.pk}, which is queued.")


def _revert(job_id: int, _wishes: Wishes) -> Answer:
    job = revert_job(job_id, actor=terminal_user())
    return Answer(job.pk, f"Job #{job_id} is reverted by job #{job.pk}, which is queued.")


def _delete(job_id: int, _wishes: Wishes) -> Answer:
    deleted = jobs.delete_job(job_id, actor=terminal_user())
    children = f" with {_count(deleted - 1)}" if deleted > 1 else ""
    return Answer(job_id, f"Job #{job_id} is deleted{children}.", {"id": job_id, "deleted": deleted})


def _retry_children(job_id: int, _wishes: Wishes) -> Answer:
    number = jobs.retry_children(job_id, actor=terminal_user())
    return Answer(job_id, f"Job #{job_id}: {_count(number)} queued again.")


def _cancel_children(job_id: int, wishes: Wishes) -> Answer:
    number = jobs.cancel_children(job_id, actor=terminal_user(), reason=wishes.reason)
    return Answer(job_id, f"Job #{job_id}: {_count(number)} canceled, or asked to stop.")


def _count(children: int) -> str:
    return f"{children:,} {'child' if children == 1 else 'children'}"


ACTS: dict[str, Callable[[int, Wishes], Answer]] = {
    "start": _plainly(jobs.start_job, "is queued"),
    "cancel": _plainly(jobs.cancel_job, "is canceled", "is asked to stop"),
    "pause": _plainly(jobs.pause_job, "is paused", "is asked to pause"),
    "resume": _plainly(jobs.resume_job, "is queued again"),
    "retry": _plainly(jobs.retry_job, "is queued again"),
    "restart": _restart,
    "approve": _approve,
    "apply": _apply,
    "revert": _revert,
    "discard": _plainly(jobs.discard_job, "is discarded"),
    "delete": _delete,
    "retry-children": _retry_children,
    "cancel-children": _cancel_children,
}

# 2. Doing it to one or several


def decide(
    terminal: Terminal,
    *,
    action: str,
    job_ids: list[int],
    as_json: bool,
    wait: bool = False,
    is_agreed: bool = True,
    reason: str = "",
    force: bool = False,
    **_general: Any,
) -> int:
    """Do `action` to each job and tell of each; returns the exit code. CommandError if the only one is refused."""
    ids = list(dict.fromkeys(job_ids))
    if action == "delete":
        ids.sort(reverse=True)  # children before the parents that would take them along
    if not is_agreed and not terminal.is_agreed(f"Delete {_names(ids)} with changes, logs and children?"):
        terminal.warn("Nothing was deleted.")
        return FAILED
    answers, refused = [], {}
    for job_id in ids:
        try:
            find_job(job_id)
            answers.append(ACTS[action](job_id, Wishes(reason, force)))
        except (SyncJob.DoesNotExist, StatusConflict, RunRefused) as problem:
            refused[job_id] = sentence(problem)
            continue
        if not as_json and not wait:
            terminal.write(answers[-1].words)
    if len(ids) == 1:
        return _tell_one(terminal, answers, refused, wait=wait, as_json=as_json)
    return _tell_several(terminal, answers, refused, wait=wait, as_json=as_json)


def _names(ids: list[int]) -> str:
    return f"job #{ids[0]}" if len(ids) == 1 else f"{len(ids):,} jobs"


def _tell_one(terminal: Terminal, answers: list[Answer], refused: dict[int, str], *, wait: bool, as_json: bool) -> int:
    if refused:
        raise CommandError(*refused.values(), returncode=NOT_FOUND)
    (answer,) = answers
    if wait:
        return tell_end(terminal, wait_for(terminal, answer.job_id), as_json=as_json)
    if as_json:
        terminal.write_json(answer.describe())
    return 0


def _tell_several(
    terminal: Terminal, answers: list[Answer], refused: dict[int, str], *, wait: bool, as_json: bool
) -> int:
    for message in refused.values():
        terminal.warn(message)
    codes = [NOT_FOUND] if refused else []
    for answer in answers if wait else ():
        job = wait_for(terminal, answer.job_id)
        codes.append(judge_end(terminal, job) if as_json else tell_end(terminal, job, as_json=False))
    if as_json:
        terminal.write_json({"done": [answer.describe() for answer in answers], "refused": refused})
    return max(codes, default=0)
