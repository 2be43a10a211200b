"""Turns: who may send the next request of a connector, and when, so that all together keep its limit per minute."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass

QUEUE_SECONDS = 10.0  # how far ahead turns are given away; one of a job that is canceled meanwhile goes unused


@dataclass(frozen=True, slots=True)
class Turn:
    """How long to wait: for a turn that is ours, or else before asking for one again."""

    wait_seconds: float
    is_ours: bool = True


def next_turn(free_in: float, interval: float) -> tuple[Turn, float]:
    """The turn of who asks, if the next free one is in `free_in` seconds; and in how many the next is free then.

    Turns are `interval` seconds apart and given in the order of asking. Where too many wait, who asks comes again
    when half of them have gone.
    """
    longest = max(QUEUE_SECONDS, interval)
    if free_in > longest + interval:
        free_in = longest  # so long a queue was never given: the limit was raised, or a clock put back
    if free_in > longest:
        return Turn(free_in - longest / 2, is_ours=False), free_in
    wait = max(0.0, free_in)
    return Turn(wait), wait + interval


class Turns(ABC):
    """Gives turns for one connector."""

    def __init__(self, limit_per_minute: int) -> None:
        self.limit_per_minute = limit_per_minute
        self.interval = 60 / limit_per_minute
        self.is_told_of = False  # whether the job's log says that requests wait

    @abstractmethod
    def take(self) -> Turn:
        """The turn of who asks now."""


class OwnTurns(Turns):
    """Turns among the threads of this process; for a connector that is in no database."""

    def __init__(self, limit_per_minute: int) -> None:
        super().__init__(limit_per_minute)
        self._lock = threading.Lock()
        self._free_at = 0.0  # time.monotonic()

    def take(self) -> Turn:
        with self._lock:
            now = time.monotonic()
            turn, free_in = next_turn(self._free_at - now, self.interval)
            self._free_at = now + free_in
        return turn
