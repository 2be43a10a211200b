"""Every two moves that are legal from one state, made at once by two connections, on PostgreSQL.

Both win, one after the other, or one wins and the other is refused; all that is written tells that very order.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cache, partial
from itertools import combinations_with_replacement
from typing import Any, TypeAlias

import pytest
from django.db import models

from syncjobs.clock import db_now
from syncjobs.models import Attempt, JobEvent, SyncJob, SyncJobType, WorkerSeen
from syncjobs.operations.state_checks import find_breaches
from tests.races.arena import Arena, has_won_alone
from tests.races.verbs import LEGAL, VERBS, Verb

ROUNDS = 8
TABLES: tuple[type[models.Model], ...] = (JobEvent, Attempt, SyncJob, WorkerSeen)
EXACTLY = ("fence", "attempt", "retry_count", "lost_count", "phase", "lease_owner")
WHETHER: tuple[str, ...] = (
    "lease_until",
    "retry_after",
    "available_at",
    "started_at",
    "ended_at",
    "dispatch_id",
    "failure",
)
WHETHER += ("wait_reason", "cancel_requested_at", "pause_requested_at", "cancel_reason", "approved_by")
DELETES = {"delete", "bulk delete", "delete parent"}
Maker: TypeAlias = Callable[[], SyncJob]
Seen: TypeAlias = tuple[object, ...]
PAIRS = [
    (make, first, second)
    for make, names in LEGAL.items()
    for first, second in combinations_with_replacement(names.split(", "), 2)
]


def begin(make: Maker) -> SyncJob:
    """A job in this state, with its relatives, and no other."""
    job, tables = make_once(make)
    clear()
    for model, rows in tables.items():
        model._default_manager.bulk_create(rows)
    WorkerSeen.objects.update(last_seen_at=db_now())
    SyncJobType.objects.update(paused_at=None)
    return copy(job)


@cache
def make_once(make: Maker) -> tuple[SyncJob, dict[type[models.Model], list[Any]]]:
    """The job, and the rows that there are with it, by table."""
    clear()
    job = make()
    return job, {model: list(model._default_manager.order_by("pk")) for model in reversed(TABLES)}


def clear() -> None:
    for model in TABLES:
        model._default_manager.all()._raw_delete("default")


def see(job: SyncJob, outcomes: tuple[bool, bool]) -> Seen:
    """Who won, and all that became of it."""
    others = sorted(SyncJob.objects.exclude(pk=job.pk).values_list("status", flat=True))
    after = SyncJob.objects.filter(pk=job.pk).first()
    if after is None:
        return (*outcomes, "gone", others)
    columns = {name: getattr(after, name) for name in EXACTLY} | {name: bool(getattr(after, name)) for name in WHETHER}
    events = [f"{old}>{new}" for old, new in after.events.values_list("old", "new")]
    attempts = list(after.attempts.values_list("number", "outcome"))
    return (*outcomes, after.status, others, columns, events, attempts)


def legal_ends(make: Maker, first: Verb, second: Verb) -> list[Seen]:
    """What comes of both, one after the other in either order, and of each alone while the other is refused."""
    return [
        after(make, first, second),
        swap(after(make, second, first)),
        after(make, first, None),
        swap(after(make, second, None)),
    ]


@cache
def after(make: Maker, first: Verb, second: Verb | None) -> Seen:
    """What comes of one verb and then perhaps another, without any race."""
    job = begin(make)
    won = has_won_alone(partial(first, job)), second is not None and has_won_alone(partial(second, job))
    assert [breach for breach in find_breaches() if breach.rule != "living_lease"] == []
    return see(job, won)


def swap(seen: Seen) -> Seen:
    return (seen[1], seen[0], *seen[2:])


def judge(seen: Seen, legal: list[Seen]) -> None:
    """It is one of the legal ends; compared with the likeliest, so that a failure says what differs."""
    if seen not in legal:
        assert seen == max(legal, key=lambda end: sum(one == other for one, other in zip(end, seen, strict=False)))


@pytest.mark.parametrize(
    ("make", "first", "second"), PAIRS, ids=[f"{make.__name__}: {first} and {second}" for make, first, second in PAIRS]
)
def test_two_at_once_end_as_one_after_the_other_or_as_one_alone(
    arena: Arena, make: Maker, first: str, second: str
) -> None:
    one, other = VERBS[first], VERBS[second]
    legal = legal_ends(make, one, other)
    assert all(any(end[:2]) for end in legal)
    if {first, second} <= DELETES:  # whether it was there still or is gone already, it is deleted
        legal += [(True, True, *end[2:]) for end in legal]
    job = begin(make)
    judge(see(job, arena.queue_up(job.pk, partial(one, job), partial(other, job))), legal)
    job = begin(make)
    judge(swap(see(job, arena.queue_up(job.pk, partial(other, job), partial(one, job)))), legal)
    for _ in range(ROUNDS):
        job = begin(make)
        judge(see(job, arena.race(partial(one, job), partial(other, job))), legal)
