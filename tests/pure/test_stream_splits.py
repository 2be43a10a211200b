"""How many parts a stream is split into, and that their ranges hold each value once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.records import Field
from syncjobs.mapping.conditions import compile_condition, read_condition
from syncjobs.stream_splits import SplitSpec, key_ranges

ID = Field("id", "bigint")


@given(st.lists(st.integers(), min_size=1, unique=True).map(sorted), st.one_of(st.none(), st.integers()))
def test_each_value_is_in_exactly_one_range(bounds: list[int], value: int | None) -> None:
    ranges = key_ranges("id", [*map(str, bounds)], nullable=True)
    assert len(ranges) == len(bounds) + 2
    assert sum(all(_holds(condition, value) for condition in one) for one in ranges) == 1


def _holds(condition: dict[str, Any], value: int | None) -> bool:
    return compile_condition(read_condition(condition), ID)(value)


@pytest.mark.parametrize(
    ("records", "parts"), [(None, 4), (0, 1), (199_999, 1), (200_000, 2), (399_999, 3), (400_000, 4), (9_000_000, 4)]
)
def test_no_part_has_fewer_records_than_are_worth_a_job(records: int | None, parts: int) -> None:
    assert SplitSpec(4).parts(records) == parts
