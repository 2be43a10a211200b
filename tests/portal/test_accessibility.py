"""Every page of the walk in a real Chromium, light and dark: WCAG 2.2 A and AA as axe-core sees it, no complaint of the
browser, nothing asked of another host, and nothing wider than the screen, on a desk or in a hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests.pictures.company import found_company
from tests.pictures.happenings import happen
from tests.pictures.walk import addresses
from tests.portal.test_browser import chromium, complaints, context, in_both_colours, page  # noqa: F401 - fixtures

AXE = Path(__file__).resolve().parents[1] / "vendor" / "axe-core" / "axe.min.js"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
RULES = {"runOnly": LEVELS, "resultTypes": ["violations"], "preload": False}
DESK, HAND = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture
def pages(page: Page) -> dict[str, str]:  # noqa: F811
    found_company()
    return addresses(happen())


@pytest.fixture
def hosts(page: Page) -> set[str]:  # noqa: F811
    """The places that the browser asked something of."""
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    return asked


@pytest.mark.browser_walk
def test_every_page_is_accessible_and_keeps_to_itself(
    page: Page,  # noqa: F811
    complaints: list[str],  # noqa: F811
    pages: dict[str, str],
    hosts: set[str],
) -> None:
    problems: list[str] = []
    for label, address in pages.items():
        if label == "login":
            continue
        page.set_viewport_size(DESK)  # type: ignore[arg-type]
        answer = page.goto(address)
        assert answer is not None
        problems += [f"{label}: answers {answer.status}"] if answer.status != 200 else []
        problems += [f"{label}: {complaint}" for complaint in complaints]
        complaints.clear()
        problems += [f"{label}: {found}" for found in look_at(page)]
        page.set_viewport_size(HAND)  # type: ignore[arg-type]
        problems += [f"{label}, narrow: {found}" for found in look_at(page)]
    assert not problems, "\n".join(problems)
    assert hosts == {urlsplit(page.url).netloc}


@in_both_colours
def test_the_login_is_accessible(page: Page, complaints: list[str]) -> None:  # noqa: F811
    page.context.clear_cookies()
    page.goto("/admin/login/")
    assert [*look_at(page), *complaints] == []


def look_at(page: Page) -> list[str]:  # noqa: F811
    """What is wrong with the page as it stands."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]
    wrong = [f"{one['id']}: {node['target']} {node['html'][:200]}" for one in found for node in one["nodes"]]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        wrong.append("wider than the screen")
    if page.evaluate("getComputedStyle(document.body).margin") != "0px":
        wrong.append("not styled")
    return wrong
