"""What is said to those that must wait, and that it is no longer said once it is no longer true."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from syncjobs.lifecycle import admit_jobs, explain_waits, fail_attempt, move_job, requeue_due_retries, wait_text
from syncjobs.models import SyncJob, WorkerSeen
from syncjobs.operations.descriptions import describe_job
from syncjobs.statuses import Status
from tests.lifecycle.factories import ConnectorFactory, JobFactory, JobTypeFactory, see_worker
from tests.lifecycle.test_admission import HOLDERS
from tests.lifecycle.test_claims_and_leases import FAILURE, claimed

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 11, 23, 12, 0, 0, tzinfo=dt.UTC)


def look(**passed: Any) -> None:
    """A round of the dispatcher that sends nothing ahead."""
    now = timezone.now() + dt.timedelta(**passed)
    admit_jobs(now, sends_ahead=False)
    explain_waits(now)


def reason(job: SyncJob) -> str:
    return wait_text(SyncJob.objects.get(pk=job.pk))


def test_place_in_the_queue_is_counted_when_it_is_asked_for() -> None:
    see_worker(slots=2)
    JobFactory.create_batch(2)
    waiting = JobFactory.create_batch(12)
    look()
    assert reason(waiting[2]) == "place 3 of 12 in queue 'default', whose 2 slots are busy"
    urgent = JobFactory.create(priority=1)
    look()
    assert reason(urgent) == "place 1 of 13 in queue 'default', whose 2 slots are busy"
    assert reason(waiting[2]) == "place 4 of 13 in queue 'default', whose 2 slots are busy"
    move_job(waiting[0].pk, Status.CANCELED, reason="no", actor="ann", now=timezone.now())
    assert describe_job(SyncJob.objects.get(pk=waiting[2].pk))["wait_reason"] == (
        "place 3 of 12 in queue 'default', whose 2 slots are busy"
    )


def test_place_of_one_job_takes_one_question_however_many_wait(django_assert_num_queries: Any) -> None:
    see_worker(slots=1)
    job = JobFactory.create_batch(30)[-1]
    look()
    job.refresh_from_db()
    with django_assert_num_queries(1):
        assert wait_text(job) == "place 29 of 29 in queue 'default', whose 1 slot is busy"


def test_job_that_waits_in_the_broker_behind_long_ones_says_so_and_comes_before_the_unsent() -> None:
    see_worker(slots=1)
    JobFactory.create(status="started")
    sent, waiting = JobFactory.create(), JobFactory.create()
    now = timezone.now()
    admit_jobs(now)
    SyncJob.objects.filter(pk=sent.pk).update(sent_at=now - dt.timedelta(seconds=5))
    explain_waits(now)
    assert reason(sent) == "place 1 of 2 in queue 'default', whose 1 slot is busy"
    assert reason(waiting) == "place 2 of 2 in queue 'default', whose 1 slot is busy"


def test_queue_without_a_worker_is_named_until_one_comes() -> None:
    job = JobFactory.create()
    look()
    assert reason(job) == "no worker listens on queue 'default'"
    see_worker()
    look()
    assert reason(job) == ""
    WorkerSeen.objects.all().delete()
    SyncJob.objects.filter(pk=job.pk).update(sent_at=timezone.now() - dt.timedelta(seconds=5))
    look()
    assert reason(job) == "no worker listens on queue 'default'"


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda columns: columns["status"])
def test_holder_of_the_target_is_named_until_it_has_ended(holder: dict[str, Any]) -> None:
    see_worker(slots=1)
    first = JobFactory.create(concurrency_key="warehouse/items", **holder)
    waiting = JobFactory.create_batch(3, concurrency_key="warehouse/items")
    look()
    assert {reason(job) for job in waiting} == {f"waits for job #{first.pk}, which has the same target"}
    SyncJob.objects.filter(pk=first.pk).update(status="finished", retry_after=None)
    look()
    assert reason(waiting[0]) == ""
    assert {reason(job) for job in waiting[1:]} == {f"waits for job #{waiting[0].pk}, which has the same target"}


def test_paused_type_switched_off_connector_and_full_connector_are_named() -> None:
    see_worker(slots=9)
    narrow, erp = ConnectorFactory.create(slug="narrow", max_concurrency=2), ConnectorFactory.create(slug="erp")
    at_narrow = JobFactory.create_batch(3, job_type=JobTypeFactory.create(source_connector=narrow))
    paused = JobFactory.create(job_type=JobTypeFactory.create(name="Airports", paused_at=timezone.now()))
    off = JobFactory.create(job_type=JobTypeFactory.create(target_connector=erp))
    erp.enabled = False
    erp.save()
    look()
    assert reason(at_narrow[2]) == "waits for a slot at connector narrow (at most 2 at once)"
    assert reason(paused) == "the type Airports is paused"
    assert reason(off) == "connector erp is switched off"
    erp.enabled = True
    erp.save()
    SyncJob.objects.filter(pk=at_narrow[0].pk).update(status="finished")
    look()
    assert (reason(at_narrow[2]), reason(off)) == ("", "")


def test_job_before_its_time_says_when_it_comes() -> None:
    see_worker(last_seen_at=NOON)
    today = JobFactory.create(available_at=NOON + dt.timedelta(seconds=5))
    tomorrow = JobFactory.create(available_at=NOON + dt.timedelta(days=1))
    explain_waits(NOON)
    assert reason(today) == "not before 12:00:05 UTC"
    assert reason(tomorrow) == "not before 2026-11-24 12:00:00 UTC"
    explain_waits(NOON + dt.timedelta(seconds=6))
    assert reason(today) == ""


def test_job_that_was_asked_for_while_reasons_were_read_is_not_early() -> None:
    now = timezone.now()
    job = JobFactory.create(available_at=now + dt.timedelta(milliseconds=300))
    explain_waits(now, outage="broker unreachable")
    job.refresh_from_db()
    assert job.wait_reason == ""


def test_failed_job_says_when_it_tries_again_until_it_does() -> None:
    job = claimed(max_retries=3, retry_count=1, retry_delay=30)
    ended = fail_attempt(
        job,
        FAILURE,
        now=NOON,
        made_progress=False,
        retry_after_seconds=5,
        random_fraction=0.5,
        took_seconds=2.0,
    )
    assert wait_text(ended) == "tries again at 12:00:05 UTC (retry 2 of 3)"
    assert requeue_due_retries(NOON + dt.timedelta(seconds=6)) == 1
    assert reason(job) == ""


def test_rows_are_written_only_where_the_reason_changes() -> None:
    see_worker(slots=1)
    JobFactory.create_batch(20)
    now = timezone.now()
    admit_jobs(now, sends_ahead=False)
    assert explain_waits(now) == 19
    assert explain_waits(now + dt.timedelta(seconds=1)) == 0


def test_job_far_behind_tells_its_place_before_its_reason_was_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncjobs.lifecycle.wait_reasons.MOST_NOTED", 10)
    see_worker(slots=1)
    jobs = JobFactory.create_batch(31, job_type=JobTypeFactory.create())
    look()
    assert SyncJob.objects.exclude(wait_reason="").count() == 10
    assert reason(jobs[30]) == "place 30 of 30 in queue 'default', whose 1 slot is busy"
    look()
    assert SyncJob.objects.exclude(wait_reason="").count() == 20


def test_outage_of_the_broker_is_what_those_in_line_wait_for() -> None:
    see_worker(slots=1)
    jobs = JobFactory.create_batch(2)
    now = timezone.now()
    admit_jobs(now, sends_ahead=False)
    explain_waits(now, outage="the broker is away")
    assert reason(jobs[1]) == "the broker is away"


def test_sibling_names_the_stranger_it_waits_for_and_no_sibling() -> None:
    see_worker()
    sibling, other = (JobFactory.create(sibling_key="target") for _ in range(2))
    stranger = JobFactory.create(status="started", concurrency_key="target")
    newcomer = JobFactory.create(concurrency_key="target")
    explain_waits(timezone.now())
    reasons = dict(SyncJob.objects.filter(status="queued").values_list("pk", "wait_reason"))
    wait = "waits for job #{}, which has the same target"
    assert reasons == {
        sibling.pk: wait.format(stranger.pk),
        other.pk: wait.format(stranger.pk),
        newcomer.pk: wait.format(sibling.pk),
    }
