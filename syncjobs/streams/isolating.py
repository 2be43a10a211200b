"""Takes out of a batch the records that its target refuses, by trying parts of it in transactions that are undone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from connectors.errors import DataError
from syncjobs.streams.bisecting import find_refused
from syncjobs.streams.opening import OpenStream
from syncjobs.streams.records_in import MappedPage
from syncjobs.streams.refusals import reason_of
from syncjobs.streams.rejects import TooManyRejects

OF_NO_RECORD = frozenset({"column_mismatch"})
"""Codes of data errors for which no single record is to blame."""


class Isolator:
    """For one stream of one job under quarantine; the policy's number also bounds the search."""

    def __init__(self, stream: OpenStream) -> None:
        self._stream = stream

    def can_isolate(self, error: DataError, pages: Iterable[MappedPage]) -> bool:
        """Whether the batch may be written without the records that led to this error."""
        if not self._stream.spec.on_reject.sets_aside or isinstance(error, TooManyRejects):
            return False
        if error.code in OF_NO_RECORD or not self._stream.can_reopen_target:
            return False
        if isinstance(pages, Iterator):
            self._stream.sync_job.log(
                "WARNING",
                "The source has no key to order by, so the batch cannot be put together again without the record that"
                " the target refuses: it is rolled back",
            )
            return False
        return True

    def without_refused(self, pages: list[MappedPage], error: DataError, set_aside: int) -> list[MappedPage]:
        """The pages with refusals in place of the rows that the target refuses: at least one.

        `set_aside` records were set aside by earlier batches. Raises Interrupted, and whatever else trying may raise.
        """
        reason = reason_of(self._stream, error)
        self._stream.sync_job.log("INFO", f"Looking for the records that the target refuses: {reason}")
        rows = [row for page in pages for row in page.rows]
        most = self._stream.spec.on_reject.most - set_aside - sum(len(page.refusals) for page in pages)
        refused = find_refused(
            self._last_of_each_key(rows), error, lambda part: self._why_refused([rows[at] for at in part]), most
        )
        left, start = [], 0
        for page in pages:
            mine = {at - start: why for at, why in refused.items() if start <= at < start + len(page.rows)}
            left.append(page.without(dict(sorted(mine.items()))))
            start += len(page.rows)
        return left

    def _last_of_each_key(self, rows: list[tuple[Any, ...]]) -> list[int]:
        """Of records with the same key only the last one is ever written."""
        fields, key = self._stream.mapper.fields, self._stream.spec.key
        places = [place for place, field in enumerate(fields) if field.name in key]
        if not places:
            return list(range(len(rows)))
        last = {repr([row[place] for place in places]): at for at, row in enumerate(rows)}
        return sorted(last.values())

    def _why_refused(self, rows: Sequence[tuple[Any, ...]]) -> DataError | None:
        sync_job, writer = self._stream.sync_job, self._stream.writer
        sync_job.raise_if_stopped()
        writer.begin(str(sync_job.job.token), sync_job.job.fence)
        try:
            writer.stage(rows)
            writer.compare()
            writer.write()
        except DataError as error:
            return error
        finally:
            writer.rollback()
        return None
