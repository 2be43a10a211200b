"""Two connections that do something to one job at the same moment, in every order that can be forced or met."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeAlias

from django.db import connection, connections, transaction

from syncjobs.lifecycle import StatusConflict
from syncjobs.models import SyncJob
from syncjobs.operations.job_type_states import JobTypeStateConflict

Deed: TypeAlias = Callable[[], object]
PATIENCE_SECONDS = 20.0


class Arena:
    """Two threads, each with a connection of its own; this thread has the third."""

    def __init__(self) -> None:
        self._gate = threading.Barrier(2, timeout=PATIENCE_SECONDS)
        self._threads = ThreadPoolExecutor(max_workers=2)

    def close(self) -> None:
        for done in [self._threads.submit(self._leave) for _ in range(2)]:
            done.result()
        self._threads.shutdown()

    def _leave(self) -> None:
        self._gate.wait()  # so that each thread comes here once
        connections.close_all()

    def race(self, first: Deed, second: Deed) -> tuple[bool, bool]:
        """Let both go at once, one of them a moment later."""
        pauses = random.uniform(0, 0.004), 0.0  # noqa: S311 - any order will do
        running = [
            self._threads.submit(self._after_gate, deed, pause)
            for deed, pause in zip((first, second), pauses, strict=True)
        ]
        return has_won(running[0]), has_won(running[1])

    def _after_gate(self, deed: Deed, pause_seconds: float) -> object:
        connection.ensure_connection()
        self._gate.wait()
        time.sleep(pause_seconds)
        return deed()

    def queue_up(self, job_id: int, first: Deed, second: Deed) -> tuple[bool, bool]:
        """Let both read the job and then wait for its row, `first` in front of `second`."""
        with transaction.atomic():
            SyncJob.objects.select_for_update().get(pk=job_id)
            running = []
            for deed in (first, second):
                running.append(self._threads.submit(deed))
                self._wait_until_stuck_or_done(running)
        return has_won(running[0]), has_won(running[1])

    def _wait_until_stuck_or_done(self, running: list[Future[object]]) -> None:
        give_up = time.monotonic() + PATIENCE_SECONDS
        while count_waiting() < sum(not deed.done() for deed in running):
            assert time.monotonic() < give_up, "a deed neither ended nor waited for the row"
            time.sleep(0.001)


@contextmanager
def open_arena() -> Iterator[Arena]:
    arena = Arena()
    try:
        yield arena
    finally:
        arena.close()


def count_waiting() -> int:
    """How many connections wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        (number,) = cursor.fetchone()
    return int(number)


def has_won(deed: Future[object]) -> bool:
    """Whether the deed had an effect. Losing is a conflict, or finding nothing to do; any other error is a failure."""
    try:
        return bool(deed.result(timeout=PATIENCE_SECONDS))
    except (StatusConflict, JobTypeStateConflict, SyncJob.DoesNotExist):
        return False


def has_won_alone(deed: Deed) -> bool:
    """Do it here and now, without any race."""
    done: Future[object] = Future()
    try:
        done.set_result(deed())
    except Exception as error:
        done.set_exception(error)
    return has_won(done)
