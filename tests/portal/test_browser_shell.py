"""The frame round every page in a real Chromium: the search as a dialog, toasts, charts, the switch of live regions."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page, expect

from syncjobs.models import SyncJob
from syncjobs.statuses import Status
from tests.portal.conftest import MakeJob
from tests.portal.test_browser import PATIENCE_MS, chromium, complaints, context, page  # noqa: F401 - fixtures


def test_the_search_opens_by_keys_goes_by_arrows_and_closes_by_escape(
    page: Page,  # noqa: F811
    complaints: list[str],  # noqa: F811
    make_job: MakeJob,
) -> None:
    job = make_job(title="Nightly stock")
    palette = page.locator("#palette")
    page.focus(".account > summary")
    page.keyboard.press("Control+k")
    expect(palette.locator("input")).to_be_focused()
    expect(palette.locator(".hits a").first).to_contain_text("Dashboard", timeout=PATIENCE_MS)
    page.keyboard.press("Escape")
    expect(palette).to_be_hidden()
    expect(page.locator(".account > summary")).to_be_focused()

    page.keyboard.press("Control+k")
    page.keyboard.type("nightly")
    expect(palette.locator(".hits a")).to_have_count(1, timeout=PATIENCE_MS)
    page.keyboard.press("ArrowDown")
    expect(palette.locator(".hits a")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(palette.locator("input")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/admin/jobs/{job.pk}/")
    assert not complaints


def test_the_search_works_without_its_dialog(page: Page, make_job: MakeJob) -> None:  # noqa: F811
    make_job(title="Nightly stock")
    page.fill("header .search input", "nightly")
    page.press("header .search input", "Enter")
    expect(page.locator("main .hits a")).to_contain_text("Nightly stock")


def test_what_was_done_is_told_in_a_corner_until_it_is_closed(
    page: Page,  # noqa: F811
    complaints: list[str],  # noqa: F811
    make_job: MakeJob,
) -> None:
    job = make_job(Status.QUEUED)
    page.goto(f"/admin/jobs/{job.pk}/")
    page.click("#pause-job")
    expect(page.locator(".toasts")).to_contain_text(f"Job #{job.pk} is paused")
    page.click(".toasts button")
    expect(page.locator(".messages")).to_have_count(0)
    assert not complaints


def test_charts_are_drawn_in_the_colours_of_the_theme_with_a_table_behind(
    page: Page,  # noqa: F811
    complaints: list[str],  # noqa: F811
    make_job: MakeJob,
) -> None:
    make_job(counts={"read": 12_345})
    page.goto("/admin/")
    canvases = page.locator(".chart canvas")
    expect(canvases).to_have_count(2, timeout=PATIENCE_MS)
    before = canvases.first.evaluate("canvas => canvas.toDataURL()")
    page.click(".account > summary")
    page.click(".theme-toggle")
    page.wait_for_function("old => document.querySelector('.chart canvas').toDataURL() !== old", arg=before)
    page.click("text=As a table >> nth=0")
    expect(page.locator("#records-as-table")).to_contain_text("12,345")
    assert not complaints


def test_the_switch_stops_what_refreshes_by_itself_and_is_remembered(
    page: Page,  # noqa: F811
    make_job: MakeJob,
) -> None:
    page.uncheck("#auto-refresh")
    page.reload()
    expect(page.locator("#auto-refresh")).not_to_be_checked()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.headers.get("hx-target", "")))
    job = make_job(Status.STARTED)
    page.wait_for_timeout(2_500)  # longer than the quickest region waits
    assert "running-now" not in asked
    page.check("#auto-refresh")
    expect(page.locator("#running-now")).to_contain_text(f"#{job.pk}", timeout=PATIENCE_MS)
    assert SyncJob.objects.count() == 1


COUNT_ACCENT = """kind => {
  const probe = document.createElement("i");
  probe.style.color = "var(--accent)";
  document.body.append(probe);
  const wanted = getComputedStyle(probe).color.match(/\\d+/g).slice(0, 3).map(Number);
  probe.remove();
  const canvas = document.querySelector(`[data-chart=${kind}] canvas`);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const isNear = (at) => wanted.every((part, place) => Math.abs(part - data[at + place]) < 12);
  let found = 0;
  for (let at = 0; at < data.length; at += 4) found += data[at + 3] > 200 && isNear(at);
  return found;
}"""


def test_one_lonely_hour_is_a_point_in_the_chart_of_durations(
    page: Page,  # noqa: F811
    complaints: list[str],  # noqa: F811
    make_job: MakeJob,
) -> None:
    ended = timezone.now() - timedelta(hours=6)
    make_job(Status.FINISHED, started_at=ended, ended_at=ended, time_taken=4.0)
    page.goto("/admin/")
    expect(page.locator("[data-chart=durations] canvas")).to_be_visible()
    assert page.evaluate(COUNT_ACCENT, "durations") > 10
    expect(page.locator("#charts")).to_contain_text("No record was read")
    expect(page.locator("[data-chart=records]")).to_have_count(0)
    assert not complaints
