"""What one dispatcher remembers from round to round: how fast queues empty, and which type had its turn when.

It only makes admission quick and fair; a dispatcher that starts anew, or a second one, loses nothing by not knowing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

AHEAD_SECONDS = 1.0  # so much work may lie in the broker, for workers to find the next job without waiting
MOST_AHEAD = 300
TOGETHER_SECONDS = 0.05  # so much work may go by one message, which costs more than a short job
MOST_TOGETHER = 10


class Turns:
    """The pace of each queue, and the order in which types were served."""

    def __init__(self) -> None:
        self._left_at: datetime | None = None
        self._left: Counter[str] = Counter()
        self._paces: dict[str, float] = {}
        self._slots: dict[str, int] = {}
        self._served: dict[int, int] = {}
        self._turn = 0

    def see(self, sent: Counter[str], now: datetime) -> None:
        """Learn from how many of the jobs that the last round left in the broker are still there."""
        if self._left_at is None or now <= self._left_at:
            return
        seconds = (now - self._left_at).total_seconds()
        for queue, left in self._left.items():
            pace = max(0, left - sent[queue]) / seconds
            ran_empty = bool(left) and not sent[queue]  # then the workers could have taken more
            self._paces[queue] = 2 * max(pace, self._paces.get(queue, 0.0)) if ran_empty else pace

    def leave(self, sent: Counter[str], now: datetime) -> None:
        """Note what this round leaves in the broker."""
        self._left, self._left_at = Counter(sent), now

    def ahead(self, queue: str, slots: int) -> int:
        """How many jobs may lie in the broker beside those at work: what the workers take in a second."""
        self._slots[queue] = slots
        return max(slots, math.ceil(min(MOST_AHEAD, self._paces.get(queue, 0.0) * AHEAD_SECONDS)))

    def together(self, queue: str, number: int) -> int:
        """How many of `number` jobs one message may name: few moments' work, and every slot gets its share of them."""
        slots = self._slots.get(queue, 1)
        quick = int(self._paces.get(queue, 0.0) / slots * TOGETHER_SECONDS)
        return max(1, min(MOST_TOGETHER, quick, number // slots))

    def serve(self, job_type_ids: Iterable[int]) -> None:
        self._turn += 1
        self._served.update(dict.fromkeys(job_type_ids, self._turn))

    def last_served(self, job_type_id: int) -> int:
        """The number of the round in which a type had its last turn; 0 for never."""
        return self._served.get(job_type_id, 0)
