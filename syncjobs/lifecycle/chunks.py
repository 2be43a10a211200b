"""Many things in portions that fit a short transaction. Knows nothing of what they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
CHUNK = 500


def in_chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Lists of up to `size` items, in order; nothing is taken from `items` before it is needed."""
    waiting = iter(items)
    while chunk := list(islice(waiting, size)):
        yield chunk
