"""Whose turn it is, and what the others are told."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from syncjobs.lifecycle import admit_job, admit_jobs
from syncjobs.models import SyncJob
from tests.lifecycle.factories import ConnectorFactory, JobFactory, JobTypeFactory, see_worker

pytestmark = pytest.mark.django_db


def admitted() -> list[int]:
    return [job.job_id for job in admit_jobs(timezone.now(), sends_ahead=False)]


def wait_reason(job: SyncJob) -> str:
    return SyncJob.objects.get(pk=job.pk).wait_reason


def test_jobs_are_admitted_by_priority_and_age_up_to_the_slots_of_their_queue() -> None:
    see_worker(slots=2)
    low, old, urgent = JobFactory.create(priority=-1), JobFactory.create(), JobFactory.create(priority=5)
    assert admitted() == [urgent.pk, old.pk]
    assert wait_reason(low) == "place 3 in queue 'default', whose 2 slots are busy"
    assert admitted() == []


def test_job_waits_while_no_worker_listens_on_its_queue() -> None:
    see_worker("short")
    see_worker("default", name="silent@test", last_seen_at=timezone.now() - dt.timedelta(minutes=2))
    job = JobFactory.create(queue="default")
    assert admitted() == []
    assert wait_reason(job) == "no worker listens on queue 'default'"


def test_job_before_its_time_is_left_alone() -> None:
    see_worker()
    JobFactory.create(available_at=timezone.now() + dt.timedelta(seconds=30))
    assert admitted() == []


@pytest.mark.parametrize(
    "holder",
    [
        {"status": "started"},
        {"status": "paused"},
        {"status": "held"},
        {"status": "failed", "retry_after": timezone.now() + dt.timedelta(minutes=1)},
    ],
    ids=lambda columns: columns["status"],
)
def test_active_job_of_the_same_target_makes_the_next_one_wait(holder: dict[str, Any]) -> None:
    see_worker()
    first = JobFactory.create(concurrency_key="warehouse/items", **holder)
    second = JobFactory.create(concurrency_key="warehouse/items")
    other = JobFactory.create(concurrency_key="warehouse/others")
    assert admitted() == [other.pk]
    assert wait_reason(second) == f"waits for job #{first.pk}, which has the same target"


def test_failed_job_without_a_retry_holds_nothing() -> None:
    see_worker()
    JobFactory.create(concurrency_key="warehouse/items", status="failed")
    job = JobFactory.create(concurrency_key="warehouse/items")
    assert admitted() == [job.pk]


def test_type_that_skips_overlapping_runs_ends_the_second_as_skipped() -> None:
    see_worker()
    job_type = JobTypeFactory.create(overlap="skip")
    JobFactory.create(concurrency_key="warehouse/items", status="started")
    job = JobFactory.create(concurrency_key="warehouse/items", job_type=job_type)
    forced = JobFactory.create(concurrency_key="warehouse/items", job_type=job_type, config_snapshot={"force": True})
    assert admitted() == []
    assert SyncJob.objects.get(pk=job.pk).status == "skipped"
    assert SyncJob.objects.get(pk=forced.pk).status == "queued"


def test_connector_admits_no_more_than_its_limit() -> None:
    see_worker(slots=9)
    narrow = ConnectorFactory.create(slug="narrow", max_concurrency=2)
    jobs = [JobFactory.create(job_type=JobTypeFactory.create(source_connector=narrow)) for _ in range(3)]
    assert admitted() == [job.pk for job in jobs[:2]]
    assert wait_reason(jobs[2]) == "waits for a slot at connector narrow (at most 2 at once)"


def test_paused_type_starts_nothing() -> None:
    see_worker()
    job = JobFactory.create(job_type=JobTypeFactory.create(name="Airports", paused_at=timezone.now()))
    assert admitted() == []
    assert wait_reason(job) == "the type Airports is paused"


def test_job_that_is_run_right_here_needs_no_worker_but_waits_for_its_target() -> None:
    holder = JobFactory.create(concurrency_key="warehouse/items", status="started")
    job = JobFactory.create(concurrency_key="warehouse/items")
    assert admit_job(job.pk, timezone.now()) == f"waits for job #{holder.pk}, which has the same target"
    SyncJob.objects.filter(pk=holder.pk).update(status="finished")
    answer = admit_job(job.pk, timezone.now())
    assert not isinstance(answer, str)
    assert answer.job_id == job.pk
