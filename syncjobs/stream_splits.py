"""How a large stream is split into ranges of its key, one for each child job, and where that is not possible. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from connectors.records import FieldType

if TYPE_CHECKING:
    from syncjobs.stream_specs import StreamSpec

SPLIT_TYPES: tuple[FieldType, ...] = ("integer", "bigint", "uuid", "binary", "text")
LEAST_ROWS = 100_000  # in a child, unless the split says otherwise
REFUSED_WITH = {
    "query": "a custom query",
    "partition": "a partition",
    "max_rows": "max_rows",
    "max_bytes": "max_bytes",
}


@dataclass(frozen=True, slots=True)
class SplitSpec:
    """Into how many child jobs at most, and how many records make one worth its while."""

    children: int
    rows: int = LEAST_ROWS

    def parts(self, records: int | None) -> int:
        """How many children there are to be for about so many records (None: nobody knows)."""
        return self.children if records is None else max(1, min(self.children, records // self.rows))


def split_problems(spec: StreamSpec, place: str) -> Iterator[str]:
    """Why a stream can not be split, as far as its configuration tells; `place` is the path of the split."""
    if not spec.key or spec.target_field(next(iter(spec.source_key), "")) != spec.key[0]:
        yield f"{place}: the key's first field must be copied from a column of the source as it is, to split by it"
    if spec.mode not in ("append", "upsert"):
        yield f"{place}: mode {spec.mode} needs one job that has read everything; use upsert or append, or no split"
    if spec.extent == "incremental":
        yield f"{place}: extent incremental reads by its cursor, not by its key; use full or window, or no split"
    first = next((words for name, words in REFUSED_WITH.items() if getattr(spec, name) is not None), None)
    if first is not None:  # a query has limits of its own, which nobody has set
        yield f"{place}: {first} does not go with it; leave one of them out"


def key_ranges(field: str, bounds: Sequence[Any], *, nullable: bool) -> list[list[dict[str, Any]]]:
    """The filters of each child: half-open ranges that hold every value once, and one more for those without a value.

    `bounds` ascend as the source compares; the first and the last range have an open end.
    """
    ranges = []
    for low, high in pairwise((None, *bounds, None)):
        ends = (("ge", low), ("lt", high))
        ranges.append([{"field": field, "op": op, "value": value} for op, value in ends if value is not None])
    return [*ranges, [{"field": field, "op": "is_null", "value": True}]] if nullable else ranges
