"""The list of protections is true: each stands where it is said to, with its tests, and the page tells of all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.security.__main__ import table
from tests.security.protections import PROTECTIONS, Protection

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("protection", PROTECTIONS, ids=lambda one: f"{one.threat}: {one.name}")
def test_protection_stands_where_it_is_said_to_and_has_its_tests(protection: Protection) -> None:
    assert (CHECKOUT / protection.file).read_text(encoding="utf-8").count(protection.here) == 1
    for test in protection.tests:
        file, _, name = test.partition("::")
        path = CHECKOUT / "tests" / file
        assert path.exists()
        assert not name or re.search(rf"^def {name}\(", path.read_text(encoding="utf-8"), re.MULTILINE)


def test_page_of_the_documentation_has_this_table() -> None:
    page = (CHECKOUT / "docs" / "security.md").read_text(encoding="utf-8")
    assert table() in page, "python -m tests.security --page prints what docs/security.md must hold"
