"""The jobs' pages: finding a job, following it, and acting on it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from syncjobs.fingerprints import key_hash
from syncjobs.models import Change, JobBatch, JobEvent, JobLog, SyncJob, SyncJobType
from syncjobs.statuses import Status
from tests.portal.conftest import MakeJob, MakeStaff


def page(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def shown_jobs(text: str) -> list[int]:
    rows = text.partition("<tbody>")[2].partition("</tbody>")[0]
    return [int(number) for number in re.findall(r">#(\d+)</a>", rows)]


def job_address(job: SyncJob, name: str = "job_page") -> str:
    return reverse(f"admin:{name}", args=[job.pk])


def ask_fragment(client: Client, address: str, target: str, **query: str) -> tuple[int, str]:
    response = client.get(address, query, headers={"HX-Request": "true", "HX-Target": target})
    return response.status_code, response.content.decode()


def cursor_of(text: str) -> str:
    found = re.search(r'"cursor": "(\w+)"', text)
    assert found is not None
    return found[1]


# 1. Finding


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=failed", ["failed"]),
        ("status=finished", ["finished", "planned"]),
        ("dry_run=yes", ["planned"]),
        ("dry_run=no&status=finished", ["finished"]),
        ("q=special", ["failed"]),
        ("type=airports", ["failed", "finished", "planned"]),
        ("type=other", []),
        ("status=nonsense&dry_run=maybe&parent=-1", ["failed", "finished", "planned"]),
    ],
)
def test_the_list_shows_what_the_filters_ask_for(
    portal: Client, make_job: MakeJob, query: str, expected: list[str]
) -> None:
    jobs = {"failed": make_job(Status.FAILED, title="A Special title"), "finished": make_job()}
    jobs["planned"] = make_job(dry_run=True)
    assert sorted(shown_jobs(page(portal, f"/admin/jobs/?{query}"))) == sorted(jobs[name].pk for name in expected)


@pytest.mark.parametrize("form", ["{}", "#{}"])
def test_a_number_finds_its_job(portal: Client, make_job: MakeJob, form: str) -> None:
    make_job()
    wanted = make_job()
    assert wanted.pk in shown_jobs(page(portal, f"/admin/jobs/?q={form.format(wanted.pk).replace('#', '%23')}"))


@pytest.mark.parametrize("query", ["q=%00", "q=" + "9" * 50, "from=" + "9" * 30, "from=-1&to=x", "q=%25_%5C"])
def test_odd_searches_find_nothing_and_break_nothing(portal: Client, make_job: MakeJob, query: str) -> None:
    make_job()
    page(portal, f"/admin/jobs/?{query}")


def test_pages_of_the_list_lead_forth_and_back_through_every_job_once(portal: Client, make_job: MakeJob) -> None:
    made = [make_job().pk for _ in range(120)]
    seen, address, addresses = [], "/admin/jobs/", []
    while True:
        text = page(portal, address)
        seen += shown_jobs(text)
        addresses.append(address)
        older = re.search(r'href="(\?[^"]+)">Older', text)
        if older is None:
            break
        address = "/admin/jobs/" + older[1].replace("&amp;", "&")
    assert seen == sorted(made, reverse=True)
    assert len(addresses) == 3
    newer = re.search(r'href="(\?[^"]+)">← Newer', text)
    assert newer is not None
    assert shown_jobs(page(portal, "/admin/jobs/" + newer[1])) == seen[50:100]


def test_a_finished_dry_run_is_called_planned(portal: Client, make_job: MakeJob) -> None:
    make_job(dry_run=True)
    assert '<span class="pill planned">Planned</span>' in page(portal, "/admin/jobs/")


def test_an_empty_list_says_what_to_do(portal: Client, job_type: SyncJobType) -> None:
    assert "No job has run yet" in page(portal, "/admin/jobs/")
    assert "No job fits" in page(portal, "/admin/jobs/?status=failed")


# 2. Following


def test_a_page_polls_while_its_job_may_change_and_no_longer(portal: Client, make_job: MakeJob) -> None:
    for status in (Status.QUEUED, Status.STARTED, Status.PAUSED, Status.HELD):
        assert 'hx-trigger="every 2s"' in page(portal, job_address(make_job(status)))
    for status in (Status.FINISHED, Status.CANCELED, Status.ERROR):
        assert 'hx-trigger="every' not in page(portal, job_address(make_job(status)))
    retry = make_job(Status.FAILED, retry_after=timezone.now() + timedelta(seconds=28))
    text = page(portal, job_address(retry))
    assert "Retry in 2" in text
    assert 'hx-trigger="every 2s"' in text


def test_a_fragment_answers_nothing_until_there_is_news(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.QUEUED, wait_reason="waits for job #1")
    cursor = cursor_of(page(portal, job_address(job)))
    assert ask_fragment(portal, job_address(job), "job-live", cursor=cursor) == (204, "")
    SyncJob.objects.filter(pk=job.pk).update(wait_reason="no worker listens on queue 'default'")
    status, text = ask_fragment(portal, job_address(job), "job-live", cursor=cursor)
    assert status == 200
    assert "no worker listens" in text
    assert "<html" not in text
    assert cursor_of(text) != cursor


def test_the_fragment_of_a_job_that_ended_stops_polling(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.QUEUED)
    cursor = cursor_of(page(portal, job_address(job)))
    SyncJob.objects.filter(pk=job.pk).update(status="finished", ended_at=timezone.now())
    status, text = ask_fragment(portal, job_address(job), "job-live", cursor=cursor)
    assert status == 200
    assert "pill finished" in text
    assert "hx-get" not in text


def test_the_list_follows_its_jobs_within_its_filters(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.QUEUED, title="mine")
    text = page(portal, "/admin/jobs/?q=mine")
    assert 'hx-get="/admin/jobs/?q=mine"' in text
    SyncJob.objects.filter(pk=job.pk).update(status="started", phase="reading")
    _, fragment = ask_fragment(portal, "/admin/jobs/", "job-list", q="mine", cursor=cursor_of(text))
    assert "Started · reading" in fragment


def test_the_log_is_followed_line_by_line(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.STARTED)
    first = JobLog.objects.create(job=job, level="INFO", message="the first line", created_at=timezone.now())
    text = page(portal, job_address(job))
    assert "the first line" in text
    address = job_address(job, "job_log")
    assert f'hx-get="{address}?after={first.pk}&amp;told=1" hx-trigger="follow-again from:body"' in text
    assert ask_fragment(portal, address, "job-log-tail", after=str(first.pk))[0] == 204
    second = JobLog.objects.create(job=job, level="WARNING", message="the second line", created_at=timezone.now())
    _, tail = ask_fragment(portal, address, "job-log-tail", after=str(first.pk))
    assert "the second line" in tail
    assert "the first line" not in tail
    assert f"after={second.pk}" in tail


def test_the_log_is_followed_a_little_longer_than_the_job(portal: Client, make_job: MakeJob) -> None:
    just_now = make_job(ended_at=timezone.now())
    long_ago = make_job()
    assert 'id="job-log-tail" hx-get' in page(portal, job_address(just_now))
    assert 'id="job-log-tail" hx-get' not in page(portal, job_address(long_ago))


def test_the_log_is_searched_followed_and_downloaded_within_its_filter(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.STARTED)
    texts = ("Batch 1 <b>", "Batch 2 {{7*7}}", "something else", "100% done")
    lines = [JobLog.objects.create(job=job, level="INFO", message=text, created_at=timezone.now()) for text in texts]
    address = job_address(job, "job_log")
    text = page(portal, f"{address}?q=batch&level=info")
    shown = text.partition('role="log"')[2]
    assert "Batch 1 &lt;b&gt;" in shown
    assert "Batch 2 {{7*7}}" in shown
    assert "something else" not in shown
    assert f"?after={lines[1].pk}&amp;level=info&amp;q=batch" in shown
    assert 'id="follow" checked' in text
    JobLog.objects.create(job=job, level="INFO", message="nothing of it", created_at=timezone.now())
    assert ask_fragment(portal, address, "job-log-tail", after=str(lines[1].pk), q="batch")[0] == 204
    assert "100% done" in page(portal, f"{address}?q=%25").partition('role="log"')[2]
    assert "something else" not in page(portal, f"{address}?q=%25").partition('role="log"')[2]
    assert "No line has what you look for yet." in page(portal, f"{address}?q=absent")
    assert portal.get(job_address(job, "job_log_download"), {"q": "BATCH"}).getvalue().count(b"\n") == 2
    for odd in ("q=%00", "q=" + "x" * 5_000, "level=odd", "after=x"):
        page(portal, f"{address}?{odd}")


def test_the_log_can_be_limited_to_a_level_and_downloaded_whole(portal: Client, make_job: MakeJob) -> None:
    job = make_job()
    for level in ("DEBUG", "INFO", "WARNING", "ERROR"):
        JobLog.objects.create(job=job, level=level, message=f"a line of {level}", created_at=timezone.now())
    warnings = page(portal, job_address(job, "job_log") + "?level=warning")
    assert "a line of ERROR" in warnings
    assert "a line of INFO" not in warnings
    response = portal.get(job_address(job, "job_log_download"))
    lines = response.getvalue().decode().splitlines()
    assert response.headers["Content-Type"].startswith("text/plain")
    assert [line.split(" ", 1)[1].strip() for line in lines] == [
        "DEBUG   a line of DEBUG",
        "INFO    a line of INFO",
        "WARNING a line of WARNING",
        "ERROR   a line of ERROR",
    ]


# 3. What a page says


def test_a_failure_says_class_code_sentence_and_hint(portal: Client, make_job: MakeJob) -> None:
    failure = {"class": "data", "code": "not_null", "message": "record icao=KJFK has no name", "retryable": False}
    job = make_job(Status.ERROR, failure=failure | {"hint": "Map a value."})
    text = page(portal, job_address(job))
    for part in ("data ·", "not_null", "record icao=KJFK has no name", "Map a value.", "attempt 1"):
        assert part in text


def test_changes_stand_with_old_and_new_value_and_are_paged(portal: Client, make_job: MakeJob) -> None:
    job = make_job()
    batch = JobBatch.objects.create(job=job, stream="airports", batch_no=1, created_at=timezone.now())
    Change.objects.bulk_create(
        Change(
            job=job,
            batch=batch,
            stream="airports",
            key={"icao": f"K{number:03}"},
            key_hash=number,
            operation="delete" if number == 249 else "update",
            fields={"name": [f"Old {number}", f"New {number}"]},
        )
        for number in range(250)
    )
    text = page(portal, job_address(job, "job_changes"))
    assert '<del class="old">Old 0</del> <ins class="new">New 0</ins>' in text
    keys, address = re.findall(r"K\d{3}", text), job_address(job, "job_changes")
    while following := re.search(r'href="(\?[^"]+)">Later', text):
        text = page(portal, address + following[1].replace("&amp;", "&"))
        keys += re.findall(r"K\d{3}", text)
    assert keys == [f"K{number:03}" for number in range(250)]
    only = page(portal, address + "?operation=delete")
    assert re.findall(r"K\d{3}", only) == ["K249"]
    assert "New 249" not in only


def test_a_change_is_found_by_its_key(portal: Client, make_job: MakeJob) -> None:
    job = make_job()
    batch = JobBatch.objects.create(job=job, stream="airports", batch_no=1, created_at=timezone.now())
    for number in range(5):
        key = {"icao": number}
        values = {"key": key, "key_hash": key_hash(key), "operation": "update", "fields": {"name": ["a", f"b{number}"]}}
        Change.objects.create(job=job, batch=batch, stream="airports", **values)
    address = job_address(job, "job_changes")
    found = page(portal, f"{address}?key=3")
    assert "b3" in found
    assert "b2" not in found
    assert "b3" in page(portal, f'{address}?key={{"icao": 3}}&operation=update')
    assert "kept no delete of a record with this key" in page(portal, f"{address}?key=3&operation=delete")
    nothing = page(portal, f"{address}?key=%3Cscript%3E")
    assert "kept no change of a record with this key" in nothing
    assert "/admin/records/?type=airports&amp;key=%3Cscript%3E" in nothing
    assert "begins like JSON" in page(portal, f"{address}?key=%7B")
    change = job.changes.get(key_hash=key_hash({"icao": 3}))
    one = page(portal, reverse("admin:job_change", args=[job.pk, change.pk]))
    assert "/admin/records/?type=airports&amp;key=%7B%22icao%22%3A+3%7D" in one


def test_a_job_says_where_its_time_went(portal: Client, make_job: MakeJob) -> None:
    failure = {"class": "data", "code": "not_null", "message": "record 7 has no name", "hint": "Map it."}
    job = make_job(Status.ERROR, failure=failure, error_message="Traceback <module>")
    job.attempts.update(phase_seconds={"writing": 3, "reading": 1, "waiting": 0}, outcome="error")
    for text in (page(portal, job_address(job)), page(portal, job_address(job, "job_attempts"))):
        assert '<rect class="reading" x="0.0" y="0" width="25.0" height="6"/>' in text
        assert '<rect class="writing" x="25.0" y="0" width="75.0" height="6"/>' in text
        assert "writing <b>3.0 s</b>" in text
        assert 'class="waiting"' not in text
        assert 'data-copies="trace-text-1"' in text
        assert "Traceback &lt;module&gt;" in text
    assert "Map it." in page(portal, job_address(job, "job_attempts")).partition("<h2>Attempts")[2]


def test_a_relay_shows_its_children_and_their_sums(portal: Client, make_job: MakeJob) -> None:
    parent = make_job(Status.RELAYED)
    counts = {"read": 1_000, "inserted": 10, "updated": 0, "deleted": 0, "unchanged": 990}
    done = make_job(parent=parent, position=0, counts=counts)
    make_job(Status.ERROR, parent=parent, position=1, counts=counts)
    make_job(Status.STARTED, parent=parent, position=2)
    text = page(portal, job_address(parent))
    assert "1 of 3 done · 1 failed or canceled · 1 to go" in text
    assert "<dt>read</dt><dd>2,000</dd>" in text
    assert 'hx-trigger="every 2s"' in text, "children still change"
    assert len(shown_jobs(page(portal, f"/admin/jobs/?parent={parent.pk}"))) == 3
    assert job_address(parent) in page(portal, job_address(done))


def test_progress_says_how_far_and_how_long(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.STARTED, counts={"read": 500, "inserted": 500}, total_estimate=1_000, phase="writing")
    text = page(portal, job_address(job))
    assert 'max="100" value="50"' in text
    assert "500 of about 1,000 records" in text
    assert "left" in text
    assert "Started · writing" in text


# 4. Acting


def test_canceling_asks_first_and_keeps_the_reason(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.QUEUED)
    assert "Cancel Airports?" in page(portal, job_address(job, "job_cancel"))
    response = portal.post(job_address(job, "job_cancel"), {"reason": "wrong <b>range</b>"}, follow=True)
    job.refresh_from_db()
    assert job.status == Status.CANCELED
    assert JobEvent.objects.filter(job=job, new="canceled", actor="anna", reason="wrong <b>range</b>").exists()
    text = response.content.decode()
    assert f"Job #{job.pk} is canceled." in text
    assert "wrong &lt;b&gt;range" in text


def test_canceling_a_started_job_asks_its_worker(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.STARTED)
    response = portal.post(job_address(job, "job_cancel"), {"reason": ""}, follow=True)
    job.refresh_from_db()
    assert job.status == Status.STARTED
    assert job.cancel_requested_at is not None
    assert "was asked to stop" in response.content.decode()
    assert "Started · stopping" in response.content.decode()


def test_a_conflict_says_what_is_allowed(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.FINISHED)
    for name in ("job_cancel", "job_retry"):
        response = portal.post(job_address(job, name), follow=True)
        assert "allowed now: restart, delete" in response.content.decode()
    failed = make_job(Status.STARTED)
    response = portal.post(job_address(failed, "job_retry"), follow=True)
    assert "allowed now: pause, cancel" in response.content.decode()


def test_retrying_queues_the_same_job_again(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.FAILED)
    assert 'id="retry-job"' in page(portal, job_address(job))
    portal.post(job_address(job, "job_retry"))
    job.refresh_from_db()
    assert job.status == Status.QUEUED
    assert SyncJob.objects.count() == 1


def test_only_allowed_actions_are_offered(portal: Client, make_job: MakeJob, admin: User) -> None:
    text = page(portal, job_address(make_job(Status.FINISHED)))
    assert 'id="retry-job"' not in text
    assert 'id="cancel-job"' not in text


def test_an_operator_may_cancel_and_retry_without_editing_rights(make_staff: MakeStaff, make_job: MakeJob) -> None:
    operator = make_staff("view_syncjob", "change_syncjob")
    job = make_job(Status.FAILED)
    assert operator.post(job_address(job, "job_retry")).status_code == 302
    job.refresh_from_db()
    assert job.status == Status.QUEUED


def test_a_job_that_rejected_records_does_not_say_that_all_were_well(portal: Client, make_job: MakeJob) -> None:
    job = make_job(counts={"read": 3, "unchanged": 2, "rejected": 1})
    text = page(portal, job_address(job))
    assert "as they should be" not in text
    assert "1 rejected of 3 records in 3.0 s." in text


def test_the_configuration_is_told_in_words_and_its_parts_by_themselves(portal: Client, make_job: MakeJob) -> None:
    text = page(portal, job_address(make_job(), "job_config"))
    assert "<dt>Timeout</dt><dd>300 s</dd>" in text
    assert "<dt>Verbose logging</dt><dd>no</dd>" in text
    assert "<summary>Config</summary>" in text
    assert "&quot;key&quot;: [" in text


def test_every_move_is_told_with_its_reason_and_its_actor(portal: Client, make_job: MakeJob) -> None:
    job = make_job(Status.STARTED)
    for number in range(70):
        values = {"reason": f"turn {number} <b>", "actor": "worker-7", "created_at": timezone.now()}
        JobEvent.objects.create(job=job, new="queued" if number % 2 else "started", **values)
    overview = page(portal, job_address(job))
    assert "turn 69 &lt;b&gt;" in overview
    assert "turn 49 " not in overview
    assert "by worker-7" in overview
    assert "#events" in overview
    address = job_address(job, "job_attempts")
    newest = page(portal, address)
    assert "turn 20 " in newest
    assert "turn 19 " not in newest
    older = re.search(r'href="(\?from=\d+)">Older', newest)
    assert older is not None
    assert "turn 0 " in page(portal, address + older[1])
