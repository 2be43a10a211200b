"""Streams of one system that feed each other."""

from __future__ import annotations

import pytest

from syncjobs.stream_sources import ring_problems
from syncjobs.stream_specs import StreamSpec


def specs(*pairs: str) -> tuple[StreamSpec, ...]:
    return tuple(StreamSpec(source=pair[0], target=pair[-1], mode="append") for pair in pairs)


@pytest.mark.parametrize("pairs", [(), ("a>b",), ("a>b", "b>c"), ("a>b", "a>c", "b>d", "c>e")])
def test_streams_that_end_somewhere_are_fine(pairs: tuple[str, ...]) -> None:
    assert ring_problems(specs(*pairs)) == []


@pytest.mark.parametrize(
    ("pairs", "numbers"),
    [(("a>a",), [0]), (("a>b", "b>a"), [0, 1]), (("x>a", "a>b", "b>c", "c>a"), [1, 2, 3]), (("a>b", "c>c"), [1])],
)
def test_every_stream_of_a_ring_is_named(pairs: tuple[str, ...], numbers: list[int]) -> None:
    problems = ring_problems(specs(*pairs))
    assert [problem.partition(".")[0] for problem in problems] == [f"streams[{number}]" for number in numbers]
    assert all("choose another target or another connector" in problem for problem in problems)


def test_a_query_is_not_taken_for_the_table_that_its_name_is_like() -> None:
    assert ring_problems((StreamSpec(source="a", target="a", query="SELECT 1 AS x", mode="append"),)) == []
