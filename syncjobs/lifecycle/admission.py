"""Whose turn it is: admits queued jobs under the limits of queue, connector and target. Knows no broker."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, Window
from django.db.models.functions import RowNumber

from syncjobs.lifecycle.moves import move_jobs
from syncjobs.lifecycle.nudges import nudge_dispatcher
from syncjobs.lifecycle.occupancy import (
    Occupancy,
    first_holders,
    holder_of_target,
    kept_by_target,
    read_occupancy,
    ready_jobs,
    sent_jobs,
    waiting_jobs,
)
from syncjobs.lifecycle.turns import Turns
from syncjobs.models import SyncJob
from syncjobs.querysets import JobQuerySet
from syncjobs.statuses import Status

ADMISSION_LOCK = 7_262_335  # any constant; pg_advisory_xact_lock wants a number
MOST_SKIPPED = 500  # in one round
IN_ORDER = ("-priority", "pk")


@dataclass(frozen=True, slots=True)
class Admitted:
    """A job whose wake-up may be sent."""

    job_id: int
    dispatch_id: uuid.UUID
    queue: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A job that nothing but the want of a slot may keep waiting."""

    job_id: int
    queue: str
    job_type_id: int
    concurrency_key: str
    priority: int
    round: int = 0  # it is the n-th of its type; 0 where types need not take turns

    @property
    def order(self) -> tuple[int, int]:
        return -self.priority, self.job_id


CANDIDATE_COLUMNS = ("pk", "queue", "job_type_id", "concurrency_key", "priority")


def admit_jobs(now: datetime, *, sends_ahead: bool = True, turns: Turns | None = None) -> list[Admitted]:
    """Admit whoever's turn it is, in one short transaction; skip those that their type skips for an overlap.

    `sends_ahead` lets further jobs wait in the broker, so that no worker idles between two: as many again as there
    are slots, or more where `turns` says that the workers are quick.
    """
    turns = turns or Turns()
    with _admission_lock():
        occupancy = read_occupancy(now)
        turns.see(occupancy.sent, now)
        free = _free_slots(occupancy, turns if sends_ahead else None)
        admitted = []
        while candidates := _candidates(occupancy, free, turns, now):
            chosen = _choose(candidates, occupancy, free)
            admitted += _admit(chosen)
            turns.serve(job.job_type_id for job in chosen)
            if not chosen or len(chosen) == len(candidates):
                break
        turns.leave(occupancy.sent, now)
        _skip_overlapping(occupancy, now)
    return admitted


def admit_job(job_id: int, now: datetime) -> Admitted | str:
    """Admit one job that is to be run right here, whatever its queue; else the reason why it must wait."""
    with _admission_lock():
        job = waiting_jobs().filter(pk=job_id).first()
        if job is None:
            return "it is no longer waiting"
        occupancy = read_occupancy(now)
        if reason := occupancy.wait_of_type(job.job_type_id):
            return _note(job, reason)
        if holder := holder_of_target(job.concurrency_key, job.sibling_key):
            if _skip_overlapping(occupancy, now, only=job.pk):
                return "it was skipped"
            return _note(job, wait_for_holder(holder))
        admitted = _admit([Candidate(job.pk, job.queue, job.job_type_id, job.concurrency_key, job.priority)])
        SyncJob.objects.filter(pk=job_id).update(sent_at=now)
    return admitted[0] if admitted else "it is no longer waiting"


def withdraw_admission(job_ids: Iterable[int], dispatch_id: uuid.UUID) -> None:
    """Have those of these jobs that nobody has claimed wait for another turn, which may lead to another worker."""
    mine = sent_jobs().filter(pk__in=list(job_ids), dispatch_id=dispatch_id)
    with transaction.atomic():
        if mine.update(dispatch_id=None, sent_at=None):
            nudge_dispatcher()


def wait_for_holder(job_id: int) -> str:
    return f"waits for job #{job_id}, which has the same target"


@contextmanager
def _admission_lock() -> Iterator[None]:
    with transaction.atomic():  # on SQLite every transaction is IMMEDIATE, which is the lock
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADMISSION_LOCK])
        yield


def _free_slots(occupancy: Occupancy, turns: Turns | None) -> Counter[str]:
    """{queue: how many jobs may be admitted}; without `turns` nobody waits in the broker."""
    free: Counter[str] = Counter()
    for queue, slots in occupancy.slots.items():
        places = slots + (turns.ahead(queue, slots) if turns else 0)
        free[queue] = max(0, places - occupancy.started[queue] - occupancy.sent[queue])
    return +free


# 1. who may be next


def _candidates(occupancy: Occupancy, free: Counter[str], turns: Turns, now: datetime) -> list[Candidate]:
    """In the order of their turn: for each queue at least as many as it has free slots, if there are so many."""
    closed, limited = occupancy.closed_types(), occupancy.limited_types()
    found: list[Candidate] = []
    for queue, number in (+free).items():
        ready = ready_jobs(now).filter(queue=queue).exclude(job_type_id__in=closed).exclude(kept_by_target())
        found += _first(ready.exclude(job_type_id__in=limited), number)
        if open_types := set(limited) - set(closed):
            found += _first_of_each_type(ready.filter(job_type_id__in=open_types), number)
    return _in_fair_order(sorted(found, key=lambda job: job.order), turns)


def _first(jobs: JobQuerySet, number: int) -> Iterable[Candidate]:
    return [Candidate(*row) for row in jobs.order_by(*IN_ORDER).values_list(*CANDIDATE_COLUMNS)[:number]]


def _first_of_each_type(jobs: JobQuerySet, number: int) -> Iterable[Candidate]:
    place = Window(RowNumber(), partition_by="job_type_id", order_by=[F("priority").desc(), F("pk").asc()])
    first = jobs.annotate(round=place).filter(round__lte=number)
    return [Candidate(*row) for row in first.values_list(*CANDIDATE_COLUMNS, "round")]


def _in_fair_order(jobs: list[Candidate], turns: Turns) -> list[Candidate]:
    """Types that share a connector's slots take turns: of a priority each type's first comes before any second.

    They share only those places in the order that are theirs anyway, so other jobs neither gain nor lose.
    """

    def turn(job: Candidate) -> tuple[int, int, int, int]:
        return -job.priority, job.round, turns.last_served(job.job_type_id), job.job_id

    taking_turns = iter(sorted((job for job in jobs if job.round), key=turn))
    return [next(taking_turns) if job.round else job for job in jobs]


# 2. who is


def _choose(candidates: list[Candidate], occupancy: Occupancy, free: Counter[str]) -> list[Candidate]:
    chosen = []
    keys: set[str] = set()
    for job in candidates:
        if not free[job.queue] or job.concurrency_key in keys or occupancy.wait_of_type(job.job_type_id):
            continue
        occupancy.take(job.queue, job.job_type_id)
        free[job.queue] -= 1
        keys |= {job.concurrency_key} - {""}
        chosen.append(job)
    return chosen


def _admit(jobs: list[Candidate]) -> list[Admitted]:
    """One id for all that are admitted together: a message names its job, too, and the next turn has another id."""
    dispatch_id = uuid.uuid4()
    ids = {job.job_id for job in jobs}
    number = waiting_jobs().filter(pk__in=ids).update(dispatch_id=dispatch_id, sent_at=None, wait_reason="")
    if number < len(jobs):  # somebody has canceled or paused one while we chose it
        ids = set(SyncJob.objects.filter(pk__in=ids, dispatch_id=dispatch_id).values_list("pk", flat=True))
    return [Admitted(job.job_id, dispatch_id, job.queue) for job in jobs if job.job_id in ids]


# 3. who need not run, or waits


def _skip_overlapping(occupancy: Occupancy, now: datetime, only: int | None = None) -> int:
    """Skip newcomers whose target is held, of types that say so, unless they are forced; returns how many."""
    types = [pk for pk, gate in occupancy.gates.items() if gate.skips_overlap and not gate.is_paused]
    if not types:
        return 0
    ready = ready_jobs(now).filter(job_type_id__in=types, attempt=0, sibling_key="")
    overlapping = ready.filter(kept_by_target())
    if only is not None:
        overlapping = overlapping.filter(pk=only)
    rows = overlapping.order_by(*IN_ORDER).values_list("pk", "concurrency_key", "config_snapshot__force")[:MOST_SKIPPED]
    by_key: defaultdict[str, list[int]] = defaultdict(list)
    for pk, key, is_forced in rows:
        if not is_forced:
            by_key[key].append(pk)
    skipped = 0
    for key, holder in first_holders(by_key).items():
        reason = f"job #{holder} is still active, and the type skips runs that overlap"
        skipped += len(move_jobs(by_key[key], Status.SKIPPED, reason=reason, actor="dispatcher", now=now))
    return skipped


def _note(job: SyncJob, reason: str) -> str:
    if job.wait_reason != reason:
        waiting_jobs().filter(pk=job.pk).update(wait_reason=reason[:300])
    return reason
