"""The whole life of a sync, as an operator lives it in a real browser, on a whole stack started by `manage.py up`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.both_databases import BOTH_DATABASES
from tests.platform.test_up import Up, make_data_dir, start_up
from tests.portal.test_browser import chromium

__all__ = ["chromium", "make_data_dir", "start_up"]
pytestmark = pytest.mark.browser_walk
PATIENCE_MS = 40_000
HIGHEST = 14_000
"""No airport lies above it, some lie above LIMIT."""
LIMIT = 13_000
SLOWLY = {"kind": "slow", "on": "rows", "seconds": 4}


@pytest.fixture(params=BOTH_DATABASES)
def up(request: pytest.FixtureRequest, start_up: Callable[..., Up]) -> Up:
    """A running Syncdeck with the sandbox, whose own records and whose warehouse lie in that database."""
    variables = {}
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        variables = {"DATABASE_URL": server.create_database(), "WAREHOUSE_URL": server.create_database()}
    running = start_up("--demo", variables=variables)
    running.wait_until_ready()
    return running


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained of."""
    return []


@pytest.fixture
def page(up: Up, chromium: Browser, complaints: list[str]) -> Iterator[Page]:
    """A logged-in browser at the running portal."""
    context = chromium.new_context(base_url=f"http://localhost:{up.port}")
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    context.on("console", lambda told: complaints.append(told.text) if told.type in ("error", "warning") else None)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    page = context.new_page()
    page.goto("/admin/")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(up.password())
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    yield page
    context.close()


class Sandbox:
    """The demo's data portal, with its switches."""

    def __init__(self, up: Up) -> None:
        found = re.search(r"Sandbox is ready at (http://\S+)/", up.talking.text)
        assert found, up.talking.text
        self.address = found[1]

    def misbehave(self, **fault: Any) -> None:
        self._ask("POST", "/sandbox/faults", fault)

    def behave(self) -> None:
        self._ask("DELETE", "/sandbox/faults")

    def _ask(self, method: str, path: str, body: object = None) -> None:
        requests.request(method, self.address + path, json=body, timeout=10).raise_for_status()


def press(page: Page, name: str) -> None:
    page.locator("main").get_by_role("button", name=name, exact=True).click()


def follow(page: Page, name: str) -> None:
    page.locator("main").get_by_role("link", name=name, exact=True).first.click()


def status_is(page: Page, word: str) -> None:
    """Wait until the open job's page says so, which it does by itself."""
    expect(page.locator(".job-head .pill").first).to_contain_text(word)


def fact(page: Page, word: str) -> str:
    """The job page's number under a word."""
    return page.locator(f"dl.facts div:has(dt:text-is('{word}')) dd").inner_text()


def answer(page: Page, verb: str, **reasons: str) -> None:
    """Press one of the job's buttons that asks first, and say yes."""
    page.locator(f"#{verb}-job").click()
    for label, text in reasons.items():
        page.get_by_label(label.capitalize()).fill(text)
    page.locator("main .form-end button").first.click()


def make_connector(page: Page, sandbox: Sandbox) -> None:
    """A typing error in the address first: its test fails and says how to mend it."""
    page.goto("/admin/connectors/-/add/?kind=soda")
    page.get_by_label("Slug").fill("open-airports")
    page.get_by_label("Address").fill("http://127.0.0.1:9")
    page.get_by_label("Datasets").fill('{"airports": "sand-airp"}')
    press(page, "Save")
    press(page, "Test")
    expect(page.locator("main")).to_contain_text("127.0.0.1:9")
    last_test = page.locator("section header", has_text="Last test").locator(".pill")
    expect(last_test).to_have_text("Fails")
    follow(page, "Edit")
    page.get_by_label("Address").fill(sandbox.address)
    press(page, "Save")
    press(page, "Test")
    expect(last_test).to_have_text("Works")


def browse(page: Page) -> None:
    follow(page, "Streams")
    follow(page, "airports")
    expect(page.locator("main")).to_contain_text("elevation")
    expect(page.locator("main table").first.locator("tbody tr")).to_have_count(20)


def map_and_preview(page: Page) -> None:
    """A type with a mapping made of the source's fields; a rule that sets airports aside that lie too high."""
    page.goto("/admin/job-types/-/add/")
    page.get_by_label("Name", exact=True).fill("Heights")
    page.get_by_label("Slug").fill("heights")
    page.get_by_label("Source connector").select_option("open-airports")
    page.get_by_label("Target connector").select_option("warehouse")
    page.get_by_label("Source", exact=True).fill("airports")
    page.get_by_label("Target", exact=True).fill("heights")
    page.get_by_label("Key", exact=True).fill("icao")
    for field in ("icao", "name", "elevation"):
        page.get_by_role("button", name=f"Add {field} to the mapping").click()
        expect(page.get_by_label("Target field").last).to_have_value(field)
    rule = page.locator(".rule").last
    rule.get_by_label("Type").select_option("float")
    page.get_by_role("button", name="Add a transform to elevation").click()
    rule.get_by_label("1. transform").select_option("bounds")
    rule.get_by_label("Most").fill(str(LIMIT))
    rule.get_by_label("Outside").select_option("reject")
    page.get_by_label("Policy").first.select_option("quarantine")
    press(page, "Preview 20 records")
    expect(page.locator(".preview")).to_be_visible()
    press(page, "Save")
    expect(page.get_by_role("heading", name="Heights", level=1)).to_be_visible()


def plan_approve_apply(page: Page) -> None:
    press(page, "Dry run")
    status_is(page, "Planned")
    page.locator("#approve-job").click()
    answer(page, "apply")
    status_is(page, "Finished")
    assert int(fact(page, "inserted").replace(",", "")) > 28_000


def watch_pause_resume_cancel(page: Page, sandbox: Sandbox) -> None:
    """A slow source gives time to see it happen."""
    sandbox.misbehave(**SLOWLY)
    page.goto("/admin/job-types/heights/")
    press(page, "Run now")
    status_is(page, "Started")
    expect(page.locator("dl.facts div").first.locator("dd")).not_to_have_text("0")
    page.locator("#pause-job").click()
    status_is(page, "Paused")
    page.locator("#resume-job").click()
    status_is(page, "Started")
    answer(page, "cancel", reason="wrong day")
    status_is(page, "Canceled")
    expect(page.locator("main")).to_contain_text("wrong day")
    sandbox.behave()


def fail_and_retry(page: Page, sandbox: Sandbox) -> None:
    sandbox.misbehave(kind="html")
    page.goto("/admin/job-types/heights/")
    press(page, "Run now")
    status_is(page, "Failed")
    expect(page.locator(".failure")).to_contain_text("expected JSON")
    sandbox.behave()
    page.locator("#retry-job").click()
    status_is(page, "Finished")


def mend_and_replay(page: Page) -> None:
    """Read why a record was rejected, mend the mapping, replay it."""
    page.locator(".tabs").get_by_role("link", name=re.compile("^Rejects")).click()
    page.locator(".cause a").first.click()
    page.locator("tbody a").first.click()
    expect(page.locator(".failure .said")).to_contain_text("elevation")
    rejects = page.url
    page.goto("/admin/job-types/heights/edit/")
    page.locator(".rule").last.get_by_label("Most").fill(str(HIGHEST))
    press(page, "What would change?")
    expect(page.get_by_role("row", name=f"{LIMIT} {HIGHEST}")).to_be_visible()
    press(page, "Save as version 2")
    page.goto(rejects)
    press(page, "Replay…")
    page.locator("main .form-end button").first.click()
    status_is(page, "Finished")
    page.goto(rejects)
    expect(page.locator("main")).to_contain_text(re.compile("Replayed|Healed"))


def revert_what_was_applied(page: Page, applied: str) -> None:
    page.goto(applied)
    answer(page, "revert")
    status_is(page, "Finished")
    assert int(fact(page, "deleted").replace(",", "")) > 28_000


def schedule(page: Page) -> None:
    page.goto("/admin/schedules/add/?type=heights")
    expect(page.locator("main")).to_contain_text("Next")
    press(page, "Save")
    expect(page.locator("main")).to_contain_text("Heights")


def test_an_operator_lives_through_the_life_of_a_sync(page: Page, up: Up, complaints: list[str]) -> None:
    sandbox = Sandbox(up)
    make_connector(page, sandbox)
    browse(page)
    map_and_preview(page)
    plan_approve_apply(page)
    applied = page.url
    watch_pause_resume_cancel(page, sandbox)
    fail_and_retry(page, sandbox)
    mend_and_replay(page)
    revert_what_was_applied(page, applied)
    schedule(page)
    assert not complaints
