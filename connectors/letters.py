"""Blanks and letters with case by Python's tables, for systems that have tables of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

LAST_BLANK, LAST_CASED = 0x3000, 0x1FFFF  # no character beyond is one; looking at all of them takes a second
BLANKS = "".join(character for character in map(chr, range(1, LAST_BLANK + 1)) if character.isspace())
"""What str.strip cuts off."""
FINAL_SIGMA = "\u03a3"  # at a word's end it becomes another small letter


class Exchange(NamedTuple):
    """Letters, each with the one letter that it becomes, and those that become several or not always the same."""

    letters: str
    changed: str
    others: str


@cache
def to_upper() -> Exchange:
    """What str.upper does."""
    return _exchange(str.upper)


@cache
def to_lower() -> Exchange:
    """What str.lower does."""
    return _exchange(str.lower, FINAL_SIGMA)


@cache
def to_ascii() -> Exchange:
    """What str.casefold makes ASCII: capitals, the sign for kelvin, the long s; among others it has ß, which is ss."""
    found = [pair for pair in _changing(str.casefold) if pair[1].isascii()]
    single = [pair for pair in found if len(pair[1]) == 1]
    several = (letter for letter, changed in found if len(changed) > 1)
    return Exchange(*_two_texts(single), "".join(several))


def _exchange(change: Callable[[str], str], others: str = "") -> Exchange:
    pairs = [pair for pair in _changing(change) if len(pair[1]) == 1 and pair[0] not in others]
    several = (letter for letter, changed in _changing(change) if len(changed) > 1)
    return Exchange(*_two_texts(pairs), "".join(several) + others)


def _two_texts(pairs: list[tuple[str, str]]) -> tuple[str, str]:
    return "".join(letter for letter, _ in pairs), "".join(changed for _, changed in pairs)


def _changing(change: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    for letter in map(chr, (*range(1, 0xD800), *range(0xE000, LAST_CASED + 1))):
        changed = change(letter)
        if changed != letter:
            yield letter, changed
