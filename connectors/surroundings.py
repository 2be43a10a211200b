"""What surrounds a connector at work: a way to end its waits, an ear for what it tells, and its turns."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

from connectors.errors import ConfigError, Interrupted
from connectors.turns import Turns

LONG_WAIT = 1.0  # seconds for a turn; longer ones are told

Notify = Callable[[str, str], None]
"""(level, message): where a connector tells what an operator should see, e.g. a wait; levels are those of logging."""


def _say_nothing(_level: str, _message: str) -> None:
    return None


def note_nothing(_message: str) -> None:
    """Keep no account of refusals."""


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

    def inner(self) -> Interruption:
        """One for a part of the work: it ends with the whole, or when it is requested itself."""
        inner = Interruption()
        self.call_on_request(lambda: inner.request(self.reason))
        if self.is_requested:
            inner.request(self.reason)
        return inner

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
    waiting: Callable[[], AbstractContextManager[None]] = nullcontext  # is inside while the connector waits
    turns: Turns | None = None  # from the connector's row; None = no limit of requests
    is_patient: bool = True  # else a passing fault is told soon, since somebody sits and waits for the answer
    note_refusal: Callable[[str], None] = note_nothing  # is told when the other system refuses our credentials

    @contextmanager
    def noting_refusals(self) -> Iterator[None]:
        """Tell of credentials that are refused inside, so that the connector counts as one that does not work."""
        try:
            yield
        except ConfigError as error:
            if error.code == "credentials_refused":
                self.note_refusal(error.message)
            raise

    def wait(self, seconds: float) -> None:
        """Wait for the other system, as a job shows by its phase; raise Interrupted at once if asked to end."""
        with self.waiting():
            self.interruption.sleep(seconds)

    def wait_for_turn(self) -> None:
        """Wait until the connector's limit of requests per minute, which all share that use it, lets the next one go.

        For kinds that send requests: before each of them.
        """
        while self.turns is not None:
            turn = self.turns.take()
            if turn.wait_seconds > LONG_WAIT:
                self._tell_wait(self.turns, turn.wait_seconds)
            if turn.wait_seconds > 0:
                self.wait(turn.wait_seconds)
            if turn.is_ours:
                return

    def _tell_wait(self, turns: Turns, seconds: float) -> None:
        if turns.is_told_of:
            return  # once is enough: every further request waits as long
        turns.is_told_of = True
        told = f"the connector allows {turns.limit_per_minute:,} requests a minute to all jobs together"
        self.notify("INFO", f"Waits {seconds:.0f} s for its turn: {told}")
