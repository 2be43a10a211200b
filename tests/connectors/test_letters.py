"""Blanks and letters with case: the tables hold all that Python knows."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from connectors.letters import BLANKS, Exchange, to_ascii, to_lower, to_upper

EVERYTHING = [chr(number) for number in (*range(1, 0xD800), *range(0xE000, sys.maxunicode + 1))]


def test_all_blanks_of_python_are_known() -> None:
    assert "".join(filter(str.isspace, EVERYTHING)) == BLANKS


@pytest.mark.parametrize(
    ("table", "change"), [(to_upper(), str.upper), (to_lower(), str.lower)], ids=["upper", "lower"]
)
def test_every_letter_is_exchanged_as_python_does_or_named_among_the_others(
    table: Exchange, change: Callable[[str], str]
) -> None:
    known = str.maketrans(table.letters, table.changed)
    plain = [letter for letter in EVERYTHING if letter not in table.others]
    text = "".join(plain)
    assert text.translate(known) == "".join(map(change, plain))
    assert change(text) == text.translate(known), "letters do not depend on their neighbours"


def test_only_letters_named_can_become_ascii() -> None:
    table = to_ascii()
    known = dict(zip(table.letters, table.changed, strict=True))
    for letter in EVERYTHING:
        folded = letter.casefold()
        if folded != letter and folded.isascii():
            assert known.get(letter) == folded or letter in table.others
