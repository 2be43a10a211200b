"""Named places where a test may have the process killed, once, to prove that nothing is lost there."""

from __future__ import annotations

import os
import signal
from collections import Counter

from django.conf import settings

_reached: Counter[str] = Counter()


def crash_here(point: str) -> None:
    """Kill this process (SIGKILL) if SYNCDECK_CRASH_AT lists `point`, or `point:n` at the n-th time; never twice.

    A file in the data directory remembers that it happened, so that the process that takes over survives.
    """
    wanted = dict(one.partition(":")[::2] for one in settings.SYNCDECK_CRASH_AT.split(","))
    if point not in wanted:
        return
    _reached[point] += 1
    if _reached[point] < int(wanted[point] or 1):
        return
    try:
        (settings.SYNCDECK_DATA_DIR / f"crashed-{point}").open("x").close()
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
