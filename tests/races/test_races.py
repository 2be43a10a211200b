"""Every two moves that are legal from one state, made at once by two connections, on PostgreSQL.

Both win, one after the other, or one wins and the other is refused; all that is written tells that very order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations_with_replacement
from typing import TypeAlias

import pytest

from syncjobs.models import Attempt, JobEvent, SyncJob, WorkerSeen
from syncjobs.operations.state_checks import find_breaches
from tests.races.arena import Arena, has_won_alone, open_arena
from tests.races.verbs import LEGAL, VERBS, Verb

ROUNDS = 6
DELETES = {"delete", "bulk delete", "delete parent"}
Maker: TypeAlias = Callable[[], SyncJob]
Seen: TypeAlias = tuple[object, ...]
PAIRS = [
    (make, first, second)
    for make, names in LEGAL.items()
    for first, second in combinations_with_replacement(names.split(", "), 2)
]


@pytest.fixture
def arena(rows_on_postgresql: None) -> Iterator[Arena]:
    with open_arena() as opened:
        yield opened


def begin(make: Maker) -> SyncJob:
    for model in (JobEvent, Attempt, SyncJob, WorkerSeen):
        model._default_manager.all()._raw_delete("default")
    return make()


def see(job: SyncJob, outcomes: tuple[bool, bool]) -> Seen:
    """Who won, and all that became of it."""
    assert [breach for breach in find_breaches() if breach.rule != "living_lease"] == []
    others = sorted(SyncJob.objects.exclude(pk=job.pk).values_list("status", flat=True))
    after = SyncJob.objects.filter(pk=job.pk).first()
    if after is None:
        return (*outcomes, "gone", others)
    asked = after.cancel_requested_at is not None, after.pause_requested_at is not None
    events = [f"{old}>{new}" for old, new in after.events.values_list("old", "new")]
    attempts = list(after.attempts.values_list("outcome", flat=True))
    return (*outcomes, after.status, others, asked, after.retry_after is not None, events, attempts)


def legal_ends(make: Maker, first: Verb, second: Verb) -> Iterator[Seen]:
    """What comes of both, one after the other in either order, and of each alone while the other is refused."""
    for one, other, is_swapped in ((first, second, False), (second, first, True)):
        for is_refused in (False, True):
            job = begin(make)
            won = has_won_alone(partial(one, job)), not is_refused and has_won_alone(partial(other, job))
            yield see(job, (won[1], won[0]) if is_swapped else won)


@pytest.mark.parametrize(
    ("make", "first", "second"), PAIRS, ids=[f"{make.__name__}: {first} and {second}" for make, first, second in PAIRS]
)
def test_two_at_once_end_as_one_after_the_other_or_as_one_alone(
    arena: Arena, make: Maker, first: str, second: str
) -> None:
    one, other = VERBS[first], VERBS[second]
    legal = list(legal_ends(make, one, other))
    assert all(any(end[:2]) for end in legal)
    if {first, second} <= DELETES:  # whether it was there still or is gone already, it is deleted
        legal += [(True, True, *end[2:]) for end in legal]
    for is_swapped in (False, True):
        job = begin(make)
        won = arena.queue_up(job.pk, *(partial(verb, job) for verb in ((other, one) if is_swapped else (one, other))))
        assert see(job, (won[1], won[0]) if is_swapped else won) in legal
    for _ in range(ROUNDS):
        job = begin(make)
        assert see(job, arena.race(partial(one, job), partial(other, job))) in legal
