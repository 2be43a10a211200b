"""Claims, leases, the reaper, retries that become due."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.utils import timezone

from syncjobs.lifecycle import (
    claim_job,
    fail_attempt,
    reap_expired_leases,
    release_job,
    renew_lease,
    requeue_due_retries,
)
from syncjobs.models import Attempt, JobBatch, SyncJob
from tests.lifecycle.factories import JobFactory

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - dt.timedelta(minutes=5)
FAILURE = {"class": "transient", "code": "connect_timeout", "message": "no answer", "hint": "", "retryable": True}


def claimed(**columns: object) -> SyncJob:
    job = JobFactory.create(dispatch_id=uuid.uuid4(), **columns)
    assert job.dispatch_id is not None
    mine = claim_job(job.pk, job.dispatch_id, "worker-1")
    assert mine is not None
    return mine


def test_claim_gives_a_lease_a_fence_and_an_attempt_and_only_once() -> None:
    job = claimed()
    assert (job.status, job.fence, job.attempt, job.lease_owner) == ("started", 1, 1, "worker-1")
    assert Attempt.objects.get(job=job).worker == "worker-1"
    assert job.dispatch_id is not None
    assert claim_job(job.pk, job.dispatch_id, "worker-2") is None


def test_message_of_an_earlier_turn_claims_nothing() -> None:
    job = JobFactory.create(dispatch_id=uuid.uuid4())
    assert claim_job(job.pk, uuid.uuid4(), "worker-1") is None
    assert claim_job(999_999, uuid.uuid4(), "worker-1") is None


def test_second_job_of_a_target_cannot_be_claimed_even_if_it_was_sent() -> None:
    claimed(concurrency_key="warehouse/items")
    second = JobFactory.create(concurrency_key="warehouse/items", dispatch_id=uuid.uuid4())
    assert second.dispatch_id is not None
    assert claim_job(second.pk, second.dispatch_id, "worker-2") is None
    assert SyncJob.objects.get(pk=second.pk).status == "queued"


def test_lease_is_renewed_by_its_owner_only() -> None:
    job = claimed()
    assert renew_lease(job.pk, job.fence)
    assert not renew_lease(job.pk, job.fence - 1)


def test_expired_lease_goes_back_to_the_queue_and_its_owner_can_end_nothing() -> None:
    job = claimed()
    SyncJob.objects.filter(pk=job.pk).update(lease_until=LONG_AGO)
    assert reap_expired_leases(timezone.now()) == 1
    again = SyncJob.objects.get(pk=job.pk)
    assert (again.status, again.lost_count, again.dispatch_id, again.lease_owner) == ("queued", 1, None, "")
    assert Attempt.objects.get(job=job).outcome == "lost"
    assert not renew_lease(job.pk, job.fence)


@pytest.mark.parametrize(("batches", "where"), [(0, "in phase initializing"), (2, "last batch 2")])
def test_third_loss_ends_the_job_and_says_where(batches: int, where: str) -> None:
    job = claimed(lost_count=2)
    for number in range(1, batches + 1):
        JobBatch.objects.create(job=job, stream="items", batch_no=number, created_at=timezone.now())
    SyncJob.objects.filter(pk=job.pk).update(lease_until=LONG_AGO)
    reap_expired_leases(timezone.now())
    ended = SyncJob.objects.get(pk=job.pk)
    assert ended.failure is not None
    assert (ended.status, ended.failure["retryable"]) == ("failed", False)
    assert ended.failure["message"] == f"worker lost 3 times, probably out of memory, {where}"


def test_lost_job_that_was_to_be_canceled_is_canceled() -> None:
    job = claimed()
    SyncJob.objects.filter(pk=job.pk).update(lease_until=LONG_AGO, cancel_requested_at=LONG_AGO, cancel_reason="no")
    reap_expired_leases(timezone.now())
    assert SyncJob.objects.get(pk=job.pk).status == "canceled"


def test_transient_failure_waits_for_its_retry_in_the_database() -> None:
    job = claimed(max_retries=1, retry_delay=30)
    ended = fail_attempt(
        job,
        FAILURE,
        now=timezone.now(),
        made_progress=False,
        retry_after_seconds=None,
        random_fraction=0.5,
        took_seconds=2.0,
    )
    assert (ended.status, ended.retry_count, ended.is_final) == ("failed", 1, False)
    assert ended.retry_after is not None
    assert requeue_due_retries(timezone.now()) == 0
    assert requeue_due_retries(timezone.now() + dt.timedelta(seconds=16)) == 1
    assert SyncJob.objects.get(pk=job.pk).status == "queued"


@pytest.mark.parametrize(("failure_class", "status"), [("config", "failed"), ("data", "error"), ("internal", "failed")])
def test_failure_that_a_person_must_mend_is_not_retried(failure_class: str, status: str) -> None:
    job = claimed(max_retries=5)
    ended = fail_attempt(
        job,
        FAILURE | {"class": failure_class, "retryable": False},
        now=timezone.now(),
        made_progress=False,
        retry_after_seconds=None,
        random_fraction=0.5,
        took_seconds=2.0,
    )
    assert (ended.status, ended.retry_after, ended.time_taken) == (status, None, 2.0)
    assert Attempt.objects.get(job=job).outcome == status


def test_released_job_uses_up_no_retry() -> None:
    job = claimed()
    released = release_job(job, reason="worker shutdown", now=timezone.now(), took_seconds=1.0)
    assert (released.status, released.retry_count, released.lost_count) == ("queued", 0, 0)
