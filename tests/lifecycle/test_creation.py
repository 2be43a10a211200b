"""New jobs: pending or queued, and one for all who ask for the same while it waits."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections, transaction

from syncjobs.clock import db_now
from syncjobs.lifecycle import NewJob, create_job
from syncjobs.models import JobEvent, SyncJob, SyncJobType
from syncjobs.operations.job_types import pin_version
from syncjobs.operations.jobs import start_job
from syncjobs.statuses import Trigger
from tests.lifecycle.factories import JobFactory, JobTypeFactory


@pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.django_db(transaction=True)), "postgresql"])
def job_type(request: pytest.FixtureRequest) -> SyncJobType:
    if request.param == "postgresql":
        request.getfixturevalue("rows_on_postgresql")
    made: SyncJobType = JobTypeFactory.create()
    return made


def ask(job_type: SyncJobType, key: str = "customer 7", *, force: bool = False, **columns: Any) -> SyncJob:
    snapshot = job_type.snapshot() | ({"force": True} if force else {})
    new = NewJob(title="A job", trigger=Trigger.MANUAL, actor="ann", snapshot=snapshot, dedupe_key=key, **columns)
    return create_job(job_type, pin_version(job_type, actor="ann"), new, db_now())


def test_job_that_nobody_asks_to_start_stays_pending_until_somebody_does(job_type: SyncJobType) -> None:
    job = ask(job_type, queue_on_insert=False)
    assert (job.status, job.available_at) == ("pending", None)
    assert JobEvent.objects.get(job=job).new == "pending"
    started = start_job(job.pk, actor="ann")
    assert started.status == "queued"
    assert started.available_at is not None


def test_the_same_ask_waits_once(job_type: SyncJobType) -> None:
    first = ask(job_type)
    again = ask(job_type)
    assert (first.was_waiting, again.was_waiting, again.pk) == (False, True, first.pk)
    assert JobEvent.objects.count() == 1


@pytest.mark.parametrize(
    "columns",
    [{"status": "started", "attempt": 1}, {"status": "queued", "attempt": 1}, {"status": "finished", "attempt": 1}],
    ids=["started", "to go on", "finished"],
)
def test_job_that_has_begun_does_not_stand_for_a_later_ask(job_type: SyncJobType, columns: dict[str, Any]) -> None:
    begun = JobFactory.create(job_type=job_type, dedupe_key="customer 7", **columns)
    assert ask(job_type).pk != begun.pk


def test_other_key_other_type_dry_run_and_force_make_a_job_of_their_own(job_type: SyncJobType) -> None:
    jobs = [
        ask(job_type),
        ask(job_type, "customer 8"),
        ask(JobTypeFactory.create()),
        ask(job_type, overrides={"dry_run": True}),
        ask(job_type, force=True),
        ask(job_type, ""),
        ask(job_type, ""),
    ]
    assert len({job.pk for job in jobs}) == len(jobs)


def test_pending_job_is_queued_when_the_same_is_asked_for_now(job_type: SyncJobType) -> None:
    pending = ask(job_type, queue_on_insert=False)
    assert ask(job_type, queue_on_insert=False).status == "pending"
    joined = ask(job_type)
    assert (joined.pk, joined.status, joined.was_waiting) == (pending.pk, "queued", True)


def test_many_who_ask_at_once_get_one_job(job_type: SyncJobType) -> None:
    pin_version(job_type, actor="ann")
    ready = threading.Barrier(4)
    found: list[int] = []

    def ask_in_a_transaction() -> None:
        try:
            ready.wait(timeout=20)
            with transaction.atomic():
                found.append(ask(job_type).pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask_in_a_transaction) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert set(found) == {SyncJob.objects.get().pk}
