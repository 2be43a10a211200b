"""The form of a job type in a real Chromium: map, look at real records, meet an error, save, see what changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from playwright.sync_api import Page, expect

from connectors.models import Connector
from syncjobs.models import SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from tests.portal.test_browser import chromium, complaints, context, page  # noqa: F401 - fixtures

EDIT = "/admin/job-types/fields/edit/"
TABLE = "CREATE TABLE airports (icao TEXT PRIMARY KEY, name TEXT, lat TEXT, country TEXT)"
ROWS = [(" KJFK ", "Kennedy", "40.6", "US"), ("KLAX", None, "-91", "US"), ("EDDB", "Berlin", "52.4", "DE")]


@pytest.fixture
def fields_type(settings: LazySettings, target: Connector) -> Iterator[SyncJobType]:
    """A saved type that reads a real SQLite file of three airports."""
    path = Path(settings.SYNCDECK_DATA_DIR) / "fields.sqlite3"
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as connection:
        connection.execute(TABLE)
        connection.executemany("INSERT INTO airports VALUES (?, ?, ?, ?)", ROWS)
    connection.close()
    save_connector(connector_from_shape({"slug": "fields", "kind": "sqlite", "config": {"path": path.name}}))
    stream = {"source": "airports", "target": "airports", "key": ["icao"], "mode": "upsert", "extent": "full"}
    shape = {"slug": "fields", "name": "Fields", "source_connector": "fields", "target_connector": "store"}
    yield save_job_type(job_type_from_shape(shape | {"config": {"streams": [stream]}}), actor="anna")
    path.unlink()


def test_a_type_is_mapped_previewed_corrected_saved_and_compared(
    page: Page,  # noqa: F811
    complaints: list[str],  # noqa: F811
    fields_type: SyncJobType,
) -> None:
    page.goto(EDIT)
    page.click("text=Read the source's fields")
    expect(page.locator(".chip")).to_have_text(["icao text", "name text", "lat text", "country text"])
    page.click(".chip >> text=icao")
    expect(page.locator(".chip")).to_have_count(3)
    page.click(".chip >> text=lat")
    expect(page.locator(".rule")).to_have_count(2)
    first, second = page.locator(".rule").nth(0), page.locator(".rule").nth(1)
    expect(second.get_by_label("Source field · text")).to_have_value("lat")
    second.get_by_text("+ transform").click()
    second.get_by_label("1. transform").select_option("bounds")
    second.get_by_label("Least").fill("-90")
    second.get_by_label("Type").select_option("float")
    page.click("text=Preview 20 records")
    preview = page.locator("section.preview")
    expect(preview).to_contain_text("Rejected")
    expect(preview).to_contain_text("out_of_bounds")

    first.get_by_label("Target field").fill("")
    page.click("text=What would change?")
    expect(first.locator(".problem").first).to_contain_text("required")
    first.get_by_label("Target field").fill("icao")
    first.get_by_text("+ transform").click()
    first.get_by_label("1. transform").select_option("strip")
    expect(page.locator("#type-form.htmx-request")).to_have_count(0)
    page.click("text=What would change?")
    expect(page.locator("h1")).to_have_text("What saving Fields would change")
    expect(page.locator(".differences")).to_contain_text("mapping")
    page.click("text=Back to editing")
    expect(page.locator(".rule")).to_have_count(2)
    page.click("text=What would change?")
    page.click("text=Save as version 2")
    expect(page.locator(".messages")).to_contain_text("saved as version 2")
    fields_type.refresh_from_db()
    assert fields_type.config["streams"][0]["mapping"] == [
        {"to": "icao", "from": "icao", "transforms": [{"op": "strip"}]},
        {"to": "lat", "from": "lat", "type": "float", "transforms": [{"op": "bounds", "min": -90}]},
    ]
    assert not complaints


def test_rules_are_moved_and_removed_by_the_keyboard(
    page: Page,  # noqa: F811
    complaints: list[str],  # noqa: F811
    fields_type: SyncJobType,
) -> None:
    page.goto(EDIT)
    page.click("text=Read the source's fields")
    page.click("text=Add all 4")
    expect(page.locator(".rule")).to_have_count(4)
    names = page.locator(".rule").get_by_label("Target field")
    page.locator("[aria-label='Move field 4 up']").focus()
    page.keyboard.press("Enter")
    expect(names.nth(2)).to_have_value("country")
    expect(page.locator("[aria-label='Move field 3 up']")).to_be_focused()
    page.keyboard.press("Enter")
    expect(names.nth(1)).to_have_value("country")
    page.locator("[aria-label='Remove field 2']").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".rule")).to_have_count(3)
    expect(page.locator("[aria-label='Remove field 2']")).to_be_focused()
    assert not complaints


PRESS_TWICE = """() => {
  const add = () => [...document.querySelectorAll("button")].find((one) => one.textContent === "Add a field").click();
  add();
  add();
}"""
PRESS_AND_TYPE = """() => {
  [...document.querySelectorAll("button")].find((one) => one.textContent === "Add a field").click();
  const key = document.querySelector(".stream input[name$='.key']");
  key.value = "icao, name";
  key.dispatchEvent(new Event("input", { bubbles: true }));
}"""
REMOVE_TWICE = """() => {
  const remove = () => document.querySelector("[aria-label='Remove field 2']").click();
  remove();
  remove();
}"""


def test_two_presses_in_a_row_are_both_answered(
    page: Page,  # noqa: F811
    complaints: list[str],  # noqa: F811
    fields_type: SyncJobType,
) -> None:
    page.goto(EDIT)
    page.evaluate(PRESS_TWICE)
    expect(page.locator(".rule")).to_have_count(2)
    assert not complaints


def test_what_is_typed_after_a_press_stays_and_the_press_is_answered(
    page: Page,  # noqa: F811
    complaints: list[str],  # noqa: F811
    fields_type: SyncJobType,
) -> None:
    page.goto(EDIT)
    page.evaluate(PRESS_AND_TYPE)
    expect(page.locator(".rule")).to_have_count(1)
    expect(page.locator(".stream input[name$='.key']")).to_have_value("icao, name")
    assert not complaints


def test_a_double_click_removes_one_rule_only(
    page: Page,  # noqa: F811
    complaints: list[str],  # noqa: F811
    fields_type: SyncJobType,
) -> None:
    page.goto(EDIT)
    page.click("text=Read the source's fields")
    page.click("text=Add all 4")
    expect(page.locator(".rule")).to_have_count(4)
    page.evaluate(REMOVE_TWICE)
    expect(page.locator(".rule")).to_have_count(3)
    page.get_by_role("button", name="Add a field").click()
    expect(page.locator(".rule")).to_have_count(4)
    assert not complaints
