"""Ends the children of a supervisor that died without doing so itself. A process of its own: python guardian.py.

It reads `+GROUP` and `-GROUP` lines (process groups begun and ended) from its standard input. When the input ends,
whatever groups are left are asked to end, and after a while made to.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE_SECONDS = 8.0


def signal_groups(groups: Iterable[int], number: int) -> None:
    """Send a signal to each process group that still exists."""
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def is_group_alive(group: int) -> bool:
    """Tell whether the process group has a member left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def main() -> None:
    """Follow the supervisor's list of groups until it ends, then end what is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: dict[int, None] = {}  # In starting order: the broker is asked to end last.
    for line in sys.stdin:
        if line.startswith("+"):
            groups[int(line[1:])] = None
        else:
            groups.pop(int(line[1:]), None)
    signal_groups(reversed(groups), signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while any(is_group_alive(group) for group in groups) and time.monotonic() < deadline:
        time.sleep(0.1)
    signal_groups(groups, signal.SIGKILL)


if __name__ == "__main__":
    main()
