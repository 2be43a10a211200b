"""The API's page of its own document in a real Chromium: drawn without an outside host, and requests work from it."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from syncjobs.models import ApiToken
from syncjobs.statuses import Status
from tests.portal.conftest import MakeJob
from tests.portal.test_browser import PATIENCE_MS, chromium, complaints, context, page  # noqa: F401


def test_a_verb_is_tried_out_from_the_docs(page: Page, complaints: list[str], make_job: MakeJob) -> None:  # noqa: F811
    job = make_job(Status.QUEUED)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/api/v1/docs/")
    verb = page.locator("#operations-jobs-jobs_cancel")
    verb.locator(".opblock-summary-control").click(timeout=PATIENCE_MS)
    verb.get_by_role("button", name="Try it out").click()
    verb.locator("tr[data-param-name=job_id] input").fill(str(job.pk))
    verb.get_by_role("button", name="Execute").click()
    expect(verb.locator(".live-responses-table tbody .response-col_status").first).to_contain_text(
        "202", timeout=PATIENCE_MS
    )
    job.refresh_from_db()
    assert job.status == "canceled"
    assert not complaints
    own = page.url.split("/api/")[0]
    assert all(url.startswith((own, "data:", "blob:")) for url in asked)


def test_a_token_is_made_and_copied(page: Page, complaints: list[str]) -> None:  # noqa: F811
    page.goto("/admin/tokens/")
    page.click("text=Make a token >> nth=0")
    page.fill("[name=name]", "Nightly build")
    page.get_by_label(re.compile("runs:read")).check()
    page.click("text=Make the token")
    expect(page.locator("#new-token")).to_have_text(re.compile(r"sdk_\S{43}"))
    page.click("text=I have copied it")
    expect(page.locator("tbody tr")).to_contain_text("Nightly build")
    assert ApiToken.objects.get().scopes == ["runs:read"]
    assert not complaints
