"""The job page, rejects, failures and records in a real Chromium: what an operator does with them."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from connectors.models import Connector
from syncjobs.fingerprints import failure_fingerprint, key_hash
from syncjobs.models import Change, Conflict, JobBatch, JobLog, Reject, SyncJob
from syncjobs.operations.job_types import save_job_type
from syncjobs.statuses import Status
from tests.portal.conftest import MakeJob
from tests.portal.test_browser import PATIENCE_MS, chromium, complaints, context, page
from tests.portal.test_rejects import MENDED
from tests.streams.conftest import people, run, run_here
from tests.streams.people import People

__all__ = ["chromium", "complaints", "context", "page", "people"]
expect.set_options(timeout=PATIENCE_MS)
in_one_colour = pytest.mark.parametrize("context", ["light"], indirect=True)
FAILURE = {"class": "transient", "code": "unreachable", "hint": "Look at the firewall.", "retryable": True}


@pytest.fixture
def target(transactional_db: None, target: Connector) -> str:
    """For `people`: where they are written."""
    return target.slug


@pytest.fixture
def failed(make_job: MakeJob) -> list[SyncJob]:
    """Two jobs that failed alike."""
    failures = [FAILURE | {"message": f"10.0.0.{number}:5432 refused"} for number in (7, 8)]
    return [
        make_job(
            Status.FAILED,
            failure=failure,
            failure_fingerprint=failure_fingerprint(failure),
            ended_at=timezone.now(),
            error_message="Traceback (most recent call last):\n  connection refused",
        )
        for failure in failures
    ]


def write_line(job: SyncJob, message: str) -> None:
    JobLog.objects.create(job=job, level="INFO", message=message, created_at=timezone.now())


def keep_changes(job: SyncJob) -> None:
    batch = JobBatch.objects.create(
        job=job, stream="airports", batch_no=1, state="committed", created_at=job.created_at
    )
    for number in range(150):
        key = {"icao": f"K{number:03}"}
        values = {
            "key": key,
            "key_hash": key_hash(key),
            "operation": "update",
            "fields": {"name": ["Old", f"N{number}"]},
        }
        Change.objects.create(job=job, batch=batch, stream="airports", **values)
    shared = {"job": job, "batch": batch, "stream": "airports", "key": {"icao": "K1"}, "operation": "update"}
    Conflict.objects.create(**shared, reason="changed", fields={"name": ["Old", "Other"]})


@in_one_colour
def test_the_log_is_searched_and_followed_while_its_switch_is_on(
    page: Page, complaints: list[str], make_job: MakeJob
) -> None:
    job = make_job(Status.STARTED)
    write_line(job, "Batch 1 written")
    write_line(job, "{{7*7}} <script>")
    page.goto(f"/admin/jobs/{job.pk}/log/")
    log = page.locator("#log")
    expect(log).to_contain_text("{{7*7}} <script>")
    write_line(job, "Batch 2 written")
    expect(log).to_contain_text("Batch 2 written")

    page.uncheck("#follow")
    write_line(job, "Batch 3 written")
    for _ in range(2):  # a follower asks as often as the head of the page does
        page.wait_for_event("response", lambda answer: "cursor=" in answer.url)
    expect(log).not_to_contain_text("Batch 3")
    page.check("#follow")
    expect(log).to_contain_text("Batch 3 written")

    page.fill("[aria-label=Log] [name=q]", "batch 2")
    page.click("[aria-label=Log] button")
    expect(log.locator(".line")).to_have_count(1)
    expect(log).to_contain_text("Batch 2 written")
    SyncJob.objects.filter(pk=job.pk).update(status="finished", ended_at=job.created_at)
    expect(page.locator("#follow")).to_be_disabled()
    assert not complaints


@in_one_colour
def test_the_job_page_brings_new_lines_in_order_while_its_switch_is_on(
    page: Page, complaints: list[str], make_job: MakeJob
) -> None:
    job = make_job(Status.STARTED)
    page.goto(f"/admin/jobs/{job.pk}/")
    lines = page.locator("#log .line")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for number in range(3):
        write_line(job, f"Batch {number} written")
        expect(lines).to_have_count(number + 1)

    page.uncheck("#follow")
    write_line(job, "Batch 3 written")
    for _ in range(2):
        page.wait_for_event("response", lambda answer: "cursor=" in answer.url and "log_after" not in answer.url)
    expect(lines).to_have_count(3)
    assert not [url for url in asked if "/log/" in url], "no request of the log's own"
    page.check("#follow")
    expect(lines).to_have_count(4)
    write_line(job, "Batch 4 written")
    expect(lines).to_have_count(5)
    SyncJob.objects.filter(pk=job.pk).update(status="finished", ended_at=job.created_at)
    expect(page.locator("#follow")).to_be_disabled()
    assert [text.split()[-2] for text in lines.all_text_contents()] == list("01234")
    assert not complaints


@in_one_colour
def test_a_change_is_found_by_its_key_and_leads_to_its_history(
    page: Page, complaints: list[str], make_job: MakeJob
) -> None:
    job = make_job()
    keep_changes(job)
    page.goto(f"/admin/jobs/{job.pk}/changes/")
    expect(page.locator("tbody tr")).to_have_count(100)
    page.fill("[aria-label=Changes] [name=key]", "K142")
    page.click("[aria-label=Changes] button")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.click("tbody a")
    page.click("text=history of this record")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody .new")).to_have_text("N142")
    page.fill("[aria-label=Records] [name=key]", "nowhere")
    page.click("text=Show its history")
    expect(page.locator(".empty")).to_contain_text("No job is known to have touched it")
    assert not complaints


@in_one_colour
def test_rejects_are_replayed_after_the_mapping_was_mended(
    page: Page,
    complaints: list[str],
    people: People,
) -> None:
    people.add(*range(10))
    people.add(3, 4, age="n/a")
    job_type = people.job_type()
    job = run(job_type)
    page.goto(f"/admin/jobs/{job.pk}/")
    page.click("text=Rejects 2")
    expect(page.locator(".cause")).to_contain_text("age value … is not a number")
    job_type.config["streams"][0]["mapping"] = MENDED
    save_job_type(job_type, actor="ann")

    page.click(".cause a")
    page.check("#tick-all")
    expect(page.locator("#ticked")).to_have_text("2 of 2 ticked")
    page.click("#replay-ticked")
    expect(page.locator("h1")).to_have_text("Replay 2 rejects?")
    page.click(".form-end .btn.primary")
    expect(page.locator(".messages")).to_contain_text("replays 2 rejects by the mapping of today")
    run_here(SyncJob.objects.latest("pk"))
    expect(page.locator("#job-live .pill").first).to_have_text("Finished")
    assert set(Reject.objects.values_list("state", flat=True)) == {"replayed"}
    page.goto("/admin/rejects/")
    expect(page.locator(".empty")).to_contain_text("No reject is open")
    assert not complaints


@in_one_colour
def test_all_that_failed_alike_is_retried_by_one_button(
    page: Page, complaints: list[str], failed: list[SyncJob]
) -> None:
    page.goto("/admin/failures/")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.click(".cause a")
    page.click("#retry-all")
    expect(page.locator("h1")).to_have_text("Retry 2 jobs?")
    page.click("text=Retry 2 jobs >> nth=-1")
    expect(page.locator(".messages")).to_contain_text("2 queued again.")
    expect(page.locator(".empty")).to_contain_text("No job is failed")
    assert {SyncJob.objects.get(pk=job.pk).status for job in failed} == {"queued"}
    assert not complaints


@in_one_colour
def test_a_traceback_is_copied_by_its_button(page: Page, complaints: list[str], failed: list[SyncJob]) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"/admin/jobs/{failed[0].pk}/")
    page.click("text=Technical details")
    page.click("text=Copy")
    expect(page.locator("[data-copies]")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == failed[0].error_message
    assert not complaints


def test_every_page_of_jobs_loads_without_a_complaint_wide_and_narrow(
    page: Page,
    complaints: list[str],
    failed: list[SyncJob],
    people: People,
    make_job: MakeJob,
) -> None:
    people.add(1)
    people.add(2, age="n/a")
    job = run(people.job_type())
    reject, finished, held = Reject.objects.get(), make_job(counts={"read": 150, "skipped": 1}), make_job(Status.HELD)
    keep_changes(finished)
    one, of_job, cause = f"/admin/jobs/{finished.pk}/", f"/admin/jobs/{job.pk}/", failed[0].failure_fingerprint
    pages = [one + tab for tab in ("", "changes/", "conflicts/", "log/", "attempts/", "config/", "apply/", "revert/")]
    pages += [f"{of_job}rejects/", f"{of_job}attempts/", f"/admin/jobs/{failed[0].pk}/attempts/"]
    pages += [f"/admin/jobs/{held.pk}/{tab}" for tab in ("", "discard/")]
    pages += ["/admin/failures/", f"/admin/failures/{cause}/", f"/admin/failures/{cause}/retry/"]
    pages += ["/admin/rejects/", "/admin/rejects/records/", f"/admin/rejects/{reject.pk}/", "/admin/rejects/dismiss/"]
    pages += ["/admin/records/", "/admin/records/?key=K001", "/admin/records/?key=none", "/admin/rejects/replay/"]
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for address in pages:
            answer = page.goto(address)
            assert answer is not None
            assert answer.status == 200, address
            assert not complaints, f"{address}: {complaints}"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{address} at {width}"


@in_one_colour
def test_a_tick_made_before_the_script_has_come_counts_for_all(
    page: Page, complaints: list[str], people: People
) -> None:
    people.add(3, 4, age="n/a")
    run(people.job_type())
    late: list[Route] = []
    page.route("**/ticking.js", lambda route: late.append(route))
    page.goto("/admin/rejects/records/?state=open", wait_until="commit")
    page.check("#tick-all")
    expect(page.locator("#ticked")).to_have_text("")
    while not late:
        page.wait_for_timeout(10)
    late[0].continue_()
    expect(page.locator("#ticked")).to_have_text("2 of 2 ticked")
    expect(page.locator("tbody input:checked")).to_have_count(2)
    assert not complaints
