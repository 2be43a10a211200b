"""The search for refused records: it finds exactly the right ones, in few tries, whatever makes them clash."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import pytest

from connectors.errors import DataError
from syncjobs.streams.bisecting import find_refused

NUMBERS = list(range(10_000))


class Target:
    """Refuses what its rule says of the records that are tried together; counts the tries."""

    def __init__(self, rule: Callable[[set[int]], Iterable[int]], code: str = "check") -> None:
        self.rule, self.code, self.tries = rule, code, 0

    def why_refused(self, numbers: Sequence[int]) -> DataError | None:
        self.tries += 1
        refused = sorted(self.rule(set(numbers)))
        return DataError(self.code, f"record {refused[0]}") if refused else None

    def find(self, numbers: Sequence[int] = NUMBERS, most: int = 100) -> dict[int, DataError]:
        error = self.why_refused(numbers)
        assert error is not None
        return find_refused(numbers, error, self.why_refused, most)


@pytest.mark.parametrize(
    "bad", [{0}, {9_999}, {5_000}, {1, 2, 3}, {0, 4_999, 5_000, 9_999}, set(range(50, 150))], ids=len
)
def test_exactly_the_refused_records_are_found_each_with_its_own_error(bad: set[int]) -> None:
    target = Target(bad.intersection)
    found = target.find()
    assert list(found) == sorted(bad)
    assert {number: error.message for number, error in found.items()} == {one: f"record {one}" for one in bad}
    assert target.tries <= 2 * len(bad) * 15


def test_the_search_ends_one_past_the_limit() -> None:
    target = Target(set(NUMBERS).intersection)
    assert list(target.find(most=5)) == [0, 1, 2, 3, 4, 5]
    assert target.tries < 50


def test_of_records_that_only_clash_together_the_last_to_come_is_found() -> None:
    target = Target(lambda tried: {4_321} if {17, 4_321} <= tried else ())
    assert list(target.find()) == [4_321]
    assert target.tries <= 2 + 2 * 15


def test_record_that_needs_another_one_is_not_to_blame() -> None:
    needs = {10: 9_000, 11: 9_001, 12: 20_000}
    target = Target(lambda tried: {one for one in needs.keys() & tried if needs[one] not in tried}, "foreign_key")
    assert list(target.find()) == [12]


def test_numbers_need_not_be_gapless() -> None:
    assert list(Target({7, 9}.intersection).find([1, 3, 5, 7, 9, 11])) == [7, 9]
