"""Lets this process forget the secrets that a test had it remember."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connectors import redaction


def knows_secrets() -> bool:
    """Whether this process remembers any."""
    return bool(redaction._process._remembered)


@contextmanager
def forgetting_secrets() -> Iterator[None]:
    """Afterwards the process knows no more secrets than now."""
    redactor = redaction._process
    known = {name: set(value) if isinstance(value, set) else value for name, value in vars(redactor).items()}
    try:
        yield
    finally:
        vars(redactor).update(known)
