"""How many records a batch takes: by their bytes at first, then by how long batches take. Pure."""

from __future__ import annotations

TARGET_BYTES = 32 * 2**20
LEAST, MOST = 1_000, 500_000  # records
TOO_LONG_SECONDS, SHORT_SECONDS = 2.0, 0.5


class BatchSize:
    """The size of the next batch, `records`; `most` is what the stream allows."""

    def __init__(self, record_bytes: float, most: int | None = None, target_bytes: int = TARGET_BYTES) -> None:
        self._most = min(MOST, most or MOST)
        self.records = self._within(int(target_bytes / max(1.0, record_bytes)))

    def learn(self, records: int, seconds: float) -> None:
        """A batch of so many records took so long."""
        if seconds > TOO_LONG_SECONDS:
            self.records = self._within(self.records // 2)
        elif seconds < SHORT_SECONDS and records >= self.records:
            self.records = self._within(self.records * 2)

    def _within(self, records: int) -> int:
        return min(self._most, max(LEAST, records))
