"""One action on many jobs: by sets where it is a plain move, else one at a time. What is refused says why."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.db.models import Q

from syncjobs.clock import db_now
from syncjobs.lifecycle import (
    StatusConflict,
    move_jobs,
    plain_actions,
    statuses_that_allow,
)
from syncjobs.lifecycle.chunks import in_chunks
from syncjobs.models import SyncJob
from syncjobs.operations.job_verbs import PLAIN_ACTIONS, Verb, plain_verb
from syncjobs.operations.jobs import (
    LEADS_BACK,
    act_plainly,
    cancel_children,
    delete_job,
    delete_jobs,
    restart_job,
    retry_children,
)
from syncjobs.operations.many_moves import ask_many, move_many
from syncjobs.operations.visible import visible_jobs
from syncjobs.statuses import DONE, Status

ALL_ACTIONS = PLAIN_ACTIONS | {"restart", "delete", "retry_children", "cancel_children"}
JUDGED_BY = ("status", "cancel_requested_at", "pause_requested_at", "retry_after")


@dataclass(frozen=True, slots=True)
class BulkResult:
    """The jobs on which the action was done, and {job id: sentence} for the others."""

    done: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


def act_on_jobs(
    job_ids: Iterable[int], action: str, *, actor: str, reason: str = "", user: User | None = None
) -> BulkResult:
    """Do the action (a name of `allowed_actions`) on each job. Raises ValueError for a name that is no action."""
    if action not in ALL_ACTIONS:
        raise ValueError(f"there is no action '{action}'; choose one of: {', '.join(sorted(ALL_ACTIONS))}")
    result = BulkResult()
    for chunk in in_chunks(sorted(set(job_ids), reverse=True)):  # children before the parents that may take them along
        allowed = _judge(chunk, action, result)
        done = _by_sets(allowed, action, actor, reason)
        result.done.extend(sorted(done))
        for job_id in (job_id for job_id in allowed if job_id not in done):
            _by_itself(job_id, _single(action, actor, reason, user), result)
    result.done.sort()
    return result


def _judge(job_ids: list[int], action: str, result: BulkResult) -> list[int]:
    """Those on which the action is allowed now; the others are refused."""
    jobs = visible_jobs().only(*JUDGED_BY).in_bulk(job_ids)
    allowed = []
    for job_id in job_ids:
        job = jobs.get(job_id)
        if job is None:
            result.refused[job_id] = f"there is no job #{job_id}"
        elif action in plain_actions(job):
            allowed.append(job_id)
        else:
            result.refused[job_id] = str(StatusConflict(job, action))
    return allowed


def _by_sets(job_ids: list[int], action: str, actor: str, reason: str) -> set[int]:
    """The jobs on which it is done already; what moved meanwhile, or needs care of its own, is left."""
    if action in PLAIN_ACTIONS:
        return _move(job_ids, plain_verb(action, actor=actor, reason=reason, now=db_now()))
    return _delete(job_ids, actor, reason) if action == "delete" else set()


def _move(job_ids: list[int], verb: Verb) -> set[int]:
    waiting = [status.value for status in statuses_that_allow(verb.action) if status is not Status.STARTED]
    moved = move_many(job_ids, verb, Q(status__in=waiting))
    left = set(job_ids) - set(moved)
    asked = ask_many(left, verb) if verb.action in ("pause", "cancel") else []
    return {*moved, *asked}


def _delete(job_ids: list[int], actor: str, reason: str) -> set[int]:
    text = reason or f"deleted by {actor}"
    alone = visible_jobs().filter(pk__in=job_ids, children__isnull=True)
    back = Q(status__in=LEADS_BACK, retry_after__isnull=True)
    ids = list(alone.filter(back).values_list("pk", flat=True))
    move_jobs(ids, Status.CANCELED, reason=text, actor=actor, now=db_now(), among=back)
    over = alone.filter(status__in=(*DONE, Status.CANCELED))
    found = list(over.values_list("pk", flat=True))
    delete_jobs(found, actor=actor, reason=reason)
    return set(found)


def _single(action: str, actor: str, reason: str, user: User | None) -> Callable[[int], object]:
    if action == "restart":
        return lambda job_id: restart_job(job_id, actor=actor, user=user)
    if action == "delete":
        return lambda job_id: delete_job(job_id, actor=actor)
    if action == "retry_children":
        return lambda job_id: retry_children(job_id, actor=actor)
    if action == "cancel_children":
        return lambda job_id: cancel_children(job_id, actor=actor, reason=reason)
    return lambda job_id: act_plainly(job_id, action, actor=actor, reason=reason)


def _by_itself(job_id: int, act: Callable[[int], object], result: BulkResult) -> None:
    try:
        act(job_id)
    except StatusConflict as conflict:
        result.refused[job_id] = str(conflict)
    except SyncJob.DoesNotExist:
        result.refused[job_id] = f"there is no job #{job_id}"
    else:
        result.done.append(job_id)
