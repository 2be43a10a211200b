"""The proof of the books: each rule finds what breaks it and nothing else; real moves break none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection

from syncjobs.clock import db_now
from syncjobs.counts import Counts
from syncjobs.lifecycle import reap_expired_leases, release_job, requeue_due_retries
from syncjobs.models import Attempt, Change, JobBatch, JobEvent, SyncJob
from syncjobs.operations.jobs import cancel_job, delete_job, retry_job
from syncjobs.operations.state_checks import find_breaches
from syncjobs.statuses import Status
from tests.operations.histories import (
    add_batch,
    count,
    end,
    failed_job,
    finished_job,
    job_with_batches,
    queued_job,
    relayed_job,
    start,
    started_job,
)

AN_HOUR = timedelta(hours=1)
A_TIME = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.django_db), "postgresql"], autouse=True)
def own_database(request: pytest.FixtureRequest) -> None:
    if request.param == "postgresql":
        request.getfixturevalue("rows_on_postgresql")


# 1. Ways to break a rule, behind the lifecycle's back


def write(**columns: Any) -> Callable[[SyncJob], object]:
    """Overwrite columns of the job's row."""
    return lambda job: SyncJob.objects.filter(pk=job.pk).update(**columns)


def let_the_lease_run_out(job: SyncJob) -> None:
    write(lease_until=db_now() - timedelta(seconds=20))(job)


def rewrite_event(new: str, **columns: str) -> Callable[[SyncJob], object]:
    """Overwrite columns of the event that led to `new`."""
    return lambda job: job.events.filter(new=new).update(**columns)


def lose_event(new: str) -> Callable[[SyncJob], object]:
    return lambda job: job.events.filter(new=new).delete()


def end_without_a_start(job: SyncJob) -> None:
    """Events that fit together, and lead from queued straight to finished."""
    job.events.filter(new="started").delete()
    job.events.filter(old="started").update(old="queued")


def open_attempt(job: SyncJob) -> None:
    job.attempts.update(ended_at=None)


def close_attempt(job: SyncJob) -> None:
    job.attempts.update(ended_at=db_now())


def keep_a_change(job: SyncJob) -> None:
    batch = job.batches.filter(state=JobBatch.State.COMMITTED.value).first()
    Change.objects.create(job=job, batch=batch, stream="items", key={"code": "A"}, key_hash=1, operation="insert")


def keep_15_changes(job: SyncJob) -> None:
    for _ in range(15):  # one more than were made
        keep_a_change(job)


RULES: list[tuple[str, Callable[[], SyncJob], Callable[[SyncJob], object], str]] = [
    ("living_lease", started_job, let_the_lease_run_out, "a lease that has not run out"),
    ("living_lease", started_job, write(lease_owner=""), "lease_owner is empty"),
    ("living_lease", started_job, write(lease_until=None), "lease_until is empty"),
    ("no_lease", finished_job, write(lease_owner="worker@test"), "lease_owner is worker@test"),
    ("no_lease", queued_job, write(lease_until=A_TIME), "neither an owner nor"),
    ("ended_at", finished_job, write(ended_at=None), "says when"),
    ("ended_at", failed_job, write(ended_at=None), "says when"),
    ("retry_after", finished_job, write(retry_after=A_TIME), "status is finished"),
    ("available_at", queued_job, write(available_at=None), "available_at is empty"),
    ("has_events", queued_job, lambda job: job.events.all().delete(), "events is none"),
    ("first_event", queued_job, rewrite_event("queued", old="pending"), "from nothing"),
    ("first_event", started_job, lose_event("queued"), "old is queued, new is started"),
    ("unbroken_events", finished_job, lose_event("started"), "old is started, new is finished, new_before is queued"),
    ("legal_moves", finished_job, end_without_a_start, "old is queued, new is finished"),
    ("last_event", finished_job, write(status="skipped"), "new is finished, status is skipped"),
    ("last_event", finished_job, lose_event("finished"), "new is started, status is finished"),
    ("attempt_numbers", finished_job, write(attempt=2), "attempt is 2, attempts is 1"),
    ("attempt_numbers", finished_job, lambda job: job.attempts.all().delete(), "attempts is 0"),
    ("attempt_numbers", finished_job, lambda job: job.attempts.update(number=2), "first is 2"),
    ("open_attempt", finished_job, open_attempt, "status is finished, attempt is 1, open is 1"),
    ("open_attempt", started_job, close_attempt, "status is started, attempt is 1, open is 0"),
    ("balanced_counts", finished_job, write(counts={"read": 5, "inserted": 4}), "'read': 5, 'inserted': 4"),
    ("batch_counts", job_with_batches, lambda job: job.batches.filter(batch_no=2).delete(), "'inserted': 14"),
    ("batch_counts", job_with_batches, lambda job: job.batches.update(counts={"read": 8, "inserted": 8}), "16"),
    ("open_batch", job_with_batches, lambda job: add_batch(job, 3, Counts(), "open"), "open_batches is 1"),
    ("kept_changes", job_with_batches, keep_15_changes, "kept is 15, counted is 14"),
    ("kept_changes", finished_job, keep_a_change, "kept is 1, counted is 0"),
    ("asked_to_stop", failed_job, write(cancel_requested_at=A_TIME), "does not go on"),
    ("asked_to_stop", queued_job, write(cancel_requested_at=A_TIME), "does not go on"),
]


@pytest.mark.parametrize(("rule", "make", "break_it", "words"), RULES, ids=[f"{item[0]}-{item[3]}" for item in RULES])
def test_what_breaks_a_rule_is_told_with_the_job_and_the_facts(
    rule: str, make: Callable[[], SyncJob], break_it: Callable[[SyncJob], object], words: str
) -> None:
    finished_job()
    job = make()
    assert list(find_breaches()) == []
    break_it(job)
    (found,) = find_breaches()
    assert (found.job_id, found.rule) == (job.pk, rule)
    assert found.message.startswith(f"Job #{job.pk}: ")
    assert words in found.message


def test_every_breach_of_a_job_is_told() -> None:
    job = finished_job()
    write(lease_owner="worker@test", ended_at=None, attempt=3)(job)
    JobEvent.objects.filter(job=job).delete()
    assert sorted(found.rule for found in find_breaches()) == ["attempt_numbers", "ended_at", "has_events", "no_lease"]


# 2. Histories that break none


def test_a_lease_that_the_reaper_has_not_come_to_yet_breaks_nothing() -> None:
    write(lease_until=db_now() - timedelta(seconds=2))(started_job())
    assert list(find_breaches()) == []


def test_jobs_moved_by_the_lifecycle_break_nothing() -> None:
    cancel_job(queued_job().pk, actor="ann")
    cancel_job(started_job().pk, actor="ann")
    end(started_job(), Status.CANCELED)
    start(release_job(started_job(), reason="worker shutdown", now=db_now(), took_seconds=0.1))
    failed_job()
    finished_twice = retry_job(failed_job().pk, actor="ann")
    end(start(finished_twice), Status.SKIPPED)
    for status in (Status.PAUSED, Status.HELD, Status.NO_TARGET, Status.ERROR):
        end(started_job(), status)
    end(start(relayed_job().children.get(position=0)), Status.FINISHED)
    assert requeue_due_retries(db_now() + AN_HOUR) == 1
    assert list(find_breaches()) == []


def test_jobs_taken_back_from_lost_workers_break_nothing() -> None:
    job = started_job()
    while job.status == "started":
        assert reap_expired_leases(db_now() + AN_HOUR) == 1
        job.refresh_from_db()
        if job.status == "queued":
            start(job)
            job.refresh_from_db()
    assert (job.status, Attempt.objects.filter(job=job, outcome="lost").count()) == ("failed", 3)
    assert list(find_breaches()) == []


def test_a_batch_whose_end_is_not_known_yet_breaks_nothing() -> None:
    job = started_job()
    add_batch(job, 1, Counts(read=7, inserted=7))
    count(job, Counts(read=7, inserted=7))
    half_written = add_batch(job, 2, Counts(), "open")
    for _ in range(8):
        Change.objects.create(
            job=job, batch=half_written, stream="items", key={"code": "A"}, key_hash=1, operation="insert"
        )
    assert list(find_breaches()) == []


REFUSE_TO_DELETE = {
    "sqlite": "CREATE TRIGGER keep_jobs BEFORE DELETE ON syncjobs_syncjob BEGIN SELECT RAISE(ABORT, 'kept'); END",
    "postgresql": """
        CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''kept''; END';
        CREATE TRIGGER keep_jobs BEFORE DELETE ON syncjobs_syncjob FOR EACH ROW EXECUTE FUNCTION keep();
    """,
}


def test_a_deletion_that_came_only_half_way_breaks_nothing() -> None:
    job = job_with_batches()
    keep_a_change(job)
    with connection.cursor() as cursor:
        cursor.execute(REFUSE_TO_DELETE[connection.vendor])
    with pytest.raises(DatabaseError, match="kept"):
        delete_job(job.pk, actor="ann")
    assert SyncJob.objects.filter(pk=job.pk).exists()
    assert list(find_breaches()) == []
