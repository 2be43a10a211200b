"""The walk over all pages, on which the tests in browsers, the photographs and the measuring of pages rest."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.pictures.company import found_company
from tests.pictures.happenings import happen
from tests.pictures.walk import addresses, page_names


@pytest.fixture
def pages(portal: Client) -> dict[str, str]:
    found_company()
    return addresses(happen())


def test_every_page_of_the_url_map_has_an_example(pages: dict[str, str]) -> None:
    """Add yours to tests/pictures/walk.py."""
    assert {label.partition(" ")[0] for label in pages} == page_names()


def test_every_example_is_a_page(portal: Client, pages: dict[str, str]) -> None:
    answers = {label: portal.get(address).status_code for label, address in pages.items() if label != "login"}
    assert {label: code for label, code in answers.items() if code != 200} == {}
