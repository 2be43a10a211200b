"""Every verb on a job in every status: it works, or the conflict lists what is allowed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from syncjobs.lifecycle import StatusConflict, allowed_actions, end_attempt, fail_attempt, release_job
from syncjobs.models import JobEvent, SyncJob
from syncjobs.operations import jobs
from syncjobs.statuses import Status
from tests.lifecycle.factories import JobFactory, JobTypeFactory
from tests.operations.histories import FAILURE

pytestmark = pytest.mark.django_db
NOW = timezone.now()
Columns = dict[str, Any]

STATES: dict[str, Columns] = {status.value: {"status": status.value} for status in Status} | {
    "started, asked to pause": {"status": "started", "pause_requested_at": NOW},
    "started, asked to stop": {"status": "started", "cancel_requested_at": NOW},
    "failed, retry due": {"status": "failed", "retry_after": NOW + dt.timedelta(minutes=1)},
}
ALLOWED = {
    "pending": "start cancel delete",
    "queued": "pause cancel",
    "started": "pause cancel",
    "started, asked to pause": "cancel",
    "started, asked to stop": "",
    "paused": "resume restart cancel delete",
    "held": "approve discard delete",
    "finished": "restart delete",
    "skipped": "restart delete",
    "relayed": "retry_children cancel_children restart delete",
    "no_target": "restart delete",
    "failed": "retry restart cancel delete",
    "failed, retry due": "retry restart cancel",
    "error": "retry restart cancel delete",
    "canceled": "restart delete",
}
VERBS: dict[str, Callable[[int], object]] = {
    "start": lambda job_id: jobs.start_job(job_id, actor="ann"),
    "cancel": lambda job_id: jobs.cancel_job(job_id, actor="ann"),
    "pause": lambda job_id: jobs.pause_job(job_id, actor="ann"),
    "resume": lambda job_id: jobs.resume_job(job_id, actor="ann"),
    "retry": lambda job_id: jobs.retry_job(job_id, actor="ann"),
    "restart": lambda job_id: jobs.restart_job(job_id, actor="ann"),
    "approve": lambda job_id: jobs.approve_job(job_id, actor="ann"),
    "discard": lambda job_id: jobs.discard_job(job_id, actor="ann"),
    "delete": lambda job_id: jobs.delete_job(job_id, actor="ann"),
    "retry_children": lambda job_id: jobs.retry_children(job_id, actor="ann"),
    "cancel_children": lambda job_id: jobs.cancel_children(job_id, actor="ann"),
}
AFTERWARDS = {
    "start": "queued",
    "resume": "queued",
    "retry": "queued",
    "approve": "queued",
    "discard": "canceled",
    "cancel": "canceled",
    "pause": "paused",
}


def stored(job: SyncJob) -> SyncJob:
    return SyncJob.objects.get(pk=job.pk)


def last_event(job: SyncJob) -> tuple[str, str, str, str]:
    event = JobEvent.objects.filter(job=job).latest("id")
    return event.old, event.new, event.reason, event.actor


@pytest.mark.parametrize("state", STATES)
def test_allowed_actions_are_those_of_the_table_and_take_no_query(
    state: str, django_assert_num_queries: Callable[[int], Any]
) -> None:
    job = stored(JobFactory.create(**STATES[state]))
    with django_assert_num_queries(0):
        assert allowed_actions(job) == ALLOWED[state].split()


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", VERBS)
def test_verb_works_where_it_is_allowed_and_else_lists_what_is(action: str, state: str) -> None:
    job = JobFactory.create(**STATES[state])
    if action not in ALLOWED[state].split():
        before = SyncJob.objects.values().get(pk=job.pk)
        with pytest.raises(StatusConflict) as conflict:
            VERBS[action](job.pk)
        assert conflict.value.allowed_actions == ALLOWED[state].split()
        assert all(allowed in str(conflict.value) for allowed in ALLOWED[state].split())
        assert SyncJob.objects.values().get(pk=job.pk) == before
        assert not JobEvent.objects.exists()
        return
    VERBS[action](job.pk)
    if action == "delete":
        assert not SyncJob.objects.exists()
    elif job.status == "started":
        assert stored(job).status == "started"
        assert not JobEvent.objects.exists()
    elif action in AFTERWARDS:
        assert stored(job).status == AFTERWARDS[action]
        assert JobEvent.objects.get(job=job).actor == "ann"


@pytest.mark.parametrize("action", VERBS)
def test_verb_on_a_job_that_is_not_there_says_so(action: str) -> None:
    with pytest.raises(SyncJob.DoesNotExist):
        VERBS[action](999_999)


@pytest.mark.parametrize(
    ("state", "action", "sentence"),
    [
        ("finished", "cancel", "job #{0} is finished, so it cannot be canceled; allowed now: restart, delete"),
        ("started, asked to pause", "pause", "job #{0} is started and asked to pause, so it cannot be paused; "),
        ("started, asked to stop", "pause", "so it cannot be paused; nothing can be done to it now"),
        ("failed, retry due", "delete", "job #{0} is failed with a retry due, so it cannot be deleted; "),
        ("finished", "retry_children", "job #{0} is finished, so it has no child jobs to retry; "),
        ("paused", "approve", "job #{0} is paused, so there is nothing to approve; "),
    ],
)
def test_conflict_reads_well(state: str, action: str, sentence: str) -> None:
    job = JobFactory.create(**STATES[state])
    with pytest.raises(StatusConflict) as conflict:
        VERBS[action](job.pk)
    assert sentence.format(job.pk) in str(conflict.value)


def test_pausing_or_resuming_twice_is_a_conflict() -> None:
    job = JobFactory.create(checkpoint={"batch_no": 2}, retry_count=1)
    jobs.pause_job(job.pk, actor="ann")
    with pytest.raises(StatusConflict, match="allowed now: resume"):
        jobs.pause_job(job.pk, actor="ben")
    again = jobs.resume_job(job.pk, actor="ben")
    assert (again.status, again.checkpoint, again.retry_count) == ("queued", {"batch_no": 2}, 1)
    assert again.pause_requested_at is None
    with pytest.raises(StatusConflict, match="allowed now: pause, cancel"):
        jobs.resume_job(job.pk, actor="ann")
    assert last_event(job) == ("paused", "queued", "resumed by ben", "ben")


def test_paused_job_wakes_nobody_by_a_message_sent_before() -> None:
    job = JobFactory.create(dispatch_id="7f3d2f0c-5d0f-4f0e-9b0a-2d9c1f1f6a11", sent_at=NOW)
    jobs.pause_job(job.pk, actor="ann")
    assert jobs.resume_job(job.pk, actor="ann").dispatch_id is None


def test_approved_job_says_who_agreed_and_a_discarded_one_why_not() -> None:
    held, other = JobFactory.create(status="held"), JobFactory.create(status="held")
    assert jobs.approve_job(held.pk, actor="ann").approved_by == "ann"
    discarded = jobs.discard_job(other.pk, actor="ben", reason="too many deletes")
    assert (discarded.status, discarded.cancel_reason) == ("canceled", "too many deletes")


# What was asked while the attempt was ending


def started(**columns: Any) -> SyncJob:
    return JobFactory.create(status="started", fence=1, attempt=1, lease_owner="worker-1", **columns)


def test_cancel_wins_over_a_pause_that_was_asked_for_before() -> None:
    job = started()
    jobs.pause_job(job.pk, actor="ann")
    jobs.cancel_job(job.pk, actor="ben", reason="wrong day")
    ended = end_attempt(job, Status.PAUSED, reason="paused", now=NOW, took_seconds=1)
    assert (ended.status, last_event(job)[2]) == ("canceled", "wrong day")


def test_job_that_was_canceled_while_its_worker_shut_down_does_not_run_again() -> None:
    job = started()
    jobs.cancel_job(job.pk, actor="ann")
    assert release_job(job, reason="worker shutdown", now=NOW, took_seconds=1).status == "canceled"


def test_job_that_was_paused_while_its_worker_shut_down_is_paused() -> None:
    job = started()
    jobs.pause_job(job.pk, actor="ann")
    assert release_job(job, reason="worker shutdown", now=NOW, took_seconds=1).status == "paused"


def test_job_that_was_canceled_while_it_failed_is_not_retried() -> None:
    job = started(max_retries=3)
    jobs.cancel_job(job.pk, actor="ann")
    ended = fail_attempt(
        job, FAILURE, now=NOW, made_progress=False, retry_after_seconds=None, random_fraction=0.5, took_seconds=1
    )
    assert (ended.status, ended.retry_after, ended.retry_count, ended.wait_reason) == ("canceled", None, 0, "")


def test_job_that_finished_before_it_saw_the_cancel_has_finished() -> None:
    job = started()
    jobs.cancel_job(job.pk, actor="ann")
    assert end_attempt(job, Status.FINISHED, reason="", now=NOW, took_seconds=1).status == "finished"


# Restart


def test_restart_does_the_same_from_the_beginning() -> None:
    old = JobFactory.create(
        status="paused",
        title="Customer 7",
        operation="update",
        source_document_type="crm.Customer",
        source_document_name="7",
        target_document_type="sap.Customer",
        target_document_name="C-7",
        context={"region": "north"},
        config_snapshot={"controller": "x", "force": True},
        dry_run=True,
        delete_enabled=False,
        timeout=0,
        max_retries=0,
        queue="short",
        priority=4,
        concurrency_key="sap.Customer/C-7",
        triggered_by_document_type="crm.Order",
        triggered_by_document_name="12",
        checkpoint={"batch_no": 3},
        retry_count=2,
        lost_count=1,
        attempt=5,
        approved_by="ben",
    )
    user = User.objects.create(username="ann")
    new = jobs.restart_job(old.pk, actor="ann", user=user)
    same = (
        "job_type_id title operation source_document_type source_document_name target_document_type "
        "target_document_name context dry_run delete_enabled timeout max_retries queue priority concurrency_key "
        "triggered_by_document_type triggered_by_document_name"
    )
    for name in same.split():
        assert getattr(new, name) == getattr(old, name), name
    assert (new.status, new.trigger_type, new.triggered_by, new.restarted_from) == ("queued", "manual", user, old)
    assert (new.checkpoint, new.retry_count, new.lost_count, new.attempt) == ({}, 0, 0, 0)
    assert (new.parent, new.approved_by, new.config_snapshot) == (None, "", {"controller": "x"})
    ended = stored(old)
    assert (ended.status, ended.cancel_reason) == ("canceled", f"restarted as #{new.pk}")
    assert last_event(old) == ("paused", "canceled", f"restarted as #{new.pk}", "ann")


@pytest.mark.parametrize("status", ["finished", "skipped", "relayed", "no_target", "canceled"])
def test_restart_leaves_what_is_over_as_it_is(status: str) -> None:
    old = JobFactory.create(status=status)
    new = jobs.restart_job(old.pk, actor="ann", force=True)
    assert stored(old).status == status
    assert new.config_snapshot["force"] is True


def test_restart_waits_together_with_a_job_of_the_same_dedupe_key_unless_forced() -> None:
    job_type = JobTypeFactory.create()
    old = JobFactory.create(job_type=job_type, status="failed", dedupe_key="customer 7")
    waiting = JobFactory.create(job_type=job_type, dedupe_key="customer 7")
    joined = jobs.restart_job(old.pk, actor="ann")
    assert (joined.pk, joined.was_waiting) == (waiting.pk, True)
    assert jobs.restart_job(old.pk, actor="ann", force=True).pk not in (old.pk, waiting.pk)
