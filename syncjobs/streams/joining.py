"""Large pages that come quickly share a batch: what a batch costs besides its records is then paid for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from connectors.records import Batch
from syncjobs.streams.records_in import MappedPage

LEAST_RECORDS = 5_000  # of each page; what comes in small portions is soon at the target
MOST_BYTES = 14 * 2**20
MOST_WAITED = 0.05  # seconds, which is what another batch would take


class JoinedPages:
    """The first page, and those after it that are there before its batch ends; the same ones each time they are asked.

    What goes wrong with a page after the first is kept for `raise_late_error`, so that those before it are written.
    """

    def __init__(
        self, first: Batch, others: Iterator[Batch], make_page: Callable[[Batch], MappedPage], most: int
    ) -> None:
        """`most` records in all."""
        self._others, self._make_page, self._most = others, make_page, most
        self._late_error: Exception | None = None
        self._pages: list[MappedPage] = []
        self._add(first)

    def __iter__(self) -> Iterator[MappedPage]:
        number = 0
        while number < len(self._pages) or self._take_next():
            yield self._pages[number]
            number += 1

    def raise_late_error(self) -> None:
        """To be called when the batch is written."""
        if self._late_error is not None:
            raise self._late_error

    def _take_next(self) -> bool:
        """Whether there is another page in this batch."""
        if not self._has_room() or not self._comes_within(MOST_WAITED):
            return False
        try:
            for batch in islice(self._others, 1):
                self._add(batch)
                return True
        except Exception as error:
            self._late_error = error
        return False

    def _add(self, batch: Batch) -> None:
        self._comes_within = batch.next_comes_within
        self._size = len(batch.rows)
        self._pages.append(self._make_page(batch))

    def _has_room(self) -> bool:
        """For one more like the last."""
        batches = [page.batch for page in self._pages]
        records, byte_count = sum(len(one.rows) for one in batches), sum(one.byte_count for one in batches)
        last = batches[-1]
        return (
            self._late_error is None
            and len(last.rows) >= LEAST_RECORDS
            and records + len(last.rows) <= self._most
            and byte_count + last.byte_count <= MOST_BYTES
        )
