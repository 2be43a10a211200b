"""The portal in a real Chromium: live pages follow rows, buttons do what they say, without a complaint.

In the dark only where colours matter, and in `make browser`.
That every page loads without one is proved in test_accessibility.py.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from connectors.models import Connector
from syncjobs.models import JobLog, SyncJob
from syncjobs.statuses import Status
from tests.portal.conftest import MakeJob

ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_MS = 15_000


def find_chromium() -> str:
    """The browser's path. Skips where there is none, which is an error under CI."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        message = "NO BROWSER TESTS: neither chromium nor google-chrome is on PATH; install chromium."
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = find_chromium()
    with pytest.MonkeyPatch.context() as environment, sync_playwright() as playwright:
        # Playwright runs an event loop in this thread, in which Django would refuse every query of a test.
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained of, with the page it did so on."""
    return []


in_both_colours = pytest.mark.parametrize("context", ["light", "dark"], indirect=True)


# What is not about colours does not differ by them; `make browser` looks all the same.
@pytest.fixture(params=["light", pytest.param("dark", marks=pytest.mark.browser_walk)])
def context(
    request: pytest.FixtureRequest,
    chromium: Browser,
    live_server: LiveServer,
    admin: User,
    complaints: list[str],
) -> Iterator[BrowserContext]:
    """A logged-in browser in one of the two colour schemes."""
    context = chromium.new_context(base_url=live_server.url, color_scheme=request.param)
    context.set_default_timeout(PATIENCE_MS)
    context.on("console", lambda told: complaints.append(told.text) if told.type in ("error", "warning") else None)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.add_init_script("addEventListener('securitypolicyviolation', e => console.error('policy', e.blockedURI))")
    log_in(context.new_page())
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.pages[0]


def log_in(page: Page) -> None:
    page.goto("/")
    page.fill("[name=username]", "anna")
    page.fill("[name=password]", "a-good-password")
    page.click("text=Log in")
    expect(page.locator("h1")).to_have_text("Dashboard")


@in_both_colours
def test_the_colours_follow_the_system_and_the_switch(page: Page, complaints: list[str]) -> None:
    def ground() -> int:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in re.findall(r"\d+", colour)[:3])

    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert (ground() < 200) == is_dark
    page.click(".account > summary")
    page.click(".theme-toggle")
    assert (ground() < 200) != is_dark
    page.reload()
    assert (ground() < 200) != is_dark, "the choice is kept"
    assert not complaints


def test_a_started_jobs_page_follows_its_row_until_the_end(
    page: Page, complaints: list[str], make_job: MakeJob
) -> None:
    job = make_job(Status.STARTED, phase="reading", counts={"read": 1_000}, total_estimate=4_000)
    page.goto(f"/admin/jobs/{job.pk}/")
    expect(page.locator("#job-live .pill").first).to_have_text("Started · reading")
    expect(page.locator(".facts dd").first).to_have_text("1,000")

    SyncJob.objects.filter(pk=job.pk).update(counts={"read": 3_000, "inserted": 2_500}, phase="writing")
    JobLog.objects.create(job=job, level="INFO", message="Batch 3 written", created_at=job.created_at)
    expect(page.locator(".facts dd").first).to_have_text("3,000", timeout=PATIENCE_MS)
    expect(page.locator("#job-live .pill").first).to_have_text("Started · writing")
    expect(page.locator(".log")).to_contain_text("Batch 3 written", timeout=PATIENCE_MS)

    SyncJob.objects.filter(pk=job.pk).update(status="finished", ended_at=job.created_at, time_taken=2.0, phase="")
    expect(page.locator("#job-live .pill").first).to_have_text("Finished", timeout=PATIENCE_MS)
    expect(page.locator("#job-live[hx-trigger], #job-log-tail[hx-trigger]")).to_have_count(0, timeout=PATIENCE_MS)
    assert not complaints


def test_a_job_is_paused_resumed_and_canceled_by_its_buttons(
    page: Page, complaints: list[str], make_job: MakeJob
) -> None:
    job = make_job(Status.QUEUED)
    pill = page.locator("#job-live .pill").first
    page.goto(f"/admin/jobs/{job.pk}/")
    expect(page.locator(".buttons .btn")).to_have_text(["Pause", "Cancel…"])
    page.click("#pause-job")
    expect(page.locator(".messages")).to_contain_text(f"Job #{job.pk} is paused")
    expect(pill).to_have_text("Paused")
    page.click("#resume-job")
    expect(pill).to_have_text("Queued")
    page.click("#cancel-job")
    page.fill("[name=reason]", "the wrong day")
    page.click("text=Cancel the job")
    expect(pill).to_have_text("Canceled")
    expect(page.locator("#job-live")).to_contain_text("the wrong day")
    expect(page.locator(".buttons .btn")).to_have_text(["Restart…", "Delete…"])
    assert not complaints


def test_ticks_and_an_open_menu_outlive_the_lists_refreshing(
    page: Page, complaints: list[str], make_job: MakeJob
) -> None:
    first, second = make_job(Status.QUEUED, title="first"), make_job(Status.QUEUED, title="second")
    page.goto("/admin/jobs/")
    page.check(f"#tick-{first.pk}")
    page.click(f"[aria-label='Actions of job #{second.pk}']")
    SyncJob.objects.filter(pk=first.pk).update(wait_reason="no worker listens on queue 'default'")
    expect(page.locator("#job-list")).to_contain_text("no worker listens", timeout=PATIENCE_MS)
    expect(page.locator(f"#tick-{first.pk}")).to_be_checked()
    expect(page.locator("#ticked")).to_have_text("1 of 2 ticked")
    page.click("details[open] >> text=Pause")
    expect(page.locator(".messages")).to_contain_text(f"Job #{second.pk} is paused")

    page.check("#tick-all")
    expect(page.locator("#ticked")).to_have_text("2 of 2 ticked")
    page.select_option("[name=action]", "pause")
    page.click("text=Go")
    expect(page.locator(".messages")).to_contain_text(f"1 refused: job #{second.pk} is paused")
    assert not complaints


def test_the_form_of_a_type_shows_only_what_its_controller_uses(page: Page, job_type: object) -> None:
    page.goto("/admin/job-types/airports/edit/")
    expect(page.locator("[name='guards.max_deletes']")).to_be_visible()
    expect(page.locator("[name=source_document_type]")).to_be_hidden()
    page.select_option("[name=controller]", "sap_customer_sync")
    expect(page.locator("[name='guards.max_deletes']")).to_be_hidden()
    expect(page.locator("[name=source_document_type]")).to_be_visible()


def test_the_dashboard_shows_a_job_that_begins_while_it_is_open(
    page: Page, complaints: list[str], make_job: MakeJob
) -> None:
    expect(page.locator("#running-now")).to_contain_text("Nothing is running")
    job = make_job(Status.STARTED)
    expect(page.locator("#running-now")).to_contain_text(f"#{job.pk}", timeout=PATIENCE_MS)
    assert not complaints


def test_a_connection_test_shows_its_steps_in_place(page: Page, complaints: list[str], source: Connector) -> None:
    page.goto("/admin/connectors/open-data/")
    expect(page.locator("#connector-tests")).to_contain_text("It has not been tested")
    page.click("main .head button")
    expect(page.locator("#connector-tests")).to_contain_text("failed", timeout=PATIENCE_MS)
    assert page.locator(".messages").count() == 0, "the page was not loaded anew"
    assert not complaints


def test_a_schedules_form_shows_only_the_fields_of_the_chosen_rule(page: Page, job_type: object) -> None:
    page.goto("/admin/schedules/add/")
    expect(page.locator("[name=crontab]")).to_be_visible()
    expect(page.locator("[name=every]")).to_be_hidden()
    page.check("[value=interval]")
    expect(page.locator("[name=every]")).to_be_visible()
    expect(page.locator("[name=crontab]")).to_be_hidden()


def test_the_menu_is_reached_on_a_narrow_screen(page: Page, complaints: list[str], make_job: MakeJob) -> None:
    make_job(title="a title that is rather long " * 5)
    page.set_viewport_size({"width": 800, "height": 900})
    for address in ("/admin/", "/admin/jobs/", f"/admin/jobs/{SyncJob.objects.get().pk}/"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{address} is too wide"
    page.click(".narrow-menu > summary")
    page.click(".narrow-menu >> text=Connectors")
    expect(page.locator("h1")).to_have_text("Connectors")
    assert not complaints


def test_the_keyboard_shows_where_it_is(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.locator(".skip-to-content-link")).to_be_focused()
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
