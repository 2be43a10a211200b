"""What can go wrong at another system, sorted by whether trying again can help. Knows no driver.

SyncError
├── TransientError          network, lost connection, deadlock, server busy: the same try may work later
│   └── RateLimitedError    the other side named (or we guess) when to come back: `retry_after`
├── DataError               the data does not fit: type, constraint, mapping, drift; never retried by itself
├── ConfigError             settings, credentials or rights are wrong; a person has to change something
├── InternalError           our own bug, or books that do not balance
└── Interrupted             somebody asked for the wait to end (cancel, pause, shutdown, timeout); no failure by itself
"""

from __future__ import annotations

from typing import Any, ClassVar


class SyncError(Exception):
    """A failure that says what happened, to what, and what to do.

    `code` is a stable word for programs, `message` one sentence for people, `hint` the way out. None holds a secret.
    `field` and `record` (its key, as people read it) are what it is about, where that is known.
    """

    failure_class: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False

    def __init__(self, code: str, message: str, *, hint: str = "", field: str = "", record: str = "") -> None:
        super().__init__(message)
        self.record = record
        self.code = code
        self.message = message
        self.hint = hint
        self.field = field

    def as_failure(self) -> dict[str, Any]:
        """The public shape `{"class", "code", "message", "hint", "retryable"}`."""
        return {
            "class": self.failure_class,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "retryable": self.retryable,
        }


class TransientError(SyncError):
    """Trying the same again later may work; where who raised it has tried for a while, only much later."""

    was_tried_again = False

    failure_class = "transient"
    retryable = True


class RateLimitedError(TransientError):
    """The other side asked us to slow down; `retry_after` is in seconds, None when it did not say."""

    failure_class = "rate_limited"

    def __init__(self, code: str, message: str, *, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(code, message, hint=hint)
        self.retry_after = retry_after


class DataError(SyncError):
    """A record (or the shape of all of them) does not fit the target or the mapping."""

    failure_class = "data"


class ConfigError(SyncError):
    """A setting, credential or right is wrong; trying again without a change cannot help."""

    failure_class = "config"


class InternalError(SyncError):
    """A bug of ours."""

    failure_class = "internal"


class Interrupted(Exception):
    """A wait or statement ended because `Interruption.request` was called; `reason` is its argument."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
