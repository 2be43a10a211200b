"""Finds among many records those that a target refuses, by trying parts of them. Knows neither target nor batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connectors.errors import DataError

WhyRefused = Callable[[Sequence[int]], DataError | None]
"""Tries these records (their numbers, ascending) by themselves and leaves nothing behind; None if all are taken."""


def find_refused(numbers: Sequence[int], error: DataError, why_refused: WhyRefused, most: int) -> dict[int, DataError]:
    """Which of these records, that are together refused by `error`, are to blame: {number: its own error}.

    Halving finds all that are refused by themselves, k of them in about 2 k log n tries. If there is none, records
    clash with each other: then the first one that no longer fits after those before it is found, and the rest may
    still clash. No more than `most` + 1 are looked for. A record may refer to another one of the same table: those
    that are taken once the good ones are with them are not to blame.
    """
    found: dict[int, DataError] = {}
    _search_halves(numbers, error, why_refused, most, found)
    _release_referring(numbers, why_refused, most, found)
    return found or _find_first_clash(numbers, error, why_refused)


def _search_halves(
    numbers: Sequence[int], error: DataError, why_refused: WhyRefused, most: int, found: dict[int, DataError]
) -> None:
    refused = [(numbers, error)]
    while refused and len(found) <= most:
        part, its_error = refused.pop()
        if len(part) == 1:
            found[part[0]] = its_error
            continue
        middle = len(part) // 2
        for half in (part[middle:], part[:middle]):  # the last one is looked into first: found in their order
            why = why_refused(half)
            refused += [(half, why)] if why is not None else []


def _release_referring(numbers: Sequence[int], why_refused: WhyRefused, most: int, found: dict[int, DataError]) -> None:
    referring = [number for number, error in found.items() if error.code == "foreign_key"]
    if not referring or len(found) > most:
        return
    good = [number for number in numbers if number not in found]

    def why_with_the_good(part: Sequence[int]) -> DataError | None:
        return why_refused(sorted([*good, *part]))

    error = why_with_the_good(referring)
    still: dict[int, DataError] = {}
    if error is not None:
        _search_halves(referring, error, why_with_the_good, most, still)
        if not still:
            return
    for number in referring:
        if number not in still:
            del found[number]


def _find_first_clash(numbers: Sequence[int], error: DataError, why_refused: WhyRefused) -> dict[int, DataError]:
    taken, refused = 0, len(numbers)  # so many of the first are taken together; so many are not
    while refused - taken > 1:
        middle = (taken + refused) // 2
        if (why := why_refused(numbers[:middle])) is None:
            taken = middle
        else:
            refused, error = middle, why
    return {numbers[refused - 1]: error}
