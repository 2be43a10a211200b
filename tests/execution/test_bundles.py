"""The jobs that one message names."""

from __future__ import annotations

import uuid

import pytest

from syncjobs.bundles import Bundle
from syncjobs.models import SyncJob
from tests.lifecycle.factories import JobFactory

pytestmark = pytest.mark.django_db


def turn_of(job: SyncJob) -> uuid.UUID | None:
    job.refresh_from_db()
    return job.dispatch_id


def test_jobs_are_taken_in_order_and_each_once() -> None:
    bundle = Bundle([3, 1, 2], uuid.uuid4())
    assert [bundle.take() for _ in range(4)] == [3, 1, 2, None]


def test_what_is_handed_back_waits_for_another_turn_and_is_not_run_here() -> None:
    turn, later = uuid.uuid4(), uuid.uuid4()
    begun, waiting = JobFactory.create_batch(2, dispatch_id=turn)
    elsewhere = JobFactory.create(dispatch_id=later)
    bundle = Bundle([begun.pk, waiting.pk, elsewhere.pk], turn)
    assert bundle.take() == begun.pk
    bundle.hand_back()
    assert bundle.take() is None
    assert [turn_of(job) for job in (begun, waiting, elsewhere)] == [turn, None, later]
    bundle.hand_back()
    assert turn_of(begun) == turn


def test_job_that_was_claimed_or_canceled_meanwhile_is_left_alone() -> None:
    turn = uuid.uuid4()
    jobs = [JobFactory.create(dispatch_id=turn, status=status) for status in ("started", "canceled")]
    Bundle([job.pk for job in jobs], turn).hand_back()
    assert [turn_of(job) for job in jobs] == [turn, turn]
