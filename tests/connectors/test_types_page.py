"""docs/types.md says what the code does."""

from pathlib import Path

from tests.connectors.types_page import page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "types.md"


def test_page_of_types_says_what_the_code_does() -> None:
    assert PAGE.read_text() == page(), "write it anew: python -m tests.connectors.types_page > docs/types.md"
