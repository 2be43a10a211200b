"""Status moves: only the legal ones, one winner, an event each."""

from __future__ import annotations

import threading

import pytest
from django.db import connections
from django.utils import timezone

from syncjobs.lifecycle import StatusConflict, allowed_actions, move_job
from syncjobs.models import JobEvent, SyncJob
from syncjobs.operations.jobs import cancel_job, retry_job
from syncjobs.statuses import MOVES, Status
from tests.lifecycle.factories import JobFactory

NOW = timezone.now


@pytest.mark.django_db
@pytest.mark.parametrize("old", list(Status))
@pytest.mark.parametrize("new", list(Status))
def test_move_is_made_if_the_table_allows_it_and_refused_if_not(old: Status, new: Status) -> None:
    job = JobFactory.create(status=old.value)
    if new in MOVES[old]:
        assert move_job(job.pk, new, reason="why", actor="who", now=NOW()).status == new.value
        event = JobEvent.objects.get(job=job)
        assert (event.old, event.new, event.reason, event.actor) == (old.value, new.value, "why", "who")
    else:
        with pytest.raises(StatusConflict) as conflict:
            move_job(job.pk, new, reason="why", actor="who", now=NOW())
        assert conflict.value.allowed_actions == allowed_actions(job)
        assert not JobEvent.objects.exists()


@pytest.mark.django_db
def test_move_with_an_old_fence_is_refused() -> None:
    job = JobFactory.create(status="started", fence=4)
    with pytest.raises(StatusConflict):
        move_job(job.pk, Status.FINISHED, reason="", actor="zombie", now=NOW(), fence=3)
    assert SyncJob.objects.get(pk=job.pk).status == "started"


@pytest.mark.django_db(transaction=True)
def test_of_two_that_move_at_once_exactly_one_wins() -> None:
    job = JobFactory.create(status="started")
    won: list[str] = []

    def end(status: Status) -> None:
        try:
            move_job(job.pk, status, reason="", actor=status.value, now=NOW())
            won.append(status.value)
        except StatusConflict:
            pass
        finally:
            connections.close_all()

    threads = [threading.Thread(target=end, args=(status,)) for status in (Status.FINISHED, Status.CANCELED) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [SyncJob.objects.get(pk=job.pk).status]
    assert JobEvent.objects.filter(job=job).count() == 1


@pytest.mark.django_db
def test_queued_job_is_canceled_at_once_and_a_started_one_is_asked() -> None:
    queued, started = JobFactory.create(), JobFactory.create(status="started")
    assert cancel_job(queued.pk, actor="ann").status == "canceled"
    asked = cancel_job(started.pk, actor="ann", reason="wrong day")
    assert (asked.status, asked.cancel_reason) == ("started", "wrong day")
    assert asked.cancel_requested_at is not None
    with pytest.raises(StatusConflict, match="is canceled, so it cannot be canceled; allowed now: restart, delete"):
        cancel_job(queued.pk, actor="ann")
    with pytest.raises(StatusConflict, match=r"is started and asked to stop, .*; nothing can be done to it now"):
        cancel_job(started.pk, actor="ann")


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["failed", "error"])
def test_retry_queues_the_same_job_with_its_checkpoint(status: str) -> None:
    job = JobFactory.create(status=status, checkpoint={"batch_no": 3}, retry_count=3, attempt=4)
    again = retry_job(job.pk, actor="ann")
    assert (again.status, again.checkpoint, again.retry_count, again.attempt) == ("queued", {"batch_no": 3}, 0, 4)
    with pytest.raises(StatusConflict, match="allowed now: pause, cancel"):
        retry_job(job.pk, actor="ann")
