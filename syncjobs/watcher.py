"""One thread beside the job: renews its lease, looks for cancel and pause, saves its log, ends what takes too long."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, connections

from syncjobs.lifecycle import renew_lease
from syncjobs.models import SyncJob
from syncjobs.own_statements import keeps_others_out
from syncjobs.running import RunningJob
from syncjobs.statuses import Status

logger = logging.getLogger("syncjobs.jobs")

TICK_SECONDS = 1.0
EDGE_SECONDS = 8.0  # a shutdown first waits so long for the batch's edge
GRACE_SECONDS = 7.0
# From asking a job to stop until its process is ended. To hear of the wish and to judge may each take a tick, and a
# cancel has to be over within 10 s, a pause within 5.
GRACES = {"pause": 2.5, "shutdown": EDGE_SECONDS + GRACE_SECONDS}
BUSY_MILLISECONDS = 2_000  # how long it waits for others that write to SQLite; there is more to watch than the row
IMPATIENT = frozenset({"cancel", "pause", "timeout", "lost"})  # these do not wait for the edge


class Watcher(threading.Thread):
    """Watches whatever job its process runs; one for each process, started with the first job (so after the fork)."""

    def __init__(self, shutdown_requested: Callable[[], bool], end_by_force: Callable[[RunningJob], None]) -> None:
        super().__init__(name="job-watcher", daemon=True)
        self._shutdown_requested = shutdown_requested
        self._end_by_force = end_by_force
        self._handing_over = threading.Lock()
        self._running: RunningJob | None = None
        self._when_long: Callable[[], None] = lambda: None
        self._renewed = self._asked = 0.0
        self._sees_row = True

    @contextlib.contextmanager
    def watching(self, running: RunningJob, when_long: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Watch this job until the block ends; afterwards the watcher has let go of it for certain."""
        self._when_long = when_long
        self._hand_over(running)
        try:
            yield
        finally:
            self._hand_over(None)

    def _hand_over(self, running: RunningJob | None) -> None:
        with self._handing_over:
            self._running = running
            self._renewed, self._asked = time.monotonic(), 0.0
            # Of a job within its caller's open transaction (a view, a TestCase) no other connection knows: only the
            # clock is watched then.
            self._sees_row = not connection.in_atomic_block

    def run(self) -> None:
        """Looks by itself: being woken by every short job would cost the job more than it takes to watch it."""
        while True:
            time.sleep(TICK_SECONDS)
            with self._handing_over:
                if self._running is None:
                    connections.close_all()
                # A job that is over within its first second costs no connection.
                elif self._running.elapsed_seconds >= TICK_SECONDS * 0.9:
                    self._tick(self._running)

    def _tick(self, running: RunningJob) -> None:
        if self._sees_row and not keeps_others_out(running.own_connection):
            self._keep_row(running)
        else:  # nor can anybody take the job away
            self._renewed = time.monotonic()
        self._judge(running)

    def _keep_row(self, running: RunningJob) -> None:
        try:
            if connection.vendor == "sqlite":
                with connection.cursor() as cursor:
                    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            if not running.has_ended:  # else it is only the hook `finished` that still runs
                self._look_at_row(running)
            running.buffer.flush()
            self._when_long()
        except (DatabaseError, InterfaceError) as error:
            connections.close_all()
            logger.warning("The watcher cannot reach the database: %s", error, extra={"sync_id": running.job.pk})

    def _look_at_row(self, running: RunningJob) -> None:
        row = (
            SyncJob.objects.filter(pk=running.job.pk)
            .values("status", "fence", "phase", "cancel_requested_at", "pause_requested_at")
            .first()
        )
        if row is None or row["status"] != Status.STARTED.value or row["fence"] != running.job.fence:
            self._ask(running, "lost")
            return
        if row["cancel_requested_at"]:
            self._ask(running, "cancel")
        elif row["pause_requested_at"]:
            self._ask(running, "pause")
        if row["phase"] != running.phase.value:
            mine = SyncJob.objects.filter(pk=running.job.pk, status=Status.STARTED.value, fence=running.job.fence)
            mine.update(phase=running.phase.value)
        if time.monotonic() - self._renewed >= settings.SYNCDECK_LEASE_SECONDS / 6:
            if not renew_lease(running.job.pk, running.job.fence):
                self._ask(running, "lost")
            self._renewed = time.monotonic()

    def _judge(self, running: RunningJob) -> None:
        """What needs no database: the timeout, a shutdown, a lease that could not be renewed, the end of patience."""
        now = time.monotonic()
        if running.job.timeout and running.elapsed_seconds > running.job.timeout:
            self._ask(running, "timeout")
        if now - self._renewed > settings.SYNCDECK_LEASE_SECONDS * 0.9 and not running.has_ended:
            self._ask(running, "lost")
        if self._shutdown_requested():
            self._ask(running, "shutdown")
        if self._asked and now - self._asked > EDGE_SECONDS:
            running.request_stop("shutdown", at_once=True)
        if self._asked and now - self._asked > GRACES.get(running.stop_reason, GRACE_SECONDS):
            self._end_by_force(running)

    def _ask(self, running: RunningJob, reason: str) -> None:
        if not self._asked:
            self._asked = time.monotonic()
            running.request_stop(reason, at_once=reason in IMPATIENT)
