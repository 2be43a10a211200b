"""What kinds that read page by page have in common. Sends nothing."""

from __future__ import annotations

from typing import Any

from connectors.errors import DataError

PAGE_BYTES = 8 * 1024**2  # of an answer, of which there may be two at a time in several forms
SHRINKING = 64


class LoopGuard:
    """Notices a source that sends its pages in a circle, while it remembers one place only (Brent's algorithm).

    A circle of n pages is noticed before the fourth time round, however late it begins.
    """

    def __init__(self) -> None:
        self._remembered: Any = None
        self._steps = 0
        self._most_steps = 1

    def comes_back_to(self, place: Any) -> bool:
        """Whether the page that ends at `place`, which is not None, was here before."""
        if place == self._remembered:
            return True
        self._steps += 1
        if self._steps == self._most_steps:
            self._remembered, self._steps, self._most_steps = place, 0, self._most_steps * 2
        return False


class PageSize:
    """How many records are asked for at a time: at most so many, and fewer where they are large."""

    def __init__(self, most: int) -> None:
        self._most = self.records = most

    def learn(self, records: int, byte_count: int) -> None:
        """Of the last page."""
        if records and byte_count:
            self.records = max(1, min(self._most, PAGE_BYTES * records // byte_count))

    def shrinks_for(self, error: DataError) -> bool:
        """Whether fewer records may do after this error; then that many are asked for."""
        if error.code != "answer_too_large" or self.records == 1:
            return False
        self.records = max(1, self.records // SHRINKING)
        return True
