"""What the API shows: lists with pages and filters, a job in full, its parts; and that no list asks for each row."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from syncjobs.api.config_serializers import JobTypeSerializer
from syncjobs.api.job_serializers import JobDetailSerializer, JobSerializer
from syncjobs.fingerprints import key_hash
from syncjobs.models import Attempt, Change, Conflict, JobBatch, JobLog, Plan, Reject, SyncJob, SyncJobType
from syncjobs.operations.descriptions import describe_job
from syncjobs.operations.schedules import save_schedule
from syncjobs.schedule_times import Crontab
from tests.api.conftest import CONNECTOR_SECRET, Api, make_job_type
from tests.lifecycle.factories import see_worker

LISTS = (
    *("jobs/", "connectors/", "job-types/", "schedules/", "rejects/"),
    *("workers/", "jobs/summary/", "sync/status/", "failures/", "rejects/groups/", "job-types/airports/versions/"),
)


def make_jobs(job_type: SyncJobType, number: int, **values: Any) -> list[SyncJob]:
    known = {"title": "A job", "trigger_type": "manual", "created_at": timezone.now(), "job_type": job_type}
    known["config_snapshot"] = job_type.snapshot()
    return [SyncJob.objects.create(**(known | values)) for _ in range(number)]


def make_rows(job_type: SyncJobType, number: int) -> None:
    """Some of everything that lists show."""
    for status in ("queued", "started", "relayed", "finished", "failed", "held"):
        made = make_jobs(job_type, number, status=status, dry_run=status == "finished", ended_at=timezone.now())
        for job in made:
            if job.dry_run:
                Plan.objects.create(job=job, sealed_at=timezone.now(), expires_at=timezone.now())
            if status == "relayed":
                make_jobs(job_type, 2, status="finished", parent=job)
            make_reject(job)
    have = SyncJobType.objects.count()
    for place in range(have, have + number):
        other = make_job_type(f"type-{place}")
        save_schedule(job_type=other, name=f"Nightly {place}", rule=Crontab.from_line("8 2 * * *"), actor="anna")


def make_reject(job: SyncJob) -> Reject:
    batch, _ = JobBatch.objects.get_or_create(
        job=job, stream="airports", batch_no=1, defaults={"state": "committed", "created_at": timezone.now()}
    )
    record = '{"icao": "KJFK", "note": "\\ud800", "depth": NaN}'
    return Reject.objects.create(
        job_type=job.job_type, job=job, batch=batch, stream="airports", key={"icao": "KJFK"}, record=record,
        code="not_null", message="no name", pattern="no name", fingerprint="f", created_at=timezone.now(),
    )  # fmt: skip


def test_no_list_asks_more_for_more_rows(api: Api, job_type: SyncJobType) -> None:
    make_rows(job_type, 1)
    api.get("jobs/")  # the first use of a token is noted
    few = {path: count_queries(api, path) for path in LISTS}
    make_rows(job_type, 4)
    assert {path: count_queries(api, path) for path in LISTS} == few
    assert max(few.values()) <= 12


def count_queries(api: Api, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert api.get(path).status_code == 200
    return len(queries)


def test_serializers_name_every_field_that_is_shown(api: Api, queued: SyncJob) -> None:
    assert set(JobSerializer().fields) == set(describe_job(queued)) == set(api.get("jobs/").json()["results"][0])
    assert set(JobDetailSerializer().fields) == set(api.get(f"jobs/{queued.pk}/").json())
    assert set(JobTypeSerializer().fields) == set(api.get("job-types/airports/").json())


def test_list_goes_on_by_cursors_both_ways_and_keeps_its_filters(api: Api, job_type: SyncJobType) -> None:
    ids = [job.pk for job in make_jobs(job_type, 5, status="finished")][::-1]
    make_jobs(job_type, 1, status="failed")
    first = api.get("jobs/", status="finished", page_size=2).json()
    second = api.client.get(first["next"]).json()
    third = api.client.get(second["next"]).json()
    pages = [[job["id"] for job in page["results"]] for page in (first, second, third)]
    assert pages == [ids[:2], ids[2:4], ids[4:]]
    assert (first["previous"], third["next"]) == (None, None)
    assert [job["id"] for job in api.client.get(third["previous"]).json()["results"]] == ids[2:4]
    back = api.client.get(second["previous"]).json()
    assert ([job["id"] for job in back["results"]], back["previous"]) == (ids[:2], None)
    oldest = api.get("jobs/", ordering="id", page_size=3).json()
    assert [job["id"] for job in oldest["results"]] == sorted(ids)[:3]


def test_cursor_of_one_list_does_not_lead_into_another(api: Api, job_type: SyncJobType) -> None:
    make_job_type("boats")
    cursor = api.get("job-types/", page_size=1).json()["next"].partition("cursor=")[2].partition("&")[0]
    assert api.get("job-types/", cursor=cursor).json()["results"][0]["slug"] == "boats"
    assert api.get("jobs/", cursor=cursor).status_code == 400


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "failed"}, "b"),
        ({"job_type": "boats"}, "c"),
        ({"job_type": "nope"}, ""),
        ({"dry_run": "true"}, "a"),
        ({"active": "true"}, "c"),
        ({"active": "false"}, "ab"),
        ({"search": "A"}, "a"),
        ({"queue": "long"}, "c"),
        ({"trigger_type": "api"}, "b"),
        ({"source_document_name": "7"}, "c"),
        ({"created_after": "2020-01-01T00:00:00Z"}, "abc"),
        ({"created_before": "2020-01-01T00:00:00Z"}, ""),
    ],
    ids=str,
)
def test_jobs_are_filtered(query: dict[str, str], found: str, api: Api, job_type: SyncJobType) -> None:
    make_jobs(job_type, 1, title="a", status="finished", dry_run=True)
    make_jobs(job_type, 1, title="b", status="failed", trigger_type="api")
    make_jobs(make_job_type("boats"), 1, title="c", status="queued", queue="long", source_document_name="7")
    assert {job["title"] for job in api.get("jobs/", **query).json()["results"]} == set(found)


def test_parts_of_a_job_are_listed_whole(api: Api, queued: SyncJob) -> None:
    batch = make_reject(queued).batch
    unsettled = JobBatch.objects.create(job=queued, stream="airports", batch_no=2, created_at=timezone.now())
    for place, of in ((1, batch), (2, unsettled)):
        Change.objects.create(
            job=queued, batch=of, stream="airports", key={"icao": place}, key_hash=place, operation="update",
            fields={"depth": [0, 1]},
        )  # fmt: skip
    for level in ("INFO", "WARNING", "ERROR"):
        JobLog.objects.create(job=queued, level=level, message=level, created_at=timezone.now())
    Attempt.objects.create(job=queued, number=1, started_at=timezone.now(), phase_seconds={"reading": 1.5})
    make_jobs(queued.job_type, 2, parent=queued, status="failed")
    SyncJob.objects.filter(parent=queued).update(position=None)
    one = f"jobs/{queued.pk}/"
    assert [row["key"] for row in api.get(f"{one}changes/").json()["results"]] == [{"icao": 1}]
    assert api.get(f"{one}changes/", operation="delete").json()["results"] == []
    (reject,) = api.get(f"{one}rejects/").json()["results"]
    assert reject["record"] == {"icao": "KJFK", "note": "\ud800", "depth": "nan"}
    assert [row["level"] for row in api.get(f"{one}logs/", level="WARNING").json()["results"]] == ["WARNING", "ERROR"]
    Conflict.objects.create(
        job=queued, batch=batch, stream="airports", key={"icao": 1}, operation="update", reason="changed",
        fields={"depth": [0, 7]},
    )  # fmt: skip
    (conflict,) = api.get(f"{one}conflicts/").json()["results"]
    assert (conflict["reason"], conflict["fields"]) == ("changed", {"depth": [0, 7]})
    newest = api.get(f"{one}logs/", ordering="-id", page_size=1).json()
    assert [row["level"] for row in newest["results"]] == ["ERROR"]
    assert [row["new"] for row in api.get(f"{one}events/").json()["results"]] == ["queued"]
    assert [row["number"] for row in api.get(f"{one}attempts/").json()["results"]] == [1]
    assert len(api.get(f"{one}children/", status="failed").json()["results"]) == 2
    assert api.get(f"{one}metrics/").json()["phase_seconds"] == {"reading": 1.5}
    assert (
        api.get(f"rejects/{reject['id']}/").json() == reject == api.get("rejects/", job=queued.pk).json()["results"][0]
    )


def test_relay_sums_up_its_children_in_lists_as_on_its_own(api: Api, job_type: SyncJobType) -> None:
    (parent,) = make_jobs(job_type, 1, status="relayed")
    counts = {"read": 3, "inserted": 3}
    make_jobs(job_type, 1, status="finished", parent=parent, position=0, counts=counts)
    make_jobs(job_type, 1, status="failed", parent=parent, position=1, counts=counts)
    (listed,) = api.get("jobs/", status="relayed").json()["results"]
    assert listed["children_summary"] == api.get(f"jobs/{parent.pk}/").json()["children_summary"]
    assert (listed["children_summary"]["failed"], listed["children_summary"]["counts"]["read"]) == (1, 6)


def test_secrets_of_connectors_are_never_shown(api: Api, job_type: SyncJobType) -> None:
    for path in ("connectors/", "connectors/open-data/", "job-types/airports/"):
        assert CONNECTOR_SECRET not in api.get(path).content.decode()
    assert api.get("connectors/open-data/").json()["credentials_set"] == ["app_token"]
    assert [row["slug"] for row in api.get("connectors/", search="sto").json()["results"]] == ["store"]


def test_summary_counts_by_status(api: Api, job_type: SyncJobType) -> None:
    make_jobs(job_type, 2, status="queued")
    make_jobs(make_job_type("boats"), 1, status="failed")
    assert api.get("jobs/summary/").json() == {"total": 3, "active": 2, "by_status": {"queued": 2, "failed": 1}}
    assert api.get("jobs/summary/", job_type="boats").json()["by_status"] == {"failed": 1}


def test_record_has_its_history(api: Api, queued: SyncJob) -> None:
    reject = make_reject(queued)
    Reject.objects.filter(pk=reject.pk).update(key_hash=key_hash({"icao": "KJFK"}))
    found = api.get("records/", type="airports", key="KJFK").json()
    assert ([row["kind"] for row in found["results"]], found["before"]) == (["rejected"], None)
    assert api.get("records/", type="airports").status_code == 400
    assert api.get("records/", type="nope", key="7").status_code == 404


def test_schedules_tell_rule_and_next_runs(api: Api, job_type: SyncJobType) -> None:
    schedule = save_schedule(job_type=job_type, name="Nightly", rule=Crontab.from_line("8 2 * * *"), actor="anna")
    told = api.get(f"schedules/{schedule.pk}/").json()
    assert (told["name"], told["job_type"], told["enabled"], len(told["next_runs"])) == ("Nightly", "airports", True, 5)
    assert "02:08" in told["rule"]
    assert api.get("schedules/", enabled="false").json()["results"] == []


def test_workers_and_queues_are_told(api: Api, queued: SyncJob) -> None:
    see_worker("default")
    told = api.get("workers/").json()
    assert [(row["name"], row["is_alive"]) for row in told["workers"]] == [("worker@test", True)]
    assert told["queues"] == [{"name": "default", "queued": 1, "started": 0}]
