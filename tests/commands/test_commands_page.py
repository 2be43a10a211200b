"""docs/commands.md says what the parsers know."""

from __future__ import annotations

from tests.commands.commands_page import page
from tests.isolation import CHECKOUT


def test_the_page_is_what_the_parsers_say() -> None:
    told = "write it anew: python -m tests.commands.commands_page > docs/commands.md"
    assert (CHECKOUT / "docs" / "commands.md").read_text() == page(), told
