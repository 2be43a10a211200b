"""Whose turn it is."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from syncjobs.lifecycle import admit_job, admit_jobs
from syncjobs.lifecycle.occupancy import first_holders, read_occupancy
from syncjobs.lifecycle.turns import Turns
from syncjobs.models import JobEvent, SyncJob
from tests.lifecycle.factories import ConnectorFactory, JobFactory, JobTypeFactory, see_worker

pytestmark = pytest.mark.django_db
HOLDERS = [
    {"status": "started"},
    {"status": "paused"},
    {"status": "held"},
    {"status": "failed", "retry_after": timezone.now() + dt.timedelta(minutes=1)},
]


def admitted(turns: Turns | None = None) -> list[int]:
    return [job.job_id for job in admit_jobs(timezone.now(), sends_ahead=False, turns=turns)]


def between_reads_of_jobs(do: Callable[[], object]) -> Callable[..., Any]:
    """For `connection.execute_wrapper`: does it once, after the first statement that reads jobs."""
    waits = [do]

    def wrapper(execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        answer = execute(sql, *arguments)
        if waits and sql.startswith("SELECT") and 'FROM "syncjobs_syncjob"' in sql:
            waits.pop()()
        return answer

    return wrapper


def finish(*job_ids: int) -> None:
    SyncJob.objects.filter(pk__in=job_ids).update(status="finished")


def test_jobs_are_admitted_by_priority_and_age_up_to_the_slots_of_their_queue() -> None:
    see_worker(slots=2)
    _low, old, urgent = JobFactory.create(priority=-1), JobFactory.create(), JobFactory.create(priority=5)
    assert admitted() == [urgent.pk, old.pk]
    assert admitted() == []


def test_job_waits_while_no_worker_listens_on_its_queue() -> None:
    see_worker("short")
    see_worker("default", name="silent@test", last_seen_at=timezone.now() - dt.timedelta(minutes=2))
    JobFactory.create(queue="default")
    assert admitted() == []


def test_jobs_that_cannot_start_hold_up_none_behind_them() -> None:
    see_worker("default", slots=2)
    deaf, paused = JobTypeFactory.create(), JobTypeFactory.create(paused_at=timezone.now())
    off = JobTypeFactory.create(source_connector=ConnectorFactory.create(enabled=False))
    JobFactory.create(status="started", concurrency_key="warehouse/items", queue="long")
    JobFactory.create_batch(600, job_type=deaf, queue="long", priority=9)
    JobFactory.create_batch(20, job_type=paused)
    JobFactory.create_batch(20, job_type=off)
    JobFactory.create_batch(20, job_type=deaf, concurrency_key="warehouse/items")
    job, other = JobFactory.create(priority=-5), JobFactory.create(priority=-5)
    assert admitted() == [job.pk, other.pk]


def test_job_before_its_time_is_left_alone() -> None:
    see_worker()
    JobFactory.create(available_at=timezone.now() + dt.timedelta(seconds=30))
    assert admitted() == []


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda columns: columns["status"])
def test_active_job_of_the_same_target_makes_the_next_one_wait(holder: dict[str, Any]) -> None:
    see_worker()
    JobFactory.create(concurrency_key="warehouse/items", **holder)
    JobFactory.create(concurrency_key="warehouse/items")
    other = JobFactory.create(concurrency_key="warehouse/others")
    assert admitted() == [other.pk]


def test_of_several_newcomers_for_one_target_the_first_goes_and_others_take_the_free_slots() -> None:
    see_worker(slots=3)
    same = [JobFactory.create(concurrency_key="warehouse/items") for _ in range(5)]
    other = JobFactory.create()
    assert admitted() == [same[0].pk, other.pk]
    finish(same[0].pk)
    assert admitted() == [same[1].pk]


def test_failed_job_without_a_retry_holds_nothing() -> None:
    see_worker()
    JobFactory.create(concurrency_key="warehouse/items", status="failed")
    job = JobFactory.create(concurrency_key="warehouse/items")
    assert admitted() == [job.pk]


def test_type_that_skips_overlapping_runs_ends_the_second_as_skipped_and_names_the_holder() -> None:
    see_worker()
    job_type = JobTypeFactory.create(overlap="skip")
    holder = JobFactory.create(concurrency_key="warehouse/items", status="started")
    job = JobFactory.create(concurrency_key="warehouse/items", job_type=job_type)
    forced = JobFactory.create(concurrency_key="warehouse/items", job_type=job_type, config_snapshot={"force": True})
    again = JobFactory.create(concurrency_key="warehouse/items", job_type=job_type, attempt=1)
    assert admitted() == []
    assert SyncJob.objects.get(pk=job.pk).status == "skipped"
    assert f"job #{holder.pk} is still active" in JobEvent.objects.get(job=job).reason
    assert {SyncJob.objects.get(pk=one.pk).status for one in (forced, again)} == {"queued"}


def test_two_newcomers_of_a_type_that_skips_overlaps_run_once() -> None:
    see_worker(slots=9)
    job_type = JobTypeFactory.create(overlap="skip")
    first, second = (JobFactory.create(concurrency_key="warehouse/items", job_type=job_type) for _ in range(2))
    assert admitted() == [first.pk]
    assert SyncJob.objects.get(pk=second.pk).status == "skipped"


def test_connector_admits_no_more_than_its_limit() -> None:
    see_worker(slots=9)
    narrow = ConnectorFactory.create(slug="narrow", max_concurrency=2)
    jobs = [JobFactory.create(job_type=JobTypeFactory.create(source_connector=narrow)) for _ in range(3)]
    assert admitted() == [job.pk for job in jobs[:2]]


@pytest.mark.parametrize("limit", [1, 2])
def test_two_hundred_jobs_at_a_narrow_connector_run_within_its_limit_and_types_take_turns(limit: int) -> None:
    see_worker(slots=50)
    narrow = ConnectorFactory.create(slug="narrow", max_concurrency=limit)
    types = [JobTypeFactory.create(target_connector=narrow) for _ in range(4)]
    for job_type in types:
        JobFactory.create_batch(50, job_type=job_type)
    beside = JobFactory.create_batch(3)
    type_of = dict(SyncJob.objects.values_list("pk", "job_type_id"))
    turns = Turns()
    order: list[int] = []
    while batch := admitted(turns):
        at_narrow = [job_id for job_id in batch if job_id not in {job.pk for job in beside}]
        assert len(at_narrow) <= limit
        order += at_narrow
        finish(*batch)
        if len(order) == 40:  # after a fifth of it every type has had its share
            assert set(Counter(type_of[job_id] for job_id in order).values()) == {10}
    assert len(order) == len(set(order)) == 200
    assert not SyncJob.objects.filter(status="queued").exists()


def test_urgent_job_at_a_narrow_connector_comes_before_the_turns_of_others() -> None:
    see_worker(slots=50)
    narrow = ConnectorFactory.create(max_concurrency=1)
    first, second = (JobTypeFactory.create(source_connector=narrow) for _ in range(2))
    JobFactory.create_batch(3, job_type=second)
    urgent = [JobFactory.create(job_type=first, priority=5) for _ in range(2)]
    turns = Turns()
    for job in urgent:
        assert admitted(turns) == [job.pk]
        finish(job.pk)


def test_switched_off_connector_makes_its_jobs_wait_until_it_is_on_again() -> None:
    see_worker()
    erp = ConnectorFactory.create(slug="erp", enabled=False)
    job = JobFactory.create(job_type=JobTypeFactory.create(target_connector=erp))
    assert admitted() == []
    erp.enabled = True
    erp.save()
    assert admitted() == [job.pk]


def test_quick_workers_are_sent_further_ahead_and_slow_ones_only_as_many_as_they_have_slots() -> None:
    see_worker(slots=2)
    JobFactory.create_batch(400)
    turns, now = Turns(), timezone.now()

    def sent_after(seconds: float) -> list[int]:
        return [job.job_id for job in admit_jobs(now + dt.timedelta(seconds=seconds), turns=turns)]

    first = sent_after(0)
    assert len(first) == 4
    finish(*first[:3])
    second = sent_after(0.5)
    assert len(second) == 2 + 6 - 1  # three in half a second are six in one
    finish(first[3], *second)
    assert len(sent_after(1.0)) == 2 + 2 * 16  # the broker ran empty, so they may well be twice as quick
    assert sent_after(61.0) == []  # nothing was taken in a minute


@pytest.mark.parametrize(
    ("taken", "seconds", "number", "together"),
    [(4, 4, 50, 1), (100, 1, 50, 2), (1000, 1, 50, 10), (1000, 1, 8, 4), (1000, 1, 1, 1), (0, 1, 50, 1)],
    ids=str,
)
def test_message_names_as_many_jobs_as_a_slot_does_in_a_moment_but_leaves_each_slot_its_share(
    taken: int, seconds: int, number: int, together: int
) -> None:
    turns, now = Turns(), timezone.now()
    turns.ahead("default", 2)
    turns.leave(Counter(default=taken + 1), now)
    turns.see(Counter(default=1), now + dt.timedelta(seconds=seconds))
    assert turns.together("default", number) == together
    assert turns.together("long", number) == 1


def test_job_that_is_run_right_here_needs_no_worker_but_waits_for_its_target() -> None:
    holder = JobFactory.create(concurrency_key="warehouse/items", status="started")
    job = JobFactory.create(concurrency_key="warehouse/items")
    assert admit_job(job.pk, timezone.now()) == f"waits for job #{holder.pk}, which has the same target"
    finish(holder.pk)
    answer = admit_job(job.pk, timezone.now())
    assert not isinstance(answer, str)
    assert answer.job_id == job.pk
    assert admit_job(job.pk, timezone.now()) == "it is no longer waiting"


def test_job_that_is_run_right_here_is_skipped_if_its_type_skips_overlaps() -> None:
    JobFactory.create(concurrency_key="warehouse/items", status="started")
    job = JobFactory.create(concurrency_key="warehouse/items", job_type=JobTypeFactory.create(overlap="skip"))
    assert admit_job(job.pk, timezone.now()) == "it was skipped"
    assert SyncJob.objects.get(pk=job.pk).status == "skipped"


def test_job_that_is_claimed_while_occupancy_is_read_still_counts() -> None:
    job = JobFactory.create(dispatch_id=uuid.uuid4(), sent_at=timezone.now())
    claim = partial(SyncJob.objects.filter(pk=job.pk).update, status="started")
    with connection.execute_wrapper(between_reads_of_jobs(claim)):
        occupancy = read_occupancy(timezone.now())
    assert occupancy.sent["default"] + occupancy.started["default"] >= 1


def test_job_that_is_claimed_while_holders_are_read_still_holds_its_key() -> None:
    job = JobFactory.create(dispatch_id=uuid.uuid4(), sent_at=timezone.now(), concurrency_key="warehouse/items")
    claim = partial(SyncJob.objects.filter(pk=job.pk).update, status="started")
    with connection.execute_wrapper(between_reads_of_jobs(claim)):
        assert first_holders(["warehouse/items"]) == {"warehouse/items": job.pk}


def test_siblings_share_their_target_and_keep_strangers_out_until_all_are_done() -> None:
    see_worker(slots=5)
    kind = JobTypeFactory.create()
    first, second, late = (JobFactory.create(job_type=kind, sibling_key="target") for _ in range(3))
    SyncJob.objects.filter(pk=late.pk).update(available_at=timezone.now() + dt.timedelta(hours=1))
    stranger = JobFactory.create(concurrency_key="target", priority=9)
    assert admitted() == [first.pk, second.pk]
    finish(first.pk, second.pk)
    assert admitted() == []  # the last sibling has not begun
    assert first_holders(["target"]) == {"target": late.pk}
    finish(late.pk)
    assert admitted() == [stranger.pk]


@pytest.mark.parametrize("holder", HOLDERS)
def test_siblings_wait_for_a_stranger_that_has_their_target(holder: dict[str, Any]) -> None:
    see_worker(slots=5)
    stranger = JobFactory.create(concurrency_key="target", **holder)
    sibling = JobFactory.create(sibling_key="target")
    assert admitted() == []
    assert admit_job(sibling.pk, timezone.now()) == f"waits for job #{stranger.pk}, which has the same target"
    SyncJob.objects.filter(pk=stranger.pk).update(status="finished", retry_after=None)
    assert admitted() == [sibling.pk]
