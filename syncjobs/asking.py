"""Who asks for what happens here, and through which door; the audit reads it.

Pure: a context variable that doors set, so that no operation has to hand it on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from syncjobs.statuses import LabelledEnum


class Door(LabelledEnum):
    """The ways in."""

    PORTAL = "portal"
    API = "api"
    CLI = "cli"
    WEBHOOK = "webhook"
    SCHEDULE = "schedule"
    HOOK = "hook"
    SYSTEM = "system"


@dataclass(slots=True)
class Asker:
    """Somebody at a door. A door may learn their name only later: then it is a function, or set by `name_asker`."""

    door: Door
    who: str | Callable[[], str] = ""
    ip: str | None = None
    request_id: str = ""
    token: str = ""

    def name(self) -> str:
        """Who it is by now; empty if nobody has said so."""
        return self.who if isinstance(self.who, str) else self.who()


_asker: ContextVar[Asker | None] = ContextVar("asker", default=None)


def present_asker() -> Asker:
    """Whoever asks here; the system where no door has said anything."""
    return _asker.get() or Asker(Door.SYSTEM, "system")


def name_asker(who: str, *, token: str = "") -> None:
    """Say who stands at the door that was opened earlier, and with which token; without a door nothing happens."""
    asker = _asker.get()
    if asker is not None:
        asker.who, asker.token = who, token


@contextmanager
def asking(asker: Asker) -> Iterator[None]:
    """Whatever is done until the block ends is asked for by them. A new thread begins without anybody."""
    token = _asker.set(asker)
    try:
        yield
    finally:
        _asker.reset(token)
