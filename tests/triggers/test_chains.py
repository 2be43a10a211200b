"""Chains: what each ending of a job starts, exactly once, on both databases."""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connections

from syncjobs.clock import db_now
from syncjobs.lifecycle.endings import end_attempt, fail_attempt
from syncjobs.lifecycle.leases import reap_expired_leases
from syncjobs.lifecycle.moves import StatusConflict
from syncjobs.models import Chain, ChainStart, SyncJob, SyncJobType
from syncjobs.operations.chains import delete_chain, save_chain, set_chain_enabled
from syncjobs.operations.jobs import cancel_job, retry_job
from syncjobs.statuses import Status
from syncjobs.triggers import chains
from tests.lifecycle.factories import JobFactory, JobTypeFactory


@pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.django_db(transaction=True)), "postgresql"])
def types(request: pytest.FixtureRequest) -> tuple[SyncJobType, SyncJobType]:
    if request.param == "postgresql":
        request.getfixturevalue("rows_on_postgresql")
    return make_type("extract"), make_type("load")


def make_type(slug: str) -> SyncJobType:
    stream = {"source": slug, "target": slug, "key": ["code"]}
    made: SyncJobType = JobTypeFactory.create(slug=slug, name=slug.title(), config={"streams": [stream]})
    return made


def chain(types: tuple[SyncJobType, SyncJobType], when: str = "success", **options: Any) -> Chain:
    return save_chain(from_type=types[0], to_type=types[1], when=when, actor="ann", **options)


def started(job_type: SyncJobType, **columns: Any) -> SyncJob:
    values = {"status": "started", "fence": 1, "attempt": 1, "lease_owner": "worker", "max_retries": 0} | columns
    job: SyncJob = JobFactory.create(job_type=job_type, **values)
    return job


def end(job: SyncJob, status: str) -> None:
    end_attempt(job, Status(status), reason="so", now=db_now(), took_seconds=1.0)


def fail(job: SyncJob) -> SyncJob:
    failure = {"class": "transient", "code": "gone", "message": "gone", "hint": "", "retryable": True}
    return fail_attempt(
        job, failure, now=db_now(), made_progress=False, retry_after_seconds=None, random_fraction=0.5, took_seconds=1.0
    )


def begun(job_type: SyncJobType) -> list[SyncJob]:
    chains.tick(db_now())
    return list(SyncJob.objects.filter(job_type=job_type).order_by("pk"))


CHANGED, UNCHANGED = {"read": 3, "updated": 2, "unchanged": 1}, {"read": 3, "unchanged": 3}
GOOD = ("finished", "skipped", "no_target")
BAD = ("failed", "error", "canceled", "paused", "held", "queued")


@pytest.mark.parametrize("when", ["success", "change", "always"])
def test_each_ending_starts_what_its_chain_says(types: tuple[SyncJobType, SyncJobType], when: str) -> None:
    chain(types, when)
    numbers = {}
    for status in (*GOOD, *BAD):
        before = len(begun(types[1]))
        end(started(types[0], counts=UNCHANGED), status)
        numbers[status] = len(begun(types[1])) - before
    starting = {"success": GOOD, "change": (), "always": (*GOOD, "failed", "error")}[when]
    assert numbers == {status: int(status in starting) for status in (*GOOD, *BAD)}


def test_job_that_changed_something_starts_what_waits_for_changes(types: tuple[SyncJobType, SyncJobType]) -> None:
    chain(types, "change")
    first = started(types[0], counts=CHANGED)
    end(first, "finished")
    (job,) = begun(types[1])
    assert (job.trigger_type, job.triggered_by_document_name, job.status) == ("chain", str(first.pk), "queued")
    assert job.chain_start.job_id == first.pk
    assert begun(types[1]) == [job]


def test_no_change_is_said(types: tuple[SyncJobType, SyncJobType]) -> None:
    chain(types, "change")
    end(started(types[0], counts=UNCHANGED), "finished")
    assert begun(types[1]) == []
    assert ChainStart.objects.get().reason == "nothing was inserted, updated or deleted"


@pytest.mark.parametrize("columns", [{"dry_run": True}, {"trigger_type": "revert"}], ids=["dry run", "revert"])
def test_what_is_no_run_of_the_type_starts_nothing(
    types: tuple[SyncJobType, SyncJobType], columns: dict[str, Any]
) -> None:
    chain(types, "always")
    end(started(types[0], **columns), "finished")
    assert begun(types[1]) == []
    assert not ChainStart.objects.exists()


def test_failure_with_a_retry_due_is_no_end_and_the_retry_starts_once(types: tuple[SyncJobType, SyncJobType]) -> None:
    chain(types, "always")
    job = fail(started(types[0], max_retries=1))
    assert job.retry_after is not None
    assert begun(types[1]) == []
    SyncJob.objects.filter(pk=job.pk).update(status="started", retry_after=None, fence=2)
    end(SyncJob.objects.get(pk=job.pk), "finished")
    assert len(begun(types[1])) == 1


def test_job_that_is_retried_after_its_end_starts_each_chain_once(types: tuple[SyncJobType, SyncJobType]) -> None:
    third = make_type("clean")
    chain(types, "success")
    save_chain(from_type=types[0], to_type=third, when="always", actor="ann")
    job = fail(started(types[0]))
    assert (len(begun(types[1])), len(begun(third))) == (0, 1)
    retry_job(job.pk, actor="ann")
    SyncJob.objects.filter(pk=job.pk).update(status="started", fence=2)
    end(SyncJob.objects.get(pk=job.pk), "finished")
    assert (len(begun(types[1])), len(begun(third))) == (1, 1)


def test_job_whose_worker_is_lost_for_good_has_ended_too(types: tuple[SyncJobType, SyncJobType]) -> None:
    chain(types, "always")
    now = db_now()
    started(types[0], lost_count=2, lease_until=now.replace(year=now.year - 1))
    reap_expired_leases(now)
    assert len(begun(types[1])) == 1


def test_end_that_is_taken_back_starts_nothing(types: tuple[SyncJobType, SyncJobType]) -> None:
    chain(types, "always")
    job = started(types[0])
    SyncJob.objects.filter(pk=job.pk).update(fence=2)
    with pytest.raises(StatusConflict):
        end(job, "finished")
    assert begun(types[1]) == []


def test_relay_starts_the_next_type_when_its_last_child_has_ended(types: tuple[SyncJobType, SyncJobType]) -> None:
    chain(types, "change")
    parent = started(types[0])
    children = [started(types[0], parent=parent, position=place, counts=CHANGED) for place in range(2)]
    end(parent, "relayed")
    end(children[0], "finished")
    assert begun(types[1]) == []
    end(children[1], "skipped")
    ChainStart.objects.update(due_at=db_now())
    assert len(begun(types[1])) == 1


def test_relay_with_a_failed_child_waits_until_that_is_mended(types: tuple[SyncJobType, SyncJobType]) -> None:
    chain(types)
    parent = started(types[0])
    child = fail(started(types[0], parent=parent, position=0))
    end(parent, "relayed")
    assert begun(types[1]) == []
    assert ChainStart.objects.get().state == "children_failed"
    retry_job(child.pk, actor="ann")
    SyncJob.objects.filter(pk=child.pk).update(status="started", fence=2)
    end(SyncJob.objects.get(pk=child.pk), "finished")
    assert len(begun(types[1])) == 1


@pytest.mark.parametrize(
    ("columns", "told"),
    [({"enabled": False}, "not enabled"), ({"paused_at": "2026-01-01T00:00Z"}, "paused")],
    ids=["disabled", "paused"],
)
def test_type_that_may_not_start_is_left_alone_and_said(
    types: tuple[SyncJobType, SyncJobType], columns: dict[str, Any], told: str
) -> None:
    chain(types)
    SyncJobType.objects.filter(pk=types[1].pk).update(**columns)
    end(started(types[0]), "finished")
    assert begun(types[1]) == []
    start = ChainStart.objects.get()
    assert start.state == "not_started"
    assert told in start.reason


def test_chain_that_is_off_or_deleted_starts_nothing(types: tuple[SyncJobType, SyncJobType]) -> None:
    made = chain(types)
    set_chain_enabled(made, False, actor="ann")
    end(started(types[0]), "finished")
    set_chain_enabled(made, True, actor="ann")
    end(started(types[0]), "finished")
    delete_chain(made, actor="ann")
    assert begun(types[1]) == []


def test_ring_is_refused_with_its_path(types: tuple[SyncJobType, SyncJobType]) -> None:
    third = make_type("report")
    chain(types)
    save_chain(from_type=types[1], to_type=third, actor="ann")
    with pytest.raises(ValidationError, match="report → extract → load → report"):
        save_chain(from_type=third, to_type=types[0], actor="ann")
    with pytest.raises(ValidationError, match="extract → extract"):
        save_chain(from_type=types[0], to_type=types[0], actor="ann")
    assert Chain.objects.count() == 2


def test_row_of_types_is_bounded(types: tuple[SyncJobType, SyncJobType]) -> None:
    row = [make_type(f"step-{number}") for number in range(22)]
    for here, there in pairwise(row[:21]):
        save_chain(from_type=here, to_type=there, actor="ann")
    with pytest.raises(ValidationError, match="21 types in a row"):
        save_chain(from_type=row[20], to_type=row[21], actor="ann")


def test_ring_made_by_other_means_comes_to_an_end(types: tuple[SyncJobType, SyncJobType]) -> None:
    chain(types)
    Chain.objects.create(from_type=types[1], to_type=types[0], when="success", created_at=db_now())
    job = started(types[0])
    for _ in range(30):
        end(job, "finished")
        chains.tick(db_now())
        following = SyncJob.objects.filter(chain_start__job=job).first()
        if following is None:
            break
        SyncJob.objects.filter(pk=following.pk).update(status="started", fence=1)
        job = SyncJob.objects.get(pk=following.pk)
    assert SyncJob.objects.count() == 21
    assert "more than 20 chains" in ChainStart.objects.latest("pk").reason


def test_two_that_end_at_once_and_two_dispatchers_start_two(types: tuple[SyncJobType, SyncJobType]) -> None:
    chain(types, "always")
    jobs = [started(types[0]) for _ in range(2)]
    together = threading.Barrier(2)

    def finish_and_tick(job: SyncJob) -> None:
        try:
            together.wait(10)
            end(job, "finished")
            together.wait(10)
            chains.tick(db_now())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=finish_and_tick, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(begun(types[1])) == 2
    assert ChainStart.objects.filter(state="started").count() == 2


def test_start_that_breaks_off_leaves_the_ask_and_no_job(
    types: tuple[SyncJobType, SyncJobType], monkeypatch: pytest.MonkeyPatch
) -> None:
    chain(types)
    end(started(types[0]), "finished")
    with monkeypatch.context() as broken:
        broken.setattr(ChainStart, "save", _break_off)
        with pytest.raises(KeyboardInterrupt):
            chains.tick(db_now())
    assert not SyncJob.objects.filter(job_type=types[1]).exists()
    assert len(begun(types[1])) == 1


def _break_off(*_arguments: Any, **_options: Any) -> None:
    """As a kill between the job's row and the note of it."""
    raise KeyboardInterrupt


def test_job_canceled_before_it_began_starts_nothing(types: tuple[SyncJobType, SyncJobType]) -> None:
    chain(types, "always")
    job = JobFactory.create(job_type=types[0])
    cancel_job(job.pk, actor="ann")
    assert begun(types[1]) == []
