"""A paused type starts nothing and pauses what is active; resuming undoes exactly that."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from connectors.models import EditConflict
from syncjobs.clock import db_now
from syncjobs.dispatch import Dispatcher
from syncjobs.lifecycle import end_attempt
from syncjobs.models import JobEvent, SyncJob, SyncJobType
from syncjobs.operations.descriptions import next_step
from syncjobs.operations.job_type_states import (
    JobTypeStateConflict,
    pause_job_type,
    resume_due_types,
    resume_job_type,
)
from syncjobs.operations.job_types import run_job_type, save_job_type
from syncjobs.operations.jobs import pause_job
from syncjobs.operations.run_requests import RunRefused
from syncjobs.statuses import Status, Trigger
from tests.lifecycle.factories import JobFactory, JobTypeFactory

pytestmark = pytest.mark.usefixtures("either_database")


@pytest.fixture
def job_type(either_database: None) -> SyncJobType:
    made: SyncJobType = JobTypeFactory.create(name="Customers")
    return made


def make(job_type: SyncJobType, status: str, **columns: object) -> SyncJob:
    job: SyncJob = JobFactory.create(job_type=job_type, status=status, fence=1, lease_owner="w", attempt=1, **columns)
    return job


def stored(job: SyncJob) -> SyncJob:
    return SyncJob.objects.get(pk=job.pk)


def test_paused_type_starts_nothing_and_pauses_what_is_active(job_type: SyncJobType) -> None:
    alike = {status: make(job_type, status.value) for status in Status}
    other = JobFactory.create()
    ann = User.objects.create(username="ann")
    paused = pause_job_type(job_type, actor="ann", user=ann)
    assert (paused.paused_by, paused.version, paused.resume_at) == (ann, 2, None)
    now_there = {status: stored(job).status for status, job in alike.items()}
    assert now_there == {status: status.value for status in Status} | {Status.QUEUED: "paused"}
    assert stored(alike[Status.STARTED]).pause_requested_at is not None
    assert JobEvent.objects.get().reason == "the type Customers was paused by ann"
    assert next_step(stored(alike[Status.QUEUED])) == "Resume its type; it goes on from where it stopped."
    assert stored(other).status == "queued"
    with pytest.raises(RunRefused, match="Customers is paused; resume it first"):
        run_job_type(job_type, trigger=Trigger.MANUAL, actor="ann")


def test_resumed_type_takes_back_its_own_pause_and_no_other(job_type: SyncJobType) -> None:
    before = pause_job(make(job_type, "queued").pk, actor="ann")
    asked_before = pause_job(make(job_type, "started").pk, actor="ann")
    queued, started, stopped = make(job_type, "queued"), make(job_type, "started"), make(job_type, "started")
    pause_job_type(job_type, actor="ann")
    end_attempt(stored(stopped), Status.PAUSED, reason="paused", now=db_now(), took_seconds=1)
    resumed = resume_job_type(job_type, actor="ben")
    assert (resumed.paused_at, resumed.paused_by, resumed.version) == (None, None, 3)
    assert [stored(job).status for job in (queued, started, stopped)] == ["queued", "started", "queued"]
    assert stored(started).pause_requested_at is None
    assert JobEvent.objects.filter(job=stopped).latest("id").reason == "the type Customers was resumed by ben"
    assert stored(before).status == "paused"
    assert stored(asked_before).pause_requested_at == asked_before.pause_requested_at


def test_job_whose_worker_had_seen_the_pause_already_goes_on_all_the_same(job_type: SyncJobType) -> None:
    job = make(job_type, "started")
    pause_job_type(job_type, actor="ann")
    resume_job_type(job_type, actor="ann")
    ended = end_attempt(stored(job), Status.PAUSED, reason="paused", now=db_now(), took_seconds=1)
    assert ended.status == "queued"
    assert JobEvent.objects.get(job=job).reason == "resumed before it had stopped"


def test_pausing_or_resuming_twice_says_so(job_type: SyncJobType) -> None:
    with pytest.raises(JobTypeStateConflict, match="Customers is not paused"):
        resume_job_type(job_type, actor="ann")
    pause_job_type(job_type, actor="ann")
    with pytest.raises(JobTypeStateConflict, match="Customers is paused already"):
        pause_job_type(job_type, actor="ann")


def test_type_that_somebody_saved_meanwhile_is_left_alone(job_type: SyncJobType) -> None:
    stale = SyncJobType.objects.get(pk=job_type.pk)
    SyncJobType.objects.filter(pk=job_type.pk).update(version=5)
    job = make(job_type, "queued")
    with pytest.raises(EditConflict, match="was changed by someone else"):
        pause_job_type(stale, actor="ann")
    assert stored(job).status == "queued"
    fresh = SyncJobType.objects.get(pk=job_type.pk)
    pause_job_type(fresh, actor="ann")
    stale.paused_at = fresh.paused_at
    with pytest.raises(EditConflict):
        resume_job_type(stale, actor="ann")
    assert stored(job).status == "paused"


def test_edit_that_began_before_the_pause_does_not_undo_it(job_type: SyncJobType) -> None:
    edited = SyncJobType.objects.get(pk=job_type.pk)
    pause_job_type(job_type, actor="ann")
    edited.controller, edited.config = "stream_sync", {"streams": [{"source": "a", "target": "b", "key": ["id"]}]}
    with pytest.raises(EditConflict):
        save_job_type(edited, actor="ben")
    assert SyncJobType.objects.get(pk=job_type.pk).paused_at is not None


def test_type_is_resumed_by_the_dispatcher_when_its_time_has_come(job_type: SyncJobType) -> None:
    job, now = make(job_type, "queued"), db_now()
    with pytest.raises(ValidationError, match="This time has passed"):
        pause_job_type(job_type, actor="ann", resume_at=now - dt.timedelta(seconds=1))
    pause_job_type(job_type, actor="ann", resume_at=now + dt.timedelta(minutes=5))
    assert resume_due_types(now + dt.timedelta(minutes=4)) == 0
    assert stored(job).status == "paused"
    Dispatcher().tick(now + dt.timedelta(minutes=6))
    assert stored(job).status == "queued"
    assert SyncJobType.objects.get(pk=job_type.pk).resume_at is None
    assert JobEvent.objects.filter(job=job).latest("id").actor == "dispatcher"
