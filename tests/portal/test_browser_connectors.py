"""Connectors and schedules in a real Chromium: made, tested before one's eyes, browsed, synced; rules as one types."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from connectors.models import Connector
from connectors.sandbox.datasets import DatasetSpec
from connectors.sandbox.server import RunningSandbox, running_sandbox
from syncjobs.models import Schedule, SyncJob, SyncJobType
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from syncjobs.operations.schedules import describe_schedule
from tests.lifecycle.factories import see_worker
from tests.portal.conftest import ATTACK
from tests.portal.test_browser import PATIENCE_MS, chromium, log_in  # noqa: F401 - a fixture

LONG = "a story " * 60
ROWS = [{"code": f"A{number}", "name": f"Airport {number}"} for number in range(30)]
ROWS += [{"code": "00", "name": ATTACK}, {"code": "01", "name": LONG}]
AIRPORTS = DatasetSpec(id="sand-airp", key=("code",), columns={"code": "text", "name": "text"}, rows=ROWS)


@pytest.fixture(scope="module")
def open_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    path: Path = tmp_path_factory.mktemp("sandbox") / "rows.sqlite3"
    with running_sandbox(path, datasets={"airports": AIRPORTS}) as sandbox:
        yield sandbox


@pytest.fixture
def page(chromium: Browser, live_server: LiveServer, admin: User) -> Iterator[Page]:  # noqa: F811
    """A browser in which an administrator is logged in; in the end it must have had nothing to complain of."""
    context = chromium.new_context(base_url=live_server.url)
    context.set_default_timeout(PATIENCE_MS)
    complaints: list[str] = []
    context.on("console", lambda told: complaints.append(told.text) if told.type in ("error", "warning") else None)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.add_init_script("addEventListener('securitypolicyviolation', e => console.error('policy', e.blockedURI))")
    log_in(context.new_page())
    yield context.pages[0]
    context.close()
    assert not complaints


def test_a_connector_is_made_and_its_test_fails_until_it_is_mended(page: Page, open_data: RunningSandbox) -> None:
    page.goto("/admin/connectors/")
    page.click("text=Add a connector >> nth=0")
    page.click("a.tile:has-text('soda')")
    page.fill("[name=slug]", "portal")
    page.fill("[name=config-base_url]", "http://127.0.0.1:9")
    page.fill("[name=config-datasets]", json.dumps({"airports": "sand-airp"}))
    page.fill("[name=secret-app_token]", "env:TOKEN_OF_THIS_TEST")
    page.click("text=Save")
    expect(page.locator(".messages")).to_contain_text("portal is saved")
    expect(page.locator("dl")).to_contain_text(["set, by a reference"])

    page.click("#test-connector")
    expect(page.locator("#connector-tests .pill").first).to_have_text("Fails", timeout=PATIENCE_MS)
    expect(page.locator("#connector-tests .bad-word").first).to_be_visible()
    expect(page.locator("#connector-tests")).to_contain_text("To mend it:")

    page.click(".head >> text=Edit")
    expect(page.locator("[name=secret-app_token]")).to_have_value("")
    page.check("[name=clear-app_token]")
    page.fill("[name=config-base_url]", open_data.url)
    page.click("text=Save")
    page.click("#test-connector")
    expect(page.locator("#connector-tests .pill").first).to_have_text("Works", timeout=PATIENCE_MS)
    expect(page.locator("#connector-tests")).to_contain_text("Earlier tests")
    assert Connector.objects.get().credentials.reveal() == {}


def test_streams_are_browsed_down_to_their_first_rows(page: Page, open_data: RunningSandbox) -> None:
    Connector.objects.create(
        slug="portal", kind="soda", config={"base_url": open_data.url, "datasets": {"airports": "sand-airp"}}
    )
    page.goto("/admin/connectors/portal/")
    page.click(".head >> text=Streams")
    page.click("#streams >> text=airports >> nth=0")
    rows = page.locator("table.sample tbody tr")
    expect(rows).to_have_count(20)
    expect(page.locator("table.sample")).to_contain_text("Airport")
    expect(page.locator("#stream")).to_contain_text("2 fields")


def test_long_values_open_at_a_click(page: Page, open_data: RunningSandbox) -> None:
    open_data.delete_rows("airports", [row["code"] for row in ROWS[:20]])
    try:
        Connector.objects.create(
            slug="portal", kind="soda", config={"base_url": open_data.url, "datasets": {"airports": "sand-airp"}}
        )
        page.goto("/admin/connectors/portal/stream/?name=airports")
        expect(page.locator("table.sample")).to_contain_text("<script>")
        long = page.locator("table.sample details")
        expect(long.locator("pre")).to_be_hidden()
        long.locator("summary").click()
        expect(long.locator("pre")).to_contain_text(LONG.strip())
    finally:
        open_data.reset()


def test_sync_now_asks_which_types_and_starts_them(page: Page, job_type: SyncJobType) -> None:
    other = job_type.snapshot() | {"slug": "again", "name": "Again"}
    save_job_type(job_type_from_shape({**other}), actor="anna")
    page.goto("/admin/connectors/open-data/")
    page.click("#sync-now")
    page.uncheck("#type-airports")
    page.click("text=Start the ticked ones")
    job = SyncJob.objects.get()
    assert job.job_type.slug == "again"
    expect(page.locator("h1")).to_contain_text("Again")
    page.goto("/admin/connectors/open-data/")
    expect(page.locator("#connector-jobs")).to_contain_text(f"#{job.pk}")
    SyncJob.objects.update(status="finished", ended_at=job.created_at)
    expect(page.locator("#connector-jobs .pill")).to_have_text("Finished", timeout=PATIENCE_MS)


def test_a_schedule_shows_its_next_runs_as_one_types(page: Page, job_type: SyncJobType) -> None:
    page.goto("/admin/schedules/add/?type=airports")
    preview = page.locator("#rule-preview")
    expect(preview).to_contain_text("Every day at 02:08 UTC.")
    expect(preview.locator("li")).to_have_count(5)
    page.fill("[name=crontab]", "61 9 * * mon")
    expect(preview).to_contain_text("'61' is outside 0 to 59")
    page.fill("[name=crontab]", "0 9 * * mon")
    expect(preview).to_contain_text("Every Monday at 09:00 UTC.")
    page.fill("[name=zone]", "America/New_York")
    expect(preview).to_contain_text("Every Monday at 09:00 America/New_York.")
    expect(preview.locator("li").first).to_contain_text("here")
    page.check("[value=interval]")
    expect(preview).to_contain_text("Every hour.")
    page.check("[value=crontab]")
    expect(preview).to_contain_text("Every Monday")
    page.fill("[name=crontab]", "0 9 * * *")
    page.fill("[name=name]", "Mornings")
    page.click("text=Save")
    expect(page.locator(".messages")).to_contain_text("Mornings is saved: Every day at 09:00 America/New_York.")
    assert describe_schedule(Schedule.objects.get()) == "Every day at 09:00 America/New_York"
    page.goto("/admin/schedules/calendar/")
    page.click("text=The same as a table")


def test_a_worker_that_comes_shows_up_by_itself(page: Page, db: None) -> None:
    page.goto("/admin/workers/")
    expect(page.locator("#workers")).to_contain_text("No worker has reported")
    see_worker("default", name="newcomer@here")
    expect(page.locator("#workers")).to_contain_text("newcomer@here", timeout=PATIENCE_MS)
