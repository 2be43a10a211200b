"""Watching saves in the portal: the form's section, what waits on a type's page, what a job served on its own."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from syncjobs.models import InboxEntry, SyncJob, SyncJobType
from syncjobs.operations.job_type_states import pause_job_type
from tests.portal.conftest import ATTACK, MakeStaff
from tests.portal.test_document_types import typed
from tests.triggers.hooked import fold, hooked_jobs, make_customer, watching_type

PAGE = "/admin/job-types/customers/"


@pytest.fixture
def job_type(db: None) -> SyncJobType:
    return watching_type()


def read(client: Client, address: str) -> str:
    """The text of a page, without its tags."""
    response = client.get(address)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def job_page() -> str:
    return f"/admin/jobs/{hooked_jobs()[0].pk}/"


def test_form_switches_watching_on_and_says_what_it_does_not_see(portal: Client, job_type: SyncJobType) -> None:
    text = read(portal, f"{PAGE}edit/")
    assert "Bulk operations ( bulk_create , QuerySet.update , SQL) tell nobody what they save" in text
    changes = {"watch_saves": "on", "watch_quiet_seconds": "5", "watch_most_seconds": "60", "watch_job_saves": "on"}
    assert portal.post(f"{PAGE}edit/", typed(job_type, **changes)).status_code == 302
    job_type.refresh_from_db()
    assert (job_type.watch_quiet_seconds, job_type.watch_most_seconds, job_type.watch_job_saves) == (5, 60, True)
    portal.post(f"{PAGE}edit/", typed(job_type, watch_saves=None, watch_quiet_seconds=""))
    job_type.refresh_from_db()
    assert (job_type.watch_saves, job_type.watch_quiet_seconds) == (False, 5)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"watch_quiet_seconds": "61", "watch_most_seconds": "60"}, "This must be at least the 61 quiet seconds."),
        ({"watch_quiet_seconds": "-1"}, "greater than or equal to 0"),
        ({"source_document_type": "erp/customers"}, "Only saves of a Django model can be watched"),
    ],
)
def test_mistakes_stand_in_the_form(
    portal: Client, job_type: SyncJobType, changes: dict[str, str], complaint: str
) -> None:
    response = portal.post(f"{PAGE}edit/", typed(job_type, **changes))
    assert response.status_code == 422
    assert complaint in response.content.decode()


def test_page_of_a_type_tells_what_waits_and_what_was_served(portal: Client, job_type: SyncJobType) -> None:
    assert "Waiting nothing No save has been served yet." in read(portal, PAGE)
    customer = make_customer()
    customer.save()
    assert "Waiting 2 saves of 1 document, the oldest just now" in read(portal, PAGE)
    fold()
    assert f"update {customer.pk} 2 saves just now #{hooked_jobs()[0].pk}" in read(portal, PAGE)
    customer.save()
    pause_job_type(SyncJobType.objects.get(), actor="test")
    assert "they stay until the type is resumed" in read(portal, PAGE)
    SyncJobType.objects.update(watch_saves=False)
    assert "Watched saves" not in read(portal, PAGE)


def test_page_of_a_job_tells_which_saves_it_served(portal: Client, job_type: SyncJobType) -> None:
    customer = make_customer()
    for _ in range(24):
        customer.save()
    first, last = InboxEntry.objects.earliest("pk"), InboxEntry.objects.latest("pk")
    InboxEntry.objects.filter(pk=first.pk).update(saved_at=first.saved_at - timedelta(seconds=5))
    InboxEntry.objects.filter(pk=last.pk).update(saved_by=ATTACK, request_id="request-7")
    fold()
    text = read(portal, job_page())
    assert re.search(r"Served 25 saves, first \d\d:\d\d:\d\d , last \d\d:\d\d:\d\d ", text)
    assert "request-7" in text
    assert "Only the newest are shown." in text
    assert ATTACK not in portal.get(job_page()).content.decode()
    InboxEntry.objects.all().delete()
    assert "Served" not in read(portal, job_page())


def test_pages_ask_the_database_as_often_for_many_saves(portal: Client, job_type: SyncJobType) -> None:
    customer = make_customer()
    fold()

    def ask() -> list[int]:
        numbers = []
        for address in (PAGE, job_page()):
            with CaptureQueriesContext(connection) as asked:
                portal.get(address)
            numbers.append(len(asked))
        return numbers

    ask()
    few = ask()
    for _ in range(30):
        customer.save()
    fold()
    assert SyncJob.objects.count() == 1
    customer.save()
    assert ask() == few


def test_viewer_reads_the_inbox_and_changes_no_watching(make_staff: MakeStaff, job_type: SyncJobType) -> None:
    viewer = make_staff("view_syncjob", "view_syncjobtype")
    make_customer()
    fold()
    assert "Watched saves" in read(viewer, PAGE)
    assert "Served 1 save" in read(viewer, job_page())
    assert viewer.post(f"{PAGE}edit/", typed(job_type, watch_saves=None)).status_code == 403
    job_type.refresh_from_db()
    assert job_type.watch_saves
