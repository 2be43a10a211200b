"""Failures by cause: what is one cluster, who may retry it, and what "Retry all" does and leaves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connectors.models import Connector
from syncjobs.fingerprints import failure_fingerprint
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations import failure_clusters, failures
from syncjobs.operations.failure_clusters import cluster, clusters, count_failed
from syncjobs.operations.jobs import cancel_job, retry_job
from syncjobs.statuses import Status
from tests.lifecycle.factories import JobTypeFactory
from tests.portal.conftest import ATTACK, MakeJob, MakeStaff

REFUSED = {"class": "transient", "code": "unreachable", "hint": "Look at the firewall.", "retryable": True}


@pytest.fixture
def failed(make_job: MakeJob) -> Any:
    """Makes a job that failed in these words, as an attempt's end would have left it."""

    def make(message: str = "10.0.0.7:5432 refused", status: Status = Status.FAILED, **values: Any) -> SyncJob:
        failure = REFUSED | {"message": message} | values.pop("failure", {})
        known = {"failure": failure, "failure_fingerprint": failure_fingerprint(failure), "ended_at": timezone.now()}
        return make_job(status, **(known | values))

    return make


def read(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def test_jobs_that_failed_alike_are_one_cluster(failed: Any, job_type: SyncJobType) -> None:
    now = timezone.now()
    other_type = JobTypeFactory.create(name="Zebras")
    first = failed(ended_at=now - timedelta(days=2))
    failed("10.0.0.8:5433 refused")
    newest = failed("10.0.0.9:5434 refused", job_type=other_type)
    failed("it does not fit", Status.ERROR, failure={"class": "data", "code": "type"})
    failed("long ago", ended_at=now - timedelta(days=8))
    largest, smallest = clusters(now)
    assert (largest.number, largest.pattern, largest.first_at) == (3, "… refused", first.ended_at)
    assert (largest.sample, largest.hint) == (newest, "Look at the firewall.")
    assert largest.types == [("airports", job_type.name, 2), (other_type.slug, "Zebras", 1)]
    assert (smallest.number, smallest.code, smallest.cause) == (
        1,
        "type",
        "The data does not fit the target or the mapping",
    )
    assert clusters(now, limit=1) == [largest]
    assert cluster(now, largest.fingerprint, days=7) == largest
    assert cluster(now, "0" * 16, days=7) is None
    assert (count_failed(now), count_failed(now, days=30)) == (4, 5)


@pytest.mark.parametrize("verb", [retry_job, cancel_job])
def test_a_job_that_is_retried_or_canceled_leaves_its_cluster(failed: Any, verb: Any) -> None:
    job = failed()
    verb(job.pk, actor="anna")
    assert clusters(timezone.now()) == []
    assert SyncJob.objects.get(pk=job.pk).failure == job.failure


def test_only_the_newest_of_very_many_failures_are_looked_at(failed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failure_clusters, "MOST_READ", 2)
    now = timezone.now()
    for minutes in range(5):
        failed(ended_at=now - timedelta(minutes=minutes))
    assert [one.number for one in clusters(now)] == [3]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL reads a small table whole")
def test_the_read_goes_by_the_index_of_failures(failed: Any) -> None:
    failed()
    found = SyncJob.objects.failed_since(timezone.now() - timedelta(days=7))
    assert "COVERING INDEX newest_failures" in found.order_by().values("failure_fingerprint").explain()


def test_the_list_costs_the_same_however_many_failed(portal: Client, failed: Any) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            read(portal, "/admin/failures/")
        return len(queries)

    failed()
    before = cost()
    for number in range(5):
        failed("a " * number + "refused", job_type=JobTypeFactory.create())
    assert cost() == before


def test_pages_show_the_cause_and_never_its_markup(portal: Client, failed: Any) -> None:
    message = f"no {ATTACK} for {{{{7*7}}}}"
    job = failed(message, failure={"hint": ATTACK, "code": "x"}, title=ATTACK)
    for address in ("", f"{job.failure_fingerprint}/", f"{job.failure_fingerprint}/retry/"):
        text = read(portal, f"/admin/failures/{address}")
        assert "&lt;script&gt;" in text
        assert ATTACK not in text
        assert "{{" in text
    assert "it failed long ago" not in text
    assert "No job is failed in this way" in read(portal, "/admin/failures/0000000000000000/")


@pytest.mark.parametrize("query", ["days=0", "days=x", "days=%00", "days=99999", "from=-1"])
def test_odd_windows_are_seven_days(portal: Client, failed: Any, query: str) -> None:
    job = failed()
    assert "7 days</a>" in read(portal, f"/admin/failures/?{query}")
    read(portal, f"/admin/failures/{job.failure_fingerprint}/?{query}")


def test_retry_all_asks_how_many_and_queues_them(portal: Client, failed: Any) -> None:
    jobs = [failed(), failed("10.0.0.8:1 refused")]
    other = failed("something else")
    address = f"/admin/failures/{jobs[0].failure_fingerprint}/retry/?days=7"
    assert "Retry 2 jobs?" in read(portal, address)
    text = portal.post(address, follow=True).content.decode()
    assert "2 queued again." in text
    assert {SyncJob.objects.get(pk=job.pk).status for job in jobs} == {"queued"}
    assert SyncJob.objects.get(pk=other.pk).status == "failed"
    event = jobs[0].events.last()
    assert (event.reason, event.actor) == ("retried by anna, with all that failed alike", "anna")
    assert portal.get(address).status_code == 404


def test_retry_all_is_bounded_and_takes_the_oldest(failed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "MOST_RETRIED", 2)
    jobs = [failed() for _ in range(3)]
    since = timezone.now() - timedelta(days=1)
    result = failures.retry_failures(jobs[0].failure_fingerprint, since=since, actor="anna")
    assert result.done == [jobs[0].pk, jobs[1].pk]
    assert SyncJob.objects.get(pk=jobs[2].pk).status == "failed"


def test_a_viewer_sees_failures_and_retries_none(make_staff: MakeStaff, failed: Any) -> None:
    job = failed()
    viewer = make_staff("view_syncjob")
    one = f"/admin/failures/{job.failure_fingerprint}/"
    for address in ("/admin/failures/", one):
        assert "Retry all" not in read(viewer, address)
    assert viewer.get(f"{one}retry/").status_code == 403
    assert viewer.post(f"{one}retry/").status_code == 403
    assert make_staff("view_connector").get("/admin/failures/").status_code == 403
    assert SyncJob.objects.get(pk=job.pk).status == "failed"


def test_a_real_attempt_that_fails_is_in_a_cluster_until_it_is_retried(
    make_job: MakeJob, job_type: SyncJobType, target: Connector
) -> None:
    SyncJobType.objects.filter(pk=job_type.pk).update(source_connector=target)  # a file that does not exist
    job_type.refresh_from_db()
    job = make_job(Status.PENDING, config_snapshot=job_type.snapshot(), max_retries=0).execute()
    assert job.failure is not None, job.status
    (found,) = clusters(timezone.now())
    assert (found.sample, found.code, found.number) == (job, job.failure["code"], 1)
    result = failures.retry_failures(found.fingerprint, since=found.first_at, actor="anna")
    assert result.done == [job.pk]
    assert clusters(timezone.now()) == []
    SyncJob.objects.get(pk=job.pk).execute()
    assert clusters(timezone.now())[0].fingerprint == found.fingerprint
