"""Two jobs of one target, and two asks for the same job, by two connections at once."""

from __future__ import annotations

import uuid
from functools import partial

from syncjobs.lifecycle import claim_job
from syncjobs.models import JobEvent, SyncJob
from syncjobs.operations.state_checks import find_breaches
from tests.operations.histories import WORKER, queued_job
from tests.races.arena import Arena

ROUNDS = 10


def test_of_two_jobs_of_one_target_one_is_claimed_and_the_other_stays_queued(arena: Arena) -> None:
    for number in range(ROUNDS):
        jobs = [queued_job(concurrency_key=f"target {number}") for _ in range(2)]
        message = uuid.uuid4()
        ids = [job.pk for job in jobs]
        SyncJob.objects.filter(pk__in=ids).update(dispatch_id=message)  # as if two dispatchers had not seen each other
        won = arena.race(*(partial(claim_job, pk, message, WORKER) for pk in ids))
        assert sorted(won) == [False, True]
        assert sorted(SyncJob.objects.filter(pk__in=ids).values_list("status", flat=True)) == ["queued", "started"]
    assert list(find_breaches()) == []


def test_two_who_ask_for_the_same_make_one_job(arena: Arena) -> None:
    queued_job()  # so that there is the type
    before = SyncJob.objects.count()
    for number in range(ROUNDS):
        ask = partial(queued_job, dedupe_key=f"order {number}")
        assert arena.race(ask, ask) == (True, True)
    assert SyncJob.objects.count() == before + ROUNDS
    assert JobEvent.objects.filter(job__dedupe_key__startswith="order").count() == ROUNDS
