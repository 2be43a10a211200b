"""The one Celery task, a wake-up that carries ids only, and what a worker process does at its start and end."""

from __future__ import annotations

import logging
import mmap
import os
import socket
import time
import uuid
from collections.abc import Sequence
from typing import Any

from billiard import pool
from billiard.common import terminate_handler_fired
from celery import shared_task, signals
from celery.worker import state

from syncjobs.appetite import LOOK_SECONDS, Appetite
from syncjobs.bundles import Bundle
from syncjobs.execution import run_job
from syncjobs.free_memory import return_free_memory
from syncjobs.models import SyncJob
from syncjobs.presence import Presence

logger = logging.getLogger("syncjobs.tasks")

LONG_SECONDS = 0.2  # a job that took longer may have needed much memory

# Before it ends, a pool process waits until its parent has heard of all its results, tries of 0.1 s each. In a shutdown
# the parent may hear no more, and 30 s of that are too long. Nothing is lost: what became of a job is in the database.
pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = 10

# One byte that pool processes inherit at the fork: the main process writes it, they read it, and no lock can be left
# behind by one that is killed.
_shutdown_flag = mmap.mmap(-1, 1)
_presences: list[Presence] = []


def shutdown_requested() -> bool:
    """Whether this worker was told to stop (SIGTERM); jobs then end at the edge of their batch.

    Or told to quit: then Celery ends its pool processes before it says so, and this one was just interrupted.
    """
    return _shutdown_flag[0] != 0 or terminate_handler_fired()


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


@shared_task(name="syncjobs.run_sync_job", ignore_result=True)  # type: ignore[untyped-decorator]
def run_sync_job(job_id: int, dispatch_id: str, others: Sequence[int] = (), *_later: Any, **_versions: Any) -> None:
    """Wake up for a job, and for `others` of the same turn that are quickly done.

    Unknown arguments of a newer sender are ignored; a message that is stale does nothing.
    """
    bundle = Bundle([int(job_id), *map(int, others)], uuid.UUID(str(dispatch_id)))
    while (taken := bundle.take()) is not None:
        began = time.monotonic()
        run_job(taken, bundle.dispatch_id, worker_name(), shutdown_requested, when_long=bundle.hand_back)
        if time.monotonic() - began > LONG_SECONDS:
            return_free_memory()
        if bundle.takes_long or shutdown_requested():
            bundle.hand_back()
    if terminate_handler_fired():  # the job has been given back; now the process ends, as it was told
        raise SystemExit


def run_inline(job_id: int, dispatch_id: uuid.UUID) -> SyncJob | None:
    """Run an admitted job in this process."""
    return run_job(job_id, dispatch_id, f"{worker_name()} (inline)")


@signals.worker_ready.connect  # type: ignore[untyped-decorator]
def _report_presence(sender: Any, **_: Any) -> None:
    worker = sender.controller if hasattr(sender, "controller") else sender
    queues = sorted(str(name) for name in worker.app.amqp.queues.consume_from)
    presence = Presence(
        str(worker.hostname), queues, int(worker.concurrency or 1), lambda: list(worker.pool.info["processes"])
    )
    _presences.append(presence)
    presence.start()


@signals.worker_ready.connect  # type: ignore[untyped-decorator]
def _adjust_appetite(sender: Any, **_: Any) -> None:
    """By the worker's own timer; what it sets is what Celery asks where worker_disable_prefetch is on."""
    worker = sender.controller if hasattr(sender, "controller") else sender
    appetite = Appetite(worker)
    worker.timer.call_repeatedly(LOOK_SECONDS, lambda: appetite.adjust(sum(state.total_count.values())))


@signals.worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _ask_jobs_to_stop(**_: Any) -> None:
    _shutdown_flag[0] = 1
    for presence in _presences:
        presence.leave()
