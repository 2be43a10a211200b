"""What kinds that read page by page have in common. Sends nothing."""

from __future__ import annotations

from typing import Any


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
