"""Rows and rings of types that start each other."""

from __future__ import annotations

from syncjobs.chain_paths import find_path, longest_way, turned_round


def test_way_is_found_with_both_its_ends() -> None:
    assert find_path({1: {2, 5}, 2: {3}, 3: {4}}, 1, 4) == [1, 2, 3, 4]
    assert find_path({1: {2}}, 2, 1) == []
    assert find_path({}, 7, 7) == [7]


def test_ring_that_is_there_by_other_means_ends_the_search() -> None:
    assert find_path({1: {2}, 2: {1}}, 1, 3) == []


def test_longest_way_is_counted_in_chains() -> None:
    arrows = {1: {2, 4}, 2: {3}, 3: {4}}
    assert (longest_way(arrows, 1), longest_way(arrows, 4)) == (3, 0)
    assert turned_round(arrows) == {2: {1}, 4: {1, 3}, 3: {2}}
