"""Parts an ordered reading by where its key is empty, so that a page goes on by one comparison that an index answers.

Systems that put empty values last can not compare whole rows once a field may be empty. Of queries nobody knows which
may, so their records come in parts: first those whose key is complete, then those that lack its last field, and so on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors.records import Filter
from connectors.sql_selects import Order


@dataclass(frozen=True, slots=True)
class Part:
    """Records that meet the filters, in an order whose columns are known to have values; read after `position`."""

    order: Order
    filters: tuple[Filter, ...]
    position: Any


def parts_by_nulls(order: Order, position: Any) -> Iterator[Part]:
    """The parts from the one that the position is in. Which one that is the position itself tells."""
    places = [place for place, column in enumerate(order.columns) if column.field.nullable]
    empty = _first_empty(places, position)
    if empty is None:
        yield _part(order, places, None, position)
        position = None
    for place in reversed(places if empty is None else [one for one in places if one <= empty]):
        yield _part(order, [one for one in places if one < place], place, position)
        position = None


def _first_empty(places: Sequence[int], position: Any) -> int | None:
    values = position if isinstance(position, list) else []
    return next((place for place in places if place < len(values) and values[place] is None), None)


def _part(order: Order, filled: Sequence[int], empty: int | None, position: Any) -> Part:
    columns = [
        replace(column, field=replace(column.field, nullable=column.field.nullable and place not in filled))
        for place, column in enumerate(order.columns)
    ]
    filters = [Filter(order.columns[place].name, "is_null", False) for place in filled]
    filters += [] if empty is None else [Filter(order.columns[empty].name, "is_null", True)]
    return Part(replace(order, columns=tuple(columns)), tuple(filters), position)
