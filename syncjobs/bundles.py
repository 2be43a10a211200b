"""The jobs that one message names: run one after the other; handed back as soon as they would have to wait for long."""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Iterable

from syncjobs.lifecycle import withdraw_admission

LONGEST_SECONDS = 0.5  # after so long no further job of a bundle is begun


class Bundle:
    """The jobs of a message that have not begun yet. The watcher hands them back while one of them is being run."""

    def __init__(self, job_ids: Iterable[int], dispatch_id: uuid.UUID) -> None:
        self.dispatch_id = dispatch_id
        self._waiting = deque(job_ids)
        self._lock = threading.Lock()
        self._began = time.monotonic()

    def take(self) -> int | None:
        """The next job to be run; None if there is no further one."""
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def hand_back(self) -> None:
        """Let whoever is free have what has not begun. What the database does not hear of is kept."""
        with self._lock:
            if self._waiting:
                withdraw_admission(self._waiting, self.dispatch_id)
                self._waiting.clear()

    @property
    def takes_long(self) -> bool:
        return time.monotonic() - self._began > LONGEST_SECONDS
