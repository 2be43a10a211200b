"""Polls of a started job's page: no news costs next to nothing, and news comes at once."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from syncjobs.models import JobLog, SyncJob
from syncjobs.portal import job_news, shared_drawings
from syncjobs.statuses import Status
from tests.portal.conftest import MakeJob, MakeStaff

FOLLOWING = {"HX-Request": "true", "HX-Target": "job-live"}


def cursor_of(client: Client, job: SyncJob) -> str:
    text = client.get(f"/admin/jobs/{job.pk}/", headers=FOLLOWING).content.decode()
    found = re.search(r'"cursor": "(\w+)"', text)
    assert found is not None
    return found[1]


def write_line(job: SyncJob, text: str) -> JobLog:
    return JobLog.objects.create(job=job, level="INFO", message=text, created_at=job.created_at)


def test_a_poll_without_news_is_answered_by_one_query_for_the_job(
    portal: Client,
    make_job: MakeJob,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    monkeypatch.setattr(job_news, "CLOCK_SECONDS", 10**6)  # so that it does not turn in between
    job = make_job(Status.STARTED, counts={"read": 10})
    cursor = cursor_of(portal, job)
    with django_assert_max_num_queries(3):  # session, person, job
        assert portal.get(f"/admin/jobs/{job.pk}/", {"cursor": cursor}, headers=FOLLOWING).status_code == 204


def test_news_is_drawn_whichever_column_or_row_it_is_in(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.STARTED, counts={"read": 10})
    row = SyncJob.objects.filter(pk=job.pk)
    for happen, has_tail in (
        (lambda: row.update(counts={"read": 11}), False),
        (lambda: row.update(phase="writing"), False),
        (lambda: write_line(job, "a line"), True),
        (lambda: row.update(status="finished", version=2, ended_at=job.created_at), True),
    ):
        shown = {"cursor": cursor_of(portal, job), "log_after": "0"}
        JobLog.objects.all().delete()
        happen()
        answer = portal.get(f"/admin/jobs/{job.pk}/", shown, headers=FOLLOWING)
        assert answer.status_code == 200
        assert (b'id="job-log-tail" hx-swap-oob="true"' in answer.content) is has_tail


def test_new_lines_come_beside_the_region_to_those_who_follow(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.STARTED)
    seen, cursor = write_line(job, "the first line"), cursor_of(portal, job)
    new = write_line(job, "the second line")
    address = f"/admin/jobs/{job.pk}/"
    queries: list[tuple[dict[str, str], bool]] = [
        ({"log_after": str(seen.pk)}, True),
        ({}, False),
        ({"log_after": "x"}, False),
    ]
    for query, has_lines in queries:
        text = portal.get(address, query | {"cursor": cursor}, headers=FOLLOWING).content.decode()
        region, oob, lines = text.partition('<div hx-swap-oob="beforebegin:#job-log-tail">')
        assert bool(oob) is has_lines
        assert f'hx-get="{address}"' in region
        assert ("the second line" in lines, "the first line" in lines) == (has_lines, False)
        assert (f'name="log_after" value="{new.pk}"' in lines) is has_lines
    page = portal.get(address, {"log_after": str(seen.pk)}).content.decode()
    assert "hx-swap-oob" not in page
    assert "the first line" in page


def test_the_log_of_a_silent_job_needs_one_query_beside_the_person(
    portal: Client, make_job: MakeJob, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    job = make_job(Status.STARTED)
    line = write_line(job, "a line")
    with django_assert_max_num_queries(3):
        assert portal.get(f"/admin/jobs/{job.pk}/log/", {"after": line.pk}).status_code == 204
    assert "a line" in portal.get(f"/admin/jobs/{job.pk}/log/", {"after": line.pk - 1}).content.decode()


@pytest.mark.parametrize("status", [Status.QUEUED, Status.STARTED, Status.PAUSED])
def test_a_new_line_is_news_of_the_region_that_tells_the_log(
    portal: Client, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch, status: Status
) -> None:
    monkeypatch.setattr(job_news, "CLOCK_SECONDS", 10**6)
    job = make_job(status)
    cursor = cursor_of(portal, job)
    assert portal.get(f"/admin/jobs/{job.pk}/", {"cursor": cursor}, headers=FOLLOWING).status_code == 204
    write_line(job, "a line")
    shown = {"cursor": cursor, "log_after": "0"}
    assert b"a line" in portal.get(f"/admin/jobs/{job.pk}/", shown, headers=FOLLOWING).content


def test_a_log_that_is_told_of_news_asks_by_itself_after_the_jobs_end(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.STARTED)
    address, query = f"/admin/jobs/{job.pk}/log/", {"after": 0, "told": 1}
    assert portal.get(address, query).status_code == 204
    SyncJob.objects.filter(pk=job.pk).update(status="finished", ended_at=timezone.now())
    tail = portal.get(address, query).content.decode()
    assert 'hx-trigger="every 2s"' in tail
    assert "told" not in tail
    assert portal.get(address, {"after": 0}).status_code == 204


def test_a_person_whose_right_ended_gets_no_news(make_job: MakeJob, make_staff: MakeStaff) -> None:
    job, client = make_job(Status.STARTED), make_staff("view_syncjob")
    cursor = cursor_of(client, job)
    User.objects.get(username__startswith="staff").user_permissions.clear()
    for query in ({"cursor": cursor}, {}):
        assert client.get(f"/admin/jobs/{job.pk}/", query, headers=FOLLOWING).status_code == 403


def test_one_drawing_answers_all_who_follow_a_job_within_a_second(
    portal: Client,
    make_job: MakeJob,
    make_staff: MakeStaff,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    monkeypatch.setattr(shared_drawings, "SHARED_SECONDS", 60.0)
    job, colleague = make_job(Status.STARTED, counts={"read": 10}), make_staff("view_syncjob", "change_syncjob")
    address, log = f"/admin/jobs/{job.pk}/", f"/admin/jobs/{job.pk}/log/"
    write_line(job, "a line")
    other = make_staff("view_syncjob", "change_syncjob")
    first = colleague.get(address, {"cursor": "x", "log_after": "0"}, headers=FOLLOWING)
    tail = colleague.get(log, {"after": 0, "told": 1})
    with django_assert_max_num_queries(6):  # session, person, their rights by themselves and by groups, job
        same = other.get(address, {"cursor": "y", "log_after": "0"}, headers=FOLLOWING)
    assert same.content == first.content
    assert b"a line" in first.content
    with django_assert_max_num_queries(6):
        assert other.get(log, {"after": 0, "told": 1}).content == tail.content
    assert b"a line" in tail.content


def test_a_drawing_is_shared_by_people_with_the_same_rights_only(
    portal: Client, make_job: MakeJob, make_staff: MakeStaff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_drawings, "SHARED_SECONDS", 60.0)
    job, other = make_job(Status.STARTED), make_job(Status.STARTED)
    asked = {"cursor": "x"}
    assert b"cancel-job" in portal.get(f"/admin/jobs/{job.pk}/", asked, headers=FOLLOWING).content
    viewer = make_staff("view_syncjob")
    shown = viewer.get(f"/admin/jobs/{job.pk}/", asked, headers=FOLLOWING).content
    assert b"cancel-job" not in shown
    assert f"job #{other.pk}".encode() in viewer.get(f"/admin/jobs/{other.pk}/", asked, headers=FOLLOWING).content


def test_news_is_never_kept_back_by_a_shared_drawing(
    portal: Client, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_drawings, "SHARED_SECONDS", 60.0)
    job = make_job(Status.STARTED, counts={"read": 10})
    cursor = cursor_of(portal, job)
    SyncJob.objects.filter(pk=job.pk).update(counts={"read": 4711})
    assert b"4,711" in portal.get(f"/admin/jobs/{job.pk}/", {"cursor": cursor}, headers=FOLLOWING).content


def test_a_shared_tail_never_lacks_a_line_that_was_told_of(
    portal: Client, make_job: MakeJob, make_staff: MakeStaff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_drawings, "SHARED_SECONDS", 60.0)
    job, log = make_job(Status.STARTED), {"after": 0, "told": 1}
    for number in range(3):
        write_line(job, f"line {number}")
        assert f"line {number}" in portal.get(f"/admin/jobs/{job.pk}/log/", log).content.decode()
