"""How many records a batch takes: by their bytes at first, then by how long batches take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from connectors.base import Connector
from connectors.records import Batch, ReadRequest

TARGET_BYTES = 32 * 2**20
LEAST, MOST = 1_000, 500_000  # records; fewer where so many have more than TARGET_BYTES
SAMPLED = 100  # records
TOO_LONG_SECONDS, SHORT_SECONDS = 2.0, 0.5


class BatchSize:
    """The size of the next batch, `records`; `most` is what the stream allows."""

    def __init__(self, record_bytes: float, most: int | None = None, target_bytes: int = TARGET_BYTES) -> None:
        self._most = min(MOST, most or MOST)
        self._least = _least(record_bytes)
        self.records = self._within(int(target_bytes / max(1.0, record_bytes)))

    def learn(self, records: int, seconds: float, byte_count: int = 0) -> None:
        """A batch of so many records took so long, and had so many bytes if that is known."""
        mean = byte_count / max(1, records)
        if _least(mean) < LEAST:
            self._least = _least(mean)
            self.records = self._within(int(TARGET_BYTES / mean))
        elif seconds > TOO_LONG_SECONDS:
            self.records = self._within(self.records // 2)
        elif seconds < SHORT_SECONDS and records >= self.records:
            self.records = self._within(self.records * 2)

    def _within(self, records: int) -> int:
        return min(self._most, max(self._least, records))


def _least(record_bytes: float) -> int:
    return max(1, min(LEAST, int(TARGET_BYTES / max(1.0, record_bytes))))


def record_bytes(source: Connector, request: ReadRequest) -> float:
    """The mean of the first few records that a request reads."""
    page = next(source.read(replace(request, batch_size=SAMPLED)), None)
    return page.byte_count / len(page.rows) if page else 1.0


def read_in_sizes(source: Connector, request: ReadRequest) -> Iterator[Batch]:
    """Read batches of at most the request's size; whoever takes them is timed, and where it pays they are resized."""
    if not source.can_resize(request.stream) or request.batch_size <= LEAST:
        yield from source.read(request)
        return
    size = BatchSize(record_bytes(source, request), request.batch_size)
    while True:
        request = replace(request, batch_size=size.records)
        for batch in source.read(request):
            started, records, position = time.monotonic(), len(batch.rows), batch.position
            yield batch
            del batch  # before the next one comes
            size.learn(records, time.monotonic() - started)
            if position is not None and size.records != request.batch_size:
                request = replace(request, position=position)
                break
        else:
            return
