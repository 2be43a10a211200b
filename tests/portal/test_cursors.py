"""The page of a type's cursors: where they stand, and setting one back after a question."""

from __future__ import annotations

import pytest
from django.test import Client

from syncjobs.models import StreamCursor, SyncJobType
from syncjobs.operations.job_types import save_job_type
from syncjobs.statuses import Status
from tests.portal.conftest import ATTACK, MakeJob, MakeStaff

TYPE = "/admin/job-types/airports/"
PAGE = f"{TYPE}cursor/"
WHEN = "2026-11-23T02:30:00Z"


@pytest.fixture
def ledger(job_type: SyncJobType, make_job: MakeJob) -> list[StreamCursor]:
    """Two entries of the stream airports, the older one first; the type reads it incrementally."""
    job_type.config["streams"][0] |= {"extent": "incremental", "cursor": {"field": "name"}}
    save_job_type(job_type, actor="test")
    entries, old = [], None
    for new in (f"A {ATTACK}", "B"):
        values = {"field": "name", "old": old, "new": new, "rows": 25, "job": make_job(Status.FINISHED)}
        entries.append(StreamCursor.objects.create(job_type=job_type, stream="airports", created_at=WHEN, **values))
        old = new
    return entries


def test_page_shows_the_ledger_escaped_and_the_type_leads_there(portal: Client, ledger: list[StreamCursor]) -> None:
    assert PAGE in portal.get(TYPE).content.decode()
    text = portal.get(PAGE).content.decode()
    assert 'read by <span class="mono">name</span>' in text
    assert f"#{ledger[0].job_id}" in text
    assert "the start" in text
    assert ATTACK not in text
    assert f"entry={ledger[0].pk}" in text
    assert f"entry={ledger[1].pk}" not in text, "it stands there already"


def test_type_without_a_cursor_has_no_such_page(portal: Client, job_type: SyncJobType) -> None:
    assert PAGE not in portal.get(TYPE).content.decode()
    assert portal.get(PAGE).status_code == 404


def test_rewind_asks_first_and_then_sets_the_cursor_back(portal: Client, ledger: list[StreamCursor]) -> None:
    wish = {"stream": "airports", "entry": str(ledger[0].pk)}
    assert "Set the cursor of airports to A" in portal.get(f"{PAGE}rewind/", wish).content.decode()
    assert StreamCursor.objects.count() == 2
    answer = portal.post(f"{PAGE}rewind/", wish | {"reason": "bad day"}, follow=True)
    assert "The next run begins there." in answer.content.decode()
    newest = StreamCursor.objects.all()[0]
    assert (newest.old, newest.new, newest.job) == ("B", ledger[0].new, None)
    assert (newest.actor, newest.reason) == ("anna", "bad day")
    portal.post(f"{PAGE}rewind/", wish | {"entry": "start"})
    assert StreamCursor.objects.all()[0].new is None
    page = portal.get(PAGE).content.decode()
    assert "bad day" in page
    assert 'anna <span class="sub">by hand</span>' in page


def test_rewind_during_a_job_is_refused_in_words(portal: Client, ledger: list[StreamCursor], make_job: MakeJob) -> None:
    job = make_job(Status.QUEUED)
    answer = portal.post(f"{PAGE}rewind/", {"stream": "airports", "entry": "start"}, follow=True)
    assert f"job #{job.pk} of airports is queued" in answer.content.decode()
    assert StreamCursor.objects.count() == 2


@pytest.mark.parametrize("entry", ["", "77", "first", "1" * 30])
def test_unknown_entries_and_streams_are_not_found(portal: Client, ledger: list[StreamCursor], entry: str) -> None:
    assert portal.post(f"{PAGE}rewind/", {"stream": "airports", "entry": entry}).status_code == 404
    assert portal.get(PAGE, {"stream": "elsewhere"}).status_code == 404


def test_who_may_only_look_sees_no_rewind_and_cannot_post_one(
    make_staff: MakeStaff, ledger: list[StreamCursor]
) -> None:
    visitor = make_staff("view_syncjobtype")
    assert "rewind" not in visitor.get(PAGE).content.decode().lower()
    assert visitor.post(f"{PAGE}rewind/", {"stream": "airports", "entry": "start"}).status_code == 403
