"""Which types start which, as a drawing of arrows: finds rings and how long a row of types becomes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

MOST_STEPS = 20
Arrows = Mapping[int, Collection[int]]
"""From each type to those that it starts."""


def find_path(arrows: Arrows, start: int, end: int) -> list[int]:
    """The types of one way from `start` to `end`, both included; empty if there is none."""
    came_from: dict[int, int | None] = {start: None}
    look_at = [start]
    for here in look_at:
        if here == end:
            return _way_back(came_from, end)
        for there in sorted(arrows.get(here, ())):
            if there not in came_from:
                came_from[there] = here
                look_at.append(there)
    return []


def _way_back(came_from: Mapping[int, int | None], end: int) -> list[int]:
    way = [end]
    while (before := came_from[way[-1]]) is not None:
        way.append(before)
    return way[::-1]


def longest_way(arrows: Arrows, start: int) -> int:
    """How many arrows the longest way from `start` has. There must be no ring."""
    known: dict[int, int] = {}

    def measure(here: int) -> int:
        if here not in known:
            known[here] = max((1 + measure(there) for there in arrows.get(here, ())), default=0)
        return known[here]

    return measure(start)


def turned_round(arrows: Arrows) -> dict[int, set[int]]:
    """The same arrows from their ends to where they begin."""
    found: dict[int, set[int]] = {}
    for here, others in arrows.items():
        for there in others:
            found.setdefault(there, set()).add(here)
    return found
