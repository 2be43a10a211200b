"""Which workers there are: each says so every few seconds, so that the dispatcher sends nothing into the void."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from datetime import timedelta

from django.db import DatabaseError, InterfaceError, connections

from syncjobs.clock import db_now
from syncjobs.lifecycle.nudges import nudge_dispatcher
from syncjobs.models import WorkerSeen
from syncjobs.programs_seen import own_version

logger = logging.getLogger("syncjobs.presence")
REPORT_SECONDS = 10.0
FORGOTTEN_AFTER = timedelta(days=7)

# A process that is forked in the middle of a report would inherit SQLite's locks and nobody to release them, and could
# never write. So forks wait for the report, and reports for the fork.
_reporting = threading.Lock()
os.register_at_fork(before=_reporting.acquire, after_in_parent=_reporting.release, after_in_child=_reporting.release)


class Presence(threading.Thread):
    """Reports one worker until told to stop; then takes its row away, so that nothing waits for it."""

    def __init__(
        self, name: str, queues: list[str], slots: int, processes: Callable[[], list[int]] = lambda: [os.getpid()]
    ) -> None:
        super().__init__(name="worker-presence", daemon=True)
        self._worker = name
        self._queues = queues
        self._slots = slots
        self._processes = processes
        self._leaving = threading.Event()

    def run(self) -> None:
        while not self._leaving.is_set():
            self._safely(self._report)
            self._leaving.wait(REPORT_SECONDS)
        self._safely(self._leave)

    def leave(self) -> None:
        """Say good-bye; returns at once."""
        self._leaving.set()

    def _report(self) -> None:
        values = {"queues": self._queues, "slots": self._slots, "last_seen_at": db_now()}
        values |= {"host": socket.gethostname(), "version": own_version(), "processes": self._processes()}
        _, is_new = WorkerSeen.objects.update_or_create(name=self._worker, defaults=values)
        if is_new:
            WorkerSeen.objects.filter(last_seen_at__lt=db_now() - FORGOTTEN_AFTER).delete()
            nudge_dispatcher()

    def _leave(self) -> None:
        WorkerSeen.objects.filter(name=self._worker).delete()

    def _safely(self, action: object) -> None:
        with _reporting:
            try:
                if callable(action):
                    action()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("Worker %s could not report: %s", self._worker, error)
            finally:
                connections.close_all()  # none may be open when the pool forks another process
