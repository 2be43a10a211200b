"""The dashboard's numbers against jobs that are known."""

from __future__ import annotations

import re
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from syncjobs.models import Schedule, SyncJobType
from syncjobs.statuses import Status
from tests.portal.conftest import MakeJob


def cards(client: Client) -> dict[str, tuple[str, str]]:
    text = client.get("/admin/").content.decode()
    found = re.findall(r'<span>([^<]+)</span><b>([^<]+)</b><span class="said \w+" title="[^"]*">([^<]*)</span>', text)
    return {word: (number, sentence) for word, number, sentence in found}


def test_the_cards_count_the_last_day(portal: Client, make_job: MakeJob) -> None:
    read = {"read": 1_500, "inserted": 1_500}
    for _ in range(3):
        make_job(counts=read)
    make_job(counts=read, dry_run=True)
    make_job(Status.RELAYED, counts=read)
    make_job(Status.FAILED)
    make_job(Status.STARTED, counts=read)
    make_job(Status.QUEUED, wait_reason="no worker listens on queue 'long'")
    make_job(counts=read, created_at=timezone.now() - timedelta(days=3))
    shown = cards(portal)
    assert shown["Jobs, 24 h"] == ("8", "none the day before")
    assert shown["Success rate"] == ("83.3 %", "5 ended well")
    assert shown["Records, 24 h"][0] == "6,000"
    assert shown["Running"] == ("1", "at work now")
    assert shown["Active"] == ("2", "1 waits: no worker listens on queue &#x27;long&#x27;")
    assert shown["Failed, 24 h"] == ("1", "every last job went well")


def test_a_type_fails_until_a_later_job_of_it_ends_well(portal: Client, make_job: MakeJob) -> None:
    make_job(Status.ERROR)
    make_job(dry_run=True)
    assert cards(portal)["Failed, 24 h"] == ("1", "failing now: Airports")
    make_job()
    assert cards(portal)["Failed, 24 h"] == ("1", "every last job went well")


def test_what_runs_and_what_waits_is_listed_with_its_reason(portal: Client, make_job: MakeJob) -> None:
    make_job(Status.STARTED, counts={"read": 640}, total_estimate=1_000, phase="writing")
    make_job(Status.QUEUED, wait_reason="waits for job #1, which has the same target")
    text = portal.get("/admin/").content.decode()
    assert 'value="64" aria-label="64 percent"' in text
    assert "waits for job #1, which has the same target" in text


def test_a_held_job_is_announced(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.HELD, failure={"message": "would delete 1,204 of 18,330 records."})
    text = portal.get("/admin/").content.decode()
    assert "would delete 1,204 of 18,330 records." in text
    assert f'href="/admin/jobs/{job.pk}/">Review</a>' in text


def test_the_next_schedules_are_those_that_are_on(portal: Client, schedule: Schedule) -> None:
    assert "Every day at 02:08 Europe/Berlin" in portal.get("/admin/").content.decode()
    schedule.periodic_task.enabled = False
    schedule.periodic_task.save()
    assert "No schedule is on" in portal.get("/admin/").content.decode()


def test_an_empty_house_says_where_to_begin(portal: Client, db: None) -> None:
    text = portal.get("/admin/").content.decode()
    assert not SyncJobType.objects.exists()
    assert "Nothing to sync yet" in text
    assert "Add a connector" in text


def test_each_region_can_be_asked_for_alone(portal: Client, make_job: MakeJob) -> None:
    make_job(Status.STARTED)
    for region in ("cards", "running-now", "recent"):
        response = portal.get("/admin/", headers={"HX-Request": "true", "HX-Target": region})
        text = response.content.decode()
        assert text.lstrip().startswith(f'<div id="{region}"')
        cursor = re.search(r'"cursor": "([0-9a-f]+)"', text)
        assert cursor is not None


def test_the_front_door_leads_to_the_dashboard(portal: Client) -> None:
    assert portal.get("/").headers["Location"] == "/admin/"


def test_empty_charts_say_so_in_words(portal: Client, make_job: MakeJob) -> None:
    text = portal.get("/admin/").content.decode()
    assert "No record was read" in text
    assert "No job has ended" in text
    make_job(Status.FINISHED, counts={"read": 5})
    text = portal.get("/admin/").content.decode()
    assert "No record was read" not in text
    assert "No job has ended" not in text
