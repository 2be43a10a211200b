"""Named places where a test may have the process killed, once, to prove that nothing is lost there."""

from __future__ import annotations

import os
import signal
from collections import Counter

from django.conf import settings

_reached: Counter[str] = Counter()


def crash_here(point: str) -> None:
    """Kill this process (SIGKILL) if SYNCDECK_CRASH_AT is `point`, or `point:n` at the n-th time; never twice.

    A file in the data directory remembers that it happened, so that the process that takes over survives.
    """
    wanted, _, nth = settings.SYNCDECK_CRASH_AT.partition(":")
    if wanted != point:
        return
    _reached[point] += 1
    if _reached[point] < int(nth or 1):
        return
    try:
        (settings.SYNCDECK_DATA_DIR / f"crashed-{point}").open("x").close()
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
