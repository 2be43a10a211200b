"""How many messages a worker may hold: one for each process, and while jobs are over in a moment, one more for each.

A worker that holds none beside those at work leaves its processes idle for as long as it takes to fetch the next one.
A held message would wait behind a long job, though another worker is free; so it is held only by those that are quick,
and the dispatcher sends again what nobody claims. Knows no Celery.
"""

from __future__ import annotations

from typing import Any

LOOK_SECONDS = 0.25
QUICK_JOBS = 2  # of each process between two looks


class Appetite:
    """Looks at how many jobs a Celery worker has begun, and sets how many messages it may hold accordingly."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._processes = int(worker.concurrency or 1)
        self._begun = 0

    def adjust(self, begun: int) -> None:
        """`begun` is how many jobs the worker has begun so far; called every LOOK_SECONDS."""
        is_quick = begun - self._begun >= QUICK_JOBS * self._processes
        self._begun = begun
        self._worker.max_concurrency = self._processes * (2 if is_quick else 1)
