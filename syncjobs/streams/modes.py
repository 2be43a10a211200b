"""Chooses what a run does before and after its records are read, by the stream's mode."""

from __future__ import annotations

from typing import Protocol

from syncjobs.streams.books import BatchBooks
from syncjobs.streams.mirroring import Mirror, mirrored_filters
from syncjobs.streams.opening import OpenStream
from syncjobs.streams.progress import Progress
from syncjobs.streams.replacing import KeylessReplaceInDryRun, Replace, refuse_switches
from syncjobs.streams.writing import BatchWriter


class Way(Protocol):
    """How one run goes about its stream: `batches` write what is read."""

    batches: BatchWriter

    def begin(self, progress: Progress) -> Progress:
        """Before the first batch of an attempt."""

    def end(self, progress: Progress) -> Progress:
        """After the source was read completely; on a resume perhaps once more."""


class Plain:
    """Modes append and upsert: nothing but batches."""

    def __init__(self, stream: OpenStream, books: BatchBooks) -> None:
        self._stream = stream
        self.batches = BatchWriter(stream, books)

    def begin(self, progress: Progress) -> Progress:
        stream = self._stream
        if stream.write_request.mode == "append" and not stream.target.capabilities.transactions:
            stream.sync_job.log(
                "WARNING", "The target has no transactions: records are appended at least once, after a fault twice"
            )
        return progress

    def end(self, progress: Progress) -> Progress:
        return progress


def way_of(stream: OpenStream, books: BatchBooks) -> Way:
    """The run's way. Raises ConfigError where mode and target, filters or switches do not go together."""
    mode = "upsert" if stream.is_replay else stream.spec.mode
    if mode == "mirror":
        return Mirror(stream, books, mirrored_filters(stream))
    if mode != "replace":
        return Plain(stream, books)
    refuse_switches(stream)
    if not stream.sync_job.dry_run:
        return Replace(stream, books)
    return Mirror(stream, books, ()) if stream.spec.key else KeylessReplaceInDryRun(stream, books)
