"""The search over pages, jobs, types, connectors and records: as a page, and as the list for its dialog."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from syncjobs.fingerprints import key_hash
from syncjobs.models import Change, SyncJob
from tests.portal.conftest import ATTACK, MakeJob, MakeStaff

DIALOG = {"HX-Request": "true", "HX-Target": "palette-hits"}


def find(client: Client, text: str, **headers: str) -> str:
    response = client.get("/admin/search/", {"q": text}, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def job(make_job: MakeJob) -> SyncJob:
    job = make_job(title=f"Nightly stock {ATTACK}")
    key = {"icao": "KJFK"}
    Change.objects.create(job=job, stream="airports", key=key, key_hash=key_hash(key), operation="insert", fields={})
    return job


def test_a_job_is_found_by_its_number_and_by_words_of_its_title(portal: Client, job: SyncJob) -> None:
    for text in (str(job.pk), f"#{job.pk}", "nightly STOCK"):
        assert f'href="/admin/jobs/{job.pk}/"' in find(portal, text)
    assert ATTACK not in find(portal, ATTACK)


def test_types_connectors_and_pages_are_found_by_their_names(portal: Client, job: SyncJob) -> None:
    text = find(portal, "airp")
    assert 'href="/admin/job-types/airports/"' in text
    assert 'href="/admin/connectors/open-data/"' in find(portal, "open")
    assert 'href="/admin/schedules/"' in find(portal, "sched", **DIALOG)


def test_a_record_is_found_by_its_key(portal: Client, job: SyncJob) -> None:
    assert 'href="/admin/records/?key=KJFK"' in find(portal, "KJFK")
    assert "/admin/records/?key" not in find(portal, "KLAX")


def test_the_dialog_gets_the_list_alone(portal: Client, job: SyncJob) -> None:
    text = find(portal, "airp", **DIALOG)
    assert text.lstrip().startswith('<div id="palette-hits"')
    assert "<html" not in text


def test_nothing_found_says_what_can_be_looked_for(portal: Client, db: None) -> None:
    assert "records by the whole of their key" in find(portal, "there is no such thing")


def test_a_person_finds_only_what_that_person_may_see(make_staff: MakeStaff, job: SyncJob) -> None:
    text = find(make_staff("view_connector"), "o")
    assert "/admin/connectors/open-data/" in text
    assert "/admin/job-types/airports/" not in text
    for secret in (str(job.pk), "KJFK"):
        found = find(make_staff("view_connector"), secret)
        assert f"/admin/jobs/{job.pk}/" not in found
        assert "/admin/records/?key" not in found


def test_who_is_not_logged_in_finds_nothing(client: Client, job: SyncJob) -> None:
    assert client.get("/admin/search/", {"q": "airports"}).status_code == 302


def test_finding_many_costs_no_more_queries(
    portal: Client, make_job: MakeJob, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        make_job(title=f"Airports {number}")
    with django_assert_max_num_queries(22):
        find(portal, "airports")
