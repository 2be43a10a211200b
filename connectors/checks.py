"""The steps of a connection test."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckStep:
    """One step of a connection test; `fix` says what to do when it is not ok; a warning is ok with a fix."""

    name: str
    ok: bool
    milliseconds: float
    message: str
    fix: str = ""


def timed_step(name: str, started: float, message: str, *, ok: bool = True, fix: str = "") -> CheckStep:
    """A CheckStep that took from `started` (time.perf_counter()) until now."""
    return CheckStep(name, ok, round((time.perf_counter() - started) * 1000, 1), message, fix)
