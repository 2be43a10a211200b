"""The only functions that change a job's status, and the conflict they raise. Every move leaves a JobEvent."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from syncjobs.lifecycle.actions import REFUSALS, allowed_actions, describe_state
from syncjobs.lifecycle.chain_starts import asking_for_chains
from syncjobs.lifecycle.chunks import in_chunks
from syncjobs.lifecycle.nudges import nudge_dispatcher, nudge_for_free_slot
from syncjobs.lifecycle.statements import Statement, change_one, insertion, run_together, update
from syncjobs.models import JobEvent, SyncJob
from syncjobs.statuses import FINAL, Status, can_move
from syncjobs.texts import storable_text


class StatusConflict(Exception):
    """The job is not (or no longer) where the asked move or action is legal; lists what is allowed instead."""

    def __init__(self, job: SyncJob, asked: Status | str, because: str = "") -> None:
        actions = allowed_actions(job)
        refusal = because or (f"it cannot become {asked.value}" if isinstance(asked, Status) else REFUSALS[asked])
        what_is_left = f"allowed now: {', '.join(actions)}" if actions else "nothing can be done to it now"
        super().__init__(f"job #{job.pk} is {describe_state(job)}, so {refusal}; {what_is_left}")
        self.job_id = job.pk
        self.status = Status(job.status)
        self.allowed_actions = actions


def move_job(
    job_id: int,
    new: Status,
    *,
    reason: str,
    actor: str,
    now: datetime,
    fence: int | None = None,
    version: int | None = None,
    **updates: Any,
) -> SyncJob:
    """Move a job if that is legal from where it is; returns it afterwards.

    With `fence` only if its worker still owns it; with `version` only if it is just as the caller has read it.
    Raises StatusConflict, and SyncJob.DoesNotExist. `updates` are further columns of the same UPDATE.
    """
    with transaction.atomic():
        job = SyncJob.objects.get(pk=job_id)
        while True:
            old = Status(job.status)
            is_same = fence in (None, job.fence) and version in (None, job.version)
            if not is_same or not can_move(old, new):
                raise StatusConflict(job, new)
            same = SyncJob.objects.filter(pk=job_id, status=old.value, fence=job.fence)
            if version is not None:
                same = same.filter(version=version)
            if same.update(**(_columns(old, new, now) | updates)):
                break
            job.refresh_from_db()
        record_event(job_id, old, new, reason=reason, actor=actor, now=now)
        _nudge_if_useful(old, new)
        job.refresh_from_db()
    return job


def move_own_job(
    job: SyncJob, new: Status, *, reason: str, now: datetime, also: Sequence[Statement] = (), **updates: Any
) -> SyncJob:
    """Move a started job that the caller has claimed, by one fenced UPDATE; returns it as it is then.

    `also` is done in the same transaction. Raises StatusConflict if the job is no longer the caller's, and
    SyncJob.DoesNotExist; then whatever else the transaction did is undone.
    """
    if not can_move(Status.STARTED, new):
        raise StatusConflict(job, new)
    changes = _columns(Status.STARTED, new, now) | updates
    del changes["version"]  # is one more, whatever it has become meanwhile
    # Written so, it goes by the primary key, not by the index of started jobs, whose entries are mostly dead.
    mine = "id = %s AND status || '' = %s AND fence = %s", [job.pk, Status.STARTED.value, job.fence]
    with transaction.atomic(savepoint=False):
        event = event_of_move(job.pk, Status.STARTED, new, reason=reason, actor=job.lease_owner, now=now)
        next_ones = [] if changes.get("retry_after") else asking_for_chains(job, new, now)
        if not change_one(update(SyncJob, changes, *mine, one_more=["version"]), event, *also, *next_ones):
            raise StatusConflict(SyncJob.objects.get(pk=job.pk), new)
        if new is Status.QUEUED:
            nudge_dispatcher()
        else:
            nudge_for_free_slot()
    return _changed(job, changes)


def _changed(job: SyncJob, changes: Mapping[str, Any]) -> SyncJob:
    """A copy of the job with what was stored; its version is read when somebody asks for it."""
    changed = copy.copy(job)
    for name, value in changes.items():
        setattr(changed, name, value)
    changed.__dict__.pop("version", None)
    return changed


def move_jobs(
    job_ids: Iterable[int],
    new: Status,
    *,
    reason: str,
    actor: str,
    now: datetime,
    among: Q | None = None,
    **updates: Any,
) -> list[int]:
    """Move many jobs, in short transactions: those that may legally become `new` and, if given, are `among`.

    Returns the ids that were moved, ascending. Whatever moved meanwhile or is gone is left alone, without an event.
    """
    moved: list[int] = []
    for chunk in in_chunks(sorted(set(job_ids))):
        with transaction.atomic():
            found = _lock_movable(chunk, new, among or Q())
            for old in set(found.values()):
                same = SyncJob.objects.filter(pk__in=[pk for pk in found if found[pk] is old], status=old.value)
                same.update(**(_columns(old, new, now) | updates))
                _nudge_if_useful(old, new)
            if found:
                events = (
                    _event(job_id, old, new, reason=reason, actor=actor, now=now) for job_id, old in found.items()
                )
                run_together(insertion(JobEvent, list(events)))
        moved += found
    return moved


def _lock_movable(job_ids: list[int], new: Status, among: Q) -> dict[int, Status]:
    """{id: status} of those that may be moved. They stay so: locked in the order of id, or on SQLite by IMMEDIATE."""
    sources = [old.value for old in Status if can_move(old, new)]
    rows = SyncJob.objects.filter(among, pk__in=job_ids, status__in=sources).order_by("pk")
    locked = rows.select_for_update(no_key=True).values_list("pk", "status")
    return {pk: Status(status) for pk, status in locked}


def _columns(old: Status, new: Status, now: datetime) -> dict[str, Any]:
    """What changes with the status, whoever moves the job."""
    changes: dict[str, Any] = {"status": new.value, "version": F("version") + 1, "wait_reason": "", "phase": ""}
    if old is Status.STARTED:  # whoever leaves this status gives up the lease with it
        changes |= {"lease_owner": "", "lease_until": None}
    if old in (Status.FAILED, Status.ERROR):  # no longer one of the failures that somebody has to look at
        changes["failure_fingerprint"] = None
    if new is Status.QUEUED:  # a new turn: whatever was sent for an earlier one no longer wakes anybody
        changes |= {"dispatch_id": None, "sent_at": None, "available_at": now, "ended_at": None, "retry_after": None}
        changes |= {"cancel_requested_at": None, "pause_requested_at": None}
    if new in FINAL:
        changes |= {"ended_at": now, "retry_after": None}
    return changes


def _nudge_if_useful(old: Status, new: Status) -> None:
    if new is Status.QUEUED or old is Status.STARTED:  # there is one more to send, or one more slot
        nudge_dispatcher()


def record_event(job_id: int, old: Status | None, new: Status, *, reason: str, actor: str, now: datetime) -> None:
    """Write the row that explains a status; `old` is None for the first one."""
    run_together(event_of_move(job_id, old, new, reason=reason, actor=actor, now=now))


def event_of_move(job_id: int, old: Status | None, new: Status, *, reason: str, actor: str, now: datetime) -> Statement:
    """The statement that writes such a row."""
    return insertion(JobEvent, [_event(job_id, old, new, reason=reason, actor=actor, now=now)])


def _event(job_id: int, old: Status | None, new: Status, *, reason: str, actor: str, now: datetime) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "old": old.value if old else "",
        "new": new.value,
        "reason": storable_text(reason)[:500],
        "actor": actor,
        "created_at": now,
    }
