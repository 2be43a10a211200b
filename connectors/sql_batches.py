"""Rows as batches of a stream: put together from what came of one long statement, and measured. Runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from sys import getsizeof
from typing import Any

from connectors.records import Batch
from connectors.sql_text import Column

Rows = list[tuple[Any, ...]]
Weigh = Callable[[Rows], int]
SAMPLED_ROWS = 50
PAGE_BYTES = 16 * 1024**2
DECODED_JSON = 8  # times the memory of its text
SHORT_TEXT = 255  # characters that a column takes at most


def batch_of(columns: Sequence[Column], rows: Rows, position: Any) -> Batch:
    """The rows as a batch."""
    return Batch(tuple(column.name for column in columns), rows, position, estimate_bytes(rows))


def estimate_bytes(rows: Sequence[Sequence[Any]]) -> int:
    """About how many bytes the rows are as text, by some evenly spread ones."""
    if not rows:
        return 0
    sample = rows[:: max(1, len(rows) // SAMPLED_ROWS)]
    length = sum(len(value) if isinstance(value, str | bytes) else len(str(value)) for row in sample for value in row)
    return round(length * len(rows) / len(sample))


def cut_into_pages(parts: Iterable[Rows], places: Sequence[int], size: int) -> Iterator[Rows]:
    """Ordered rows, however they come, as pages of `size`; rows that are equal at `places` are never parted.

    A page ends before that where its rows are large.
    """
    held: Rows = []
    byte_count = 0
    for part in parts:
        held += part
        byte_count += estimate_bytes(part)
        end: int | None = 0
        while end is not None and len(held) > size:
            end = _end_of_equals(held, places, size)
            if end is not None:
                yield held[:end]
                held, byte_count = held[end:], estimate_bytes(held[end:])
        if held and byte_count > PAGE_BYTES and (end := begin_of_last_equals(held, places)):
            yield held[:end]
            held, byte_count = held[end:], estimate_bytes(held[end:])
    if held:
        yield held


def weigher(columns: Sequence[Column]) -> Weigh:
    """Tells how much memory rows take by those of their values that may be long."""
    long, documents = [], []
    for place, column in enumerate(columns):
        if column.field.type == "json":
            documents.append(itemgetter(place))
        elif column.field.type in ("text", "binary") and not 0 < (column.length or 0) <= SHORT_TEXT:
            long.append(itemgetter(place))

    def weigh(rows: Rows) -> int:
        plain = sum(sum(map(getsizeof, map(pick, rows))) for pick in long)
        return plain + DECODED_JSON * sum(len(str(pick(row))) for pick in documents for row in rows)

    return weigh


def take_some(parts: Iterable[Rows], weigh: Weigh) -> tuple[Rows, bool]:
    """Rows that come in parts, until they are a page's worth of memory; whether there may be more."""
    rows: Rows = []
    weight = 0
    for part in parts:
        rows += part
        weight += weigh(part)
        if weight > PAGE_BYTES:
            return rows, True
    return rows, False


def gathered(parts: Iterable[Rows], size: int, weigh: Weigh) -> Iterator[Rows]:
    """Rows that come in parts as pages of `size`, or a page's worth of memory."""
    held: Rows = []
    weight = 0
    for part in parts:
        held += part
        weight += weigh(part)
        while len(held) >= size:
            yield held[:size]
            held, weight = held[size:], weigh(held[size:])
        if weight > PAGE_BYTES:
            yield held
            held, weight = [], 0
    if held:
        yield held


def size_of(rows: Sequence[tuple[Any, ...]]) -> int:
    """How many bytes the rows' long values have, roughly."""
    return sum(len(value) for row in rows for value in row if isinstance(value, str | bytes))


def begin_of_last_equals(rows: Rows, places: Sequence[int]) -> int:
    """Where the rows begin that are equal to the last one; 0 if all are."""
    last = [rows[-1][place] for place in places]
    return next((at for at in range(len(rows), 0, -1) if [rows[at - 1][place] for place in places] != last), 0)


def _end_of_equals(rows: Rows, places: Sequence[int], size: int) -> int | None:
    """Where the equals of the row number `size` end; None if that is not to be seen yet."""
    last = [rows[size - 1][place] for place in places]
    return next((at for at in range(size, len(rows)) if [rows[at][place] for place in places] != last), None)
