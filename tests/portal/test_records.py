"""The history of one record on its page and by its command, over real runs and over rows that try to be markup."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from connectors.models import Connector
from syncjobs.fingerprints import key_hash
from syncjobs.models import Change, Conflict, JobBatch, Reject, SyncJob
from syncjobs.operations.records import RecordSearch, read_history
from syncjobs.statuses import Status
from tests.portal.conftest import ATTACK, MakeJob, MakeStaff
from tests.streams.conftest import people, run
from tests.streams.people import People

__all__ = ["people"]
ADDRESS = "/admin/records/"


@pytest.fixture
def target(transactional_db: None, target: Connector) -> str:
    """For `people`: where they are written."""
    return target.slug


def read(client: Client, status: int = 200, **query: Any) -> str:
    response = client.get(ADDRESS, query)
    assert response.status_code == status
    return response.content.decode()


def change(job: SyncJob, key: dict[str, Any], **fields: list[Any]) -> Change:
    batch, _ = JobBatch.objects.get_or_create(
        job=job, stream="airports", batch_no=1, defaults={"state": "committed", "created_at": job.created_at}
    )
    values = {"key": key, "key_hash": key_hash(key), "operation": "update", "fields": fields}
    return Change.objects.create(job=job, batch=batch, stream="airports", **values)


def test_every_job_that_touched_a_record_is_told_newest_first(portal: Client, people: People) -> None:
    job_type = people.job_type()
    people.add(3, 4)
    loaded = run(job_type, verbose_logging=True)
    people.add(3, note="moved <b>")
    changed = run(job_type)
    people.add(3, age="n/a")
    rejected = run(job_type)
    planned = run(job_type, dry_run=True)
    history = read_history(RecordSearch(job_type, "people", "3"))
    assert [(one.job.pk, one.kind) for one in history.sightings][:3] == [
        (planned.pk, "rejected"),
        (rejected.pk, "rejected"),
        (changed.pk, "changed"),
    ]
    assert {one.job.pk for one in history.sightings[3:]} <= {loaded.pk}
    text = read(portal, type="people", key="3")
    assert f"#{changed.pk}</a>" in text
    assert '<del class="old">Person 3</del> <ins class="new">moved &lt;b&gt;</ins>' in text
    assert "age value &#x27;n/a&#x27; is not a number" in text
    assert f"/admin/rejects/{Reject.objects.get(job=rejected).pk}/" in text
    assert "No job is known to have touched it" in read(portal, type="people", key="99")
    assert f"#{changed.pk}</a>" in read(portal, key='{"id": "3"}'), "of any type, as JSON, with the number as text"


def test_conflicts_and_documents_belong_to_a_records_history(portal: Client, make_job: MakeJob) -> None:
    key = {"icao": "KJFK"}
    job = make_job()
    change(job, key, name=["a", "b"])
    batch = job.batches.get()
    Conflict.objects.create(
        job=job, batch=batch, stream="airports", key=key, operation="update", reason="changed", fields={"x": [1, 2]}
    )
    skipped = make_job(Status.SKIPPED, source_document_name="KJFK")
    unread = make_job(target_document_name="EDDF")
    text = read(portal, type="airports", key="KJFK")
    assert "The record was changed since" in text
    assert "left alone" in text
    assert f"#{skipped.pk}</a>" in text
    assert "nothing of it was changed" in text
    assert f"#{unread.pk}</a>" not in text


def test_keys_of_several_fields_are_given_as_json(portal: Client, make_job: MakeJob) -> None:
    job = make_job()
    change(job, {"order": 7, "line": 2}, size=[1, 2])
    assert f"#{job.pk}</a>" in read(portal, key='{"line": "2", "order": 7}')
    job_type = job.job_type
    job_type.config["streams"][0]["key"] = ["order", "line"]
    job_type.save()
    problem = read(portal, 422, type="airports", key="7")
    assert "give it as JSON" in problem
    assert 'aria-invalid="true"' in problem


def test_an_open_batch_is_no_history_yet(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.STARTED)
    change(job, {"icao": "KJFK"}, name=["a", "b"])
    job.batches.update(state="open")
    assert "No job is known to have touched it" in read(portal, key="KJFK")


def test_history_is_paged_by_job_without_a_gap(portal: Client, make_job: MakeJob) -> None:
    jobs = [make_job() for _ in range(7)]
    for job in jobs:
        change(job, {"icao": "KJFK"}, name=["a", "b"])
    search = RecordSearch(None, "", "KJFK")
    seen: list[int] = []
    before: int | None = None
    while True:
        part = read_history(search, limit=3, before=before)
        seen += [one.job.pk for one in part.sightings]
        if part.before is None:
            break
        before = part.before
    assert seen == [job.pk for job in reversed(jobs)]


def test_hostile_keys_and_values_stay_text(portal: Client, make_job: MakeJob) -> None:
    evil = f"{ATTACK}{{{{7*7}}}}"
    change(make_job(), {"icao": evil}, **{ATTACK: [ATTACK, evil]})
    text = read(portal, type="airports", key=evil)
    assert ATTACK not in text
    assert "49" not in text.partition("<tbody>")[2].replace("#49", "")
    assert text.count("&lt;script&gt;") >= 4
    assert "There is no job type" in read(portal, 422, type=ATTACK, key="x")
    for odd in ("\0x", "{" * 50, "a" * 5_000, '{"a": NaN}'):
        assert portal.get(ADDRESS, {"key": odd}).status_code in (200, 422)


def test_the_page_costs_the_same_however_long_the_history(portal: Client, make_job: MakeJob) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            read(portal, type="airports", key="KJFK")
        return len(queries)

    change(make_job(), {"icao": "KJFK"}, name=["a", "b"])
    before = cost()
    for _ in range(5):
        change(make_job(), {"icao": "KJFK"}, name=["a", "b"])
    assert cost() == before


def test_records_need_the_right_to_see_jobs(make_staff: MakeStaff, make_job: MakeJob) -> None:
    change(make_job(), {"icao": "KJFK"}, name=["a", "b"])
    assert "KJFK" in read(make_staff("view_syncjob"), key="KJFK")
    assert make_staff("view_connector").get(ADDRESS).status_code == 403


def test_command_tells_the_same_history(make_job: MakeJob, capsys: pytest.CaptureFixture[str]) -> None:
    job = make_job()
    change(job, {"icao": "KJFK"}, name=["Idlewild", "John F Kennedy Intl"])
    call_command("sync", "record", "airports", "KJFK", "--json")
    told = json.loads(capsys.readouterr().out)
    (one,) = told["history"]
    assert (one["job"], one["kind"], one["operation"]) == (job.pk, "changed", "update")
    assert one["fields"] == {"name": ["Idlewild", "John F Kennedy Intl"]}
    call_command("sync", "record", "airports", "KJFK")
    assert 'name: "Idlewild" → "John F Kennedy Intl"' in capsys.readouterr().out
    call_command("sync", "record", "airports", "EDDF")
    assert "No job of airports is known" in capsys.readouterr().out
    with pytest.raises(CommandError, match="begins like JSON"):
        call_command("sync", "record", "airports", "{")
