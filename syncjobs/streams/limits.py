"""Limits of what one run reads: records and bytes. Past one nothing more is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connectors.errors import DataError
from connectors.records import Batch
from syncjobs.streams.opening import OpenStream
from syncjobs.streams.progress import Progress


class ReadLimits:
    """The limits of one run of a stream."""

    def __init__(self, stream: OpenStream) -> None:
        self._stream = stream
        self._spec = stream.spec

    def watch(self, batches: Iterable[Batch], progress: Progress) -> Iterator[Batch]:
        """The batches after `progress`. Raises DataError `limit` instead of the one too many."""
        records, byte_count = progress.counts.read, progress.bytes_read
        for batch in batches:
            records += len(batch.rows)
            byte_count += batch.byte_count
            if self._spec.max_rows is not None and records > self._spec.max_rows:
                raise self._exceeded(f"{self._spec.max_rows:,} records", "max_rows", progress)
            if self._spec.max_bytes is not None and byte_count > self._spec.max_bytes:
                raise self._exceeded(f"{self._spec.max_bytes / 1024**2:,.1f} MB", "max_bytes", progress)
            yield batch
            del batch  # before the next one comes

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
