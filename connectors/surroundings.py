"""What surrounds a connector at work: a way to end its waits, an ear for what it tells, and its limits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from connectors.errors import Interrupted

Notify = Callable[[str, str], None]
"""(level, message): where a connector tells what an operator should see, e.g. a wait; levels are those of logging."""


def _say_nothing(_level: str, _message: str) -> None:
    return None


class Interruption:
    """Lets another thread end whatever a connector waits for: sleeps here, statements and sockets by callbacks."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._callbacks: list[Callable[[], None]] = []
        self.reason = ""

    @property
    def is_requested(self) -> bool:
        return self._event.is_set()

    def request(self, reason: str) -> None:
        """End all waits now and in future; `reason` is what Interrupted carries. Safe from any thread, and twice."""
        if not self.reason:
            self.reason = reason
        self._event.set()
        for callback in list(self._callbacks):
            callback()

    def call_on_request(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)

    def check(self) -> None:
        """Raise Interrupted if the end was asked for."""
        if self._event.is_set():
            raise Interrupted(self.reason)

    def sleep(self, seconds: float) -> None:
        """Wait, unless asked to end: then raise Interrupted at once."""
        if self._event.wait(seconds):
            raise Interrupted(self.reason)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a connector gets from whoever uses it; the defaults suit a test or a form."""

    interruption: Interruption = field(default_factory=Interruption)
    notify: Notify = _say_nothing
    rate_limit_per_minute: int | None = None  # requests; set by the connector's row, None = no limit
