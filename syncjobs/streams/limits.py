"""Limits of what one run reads: records, bytes, and bytes of a single value. Past one nothing more is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from connectors.columns import by_columns
from connectors.errors import DataError
from connectors.limits import size_of_value, value_too_large
from connectors.records import Batch
from syncjobs.streams.opening import OpenStream
from syncjobs.streams.progress import Progress
from syncjobs.streams.records_in import source_key

LONG_TYPES = ("text", "json", "binary")
BYTES_OF_A_CHARACTER = 4  # at most


class ReadLimits:
    """The limits of one run of a stream."""

    def __init__(self, stream: OpenStream) -> None:
        self._stream = stream
        self._spec = stream.spec
        self._names = {field.name for field in stream.schema.fields if field.type in LONG_TYPES}

    def watch(self, batches: Iterable[Batch], progress: Progress) -> Iterator[Batch]:
        """The batches after `progress`. Raises DataError `limit` or `value_too_large` instead of the one too many."""
        records, byte_count = progress.counts.read, progress.bytes_read
        for batch in batches:
            records += len(batch.rows)
            byte_count += batch.byte_count
            if self._spec.max_rows is not None and records > self._spec.max_rows:
                raise self._exceeded(f"{self._spec.max_rows:,} records", "max_rows", progress)
            if self._spec.max_bytes is not None and byte_count > self._spec.max_bytes:
                raise self._exceeded(f"{self._spec.max_bytes / 1024**2:,.1f} MB", "max_bytes", progress)
            rows = by_columns(batch.rows, len(batch.names))
            batch = replace(batch, rows=rows)
            oversized = self._oversized(batch, rows.columns)
            yield replace(batch, oversized=oversized) if oversized else batch
            del batch, rows  # before the next one comes

    def _exceeded(self, limit: str, setting: str, progress: Progress) -> DataError:
        return DataError(
            "limit",
            f"{self._spec.source}: the source has more than {limit}, which is the most for one run ({setting})",
            hint=f"{self._what_stays(progress)} Raise {setting} of the stream, or narrow what it reads by filters, a"
            " window or a query; then start it anew.",
        )

    def _what_stays(self, progress: Progress) -> str:
        if self._spec.mode == "replace" or self._stream.sync_job.dry_run:
            return "The target is as it was."
        deletes = " Nothing was deleted." if self._spec.mode == "mirror" else ""
        return f"The batches before it are written, those beyond it are not.{deletes}"

    def _oversized(self, batch: Batch, columns: Sequence[list[Any]]) -> dict[int, tuple[str, int]]:
        """What is too large under policy quarantine, taken out of the columns; otherwise a DataError names it."""
        most = self._spec.max_value_bytes
        found: dict[int, tuple[str, int]] = {}
        for name, column in zip(batch.names, columns, strict=True):
            if name not in self._names or _longest(column) * BYTES_OF_A_CHARACTER <= most:
                continue
            for index, value in enumerate(column):
                size = size_of_value(value)
                if size <= most:
                    continue
                if not self._spec.on_reject.sets_aside:
                    key = source_key(self._stream, batch, index)
                    raise value_too_large(self._spec.source, list(key), key, name, size, most)
                found[index], column[index] = (name, size), None
        return found


def _longest(column: list[Any]) -> int:
    try:
        return max(map(len, filter(None, column)), default=0)
    except TypeError:  # a column of mixed values, as SQLite may have
        return max((len(value) for value in column if isinstance(value, str | bytes)), default=0)
