"""What the dispatcher's process does beside its rounds, in a thread and on a connection of its own: hourly tidying."""

from __future__ import annotations

import logging
from threading import Event, Thread

from django.contrib.sessions.backends.db import SessionStore
from django.db import Error as DatabaseProblem
from django.db import connections

from syncjobs.clock import db_now
from syncjobs.operations.inbox import prune_inbox
from syncjobs.operations.retention import prune_jobs
from syncjobs.operations.webhooks import forget_old_secrets
from syncjobs.triggers.webhooks import prune_deliveries

logger = logging.getLogger("syncjobs.housekeeping")
FIRST_SECONDS = 120.0  # a stack that has just started has better things to do
EVERY_SECONDS = 3600.0


def tidy_up() -> None:
    """Remove jobs, saves and sessions whose time is over; a failure is told, and tried again later."""
    try:
        prune_jobs(now=db_now())
        prune_inbox(now=db_now())
        SessionStore.clear_expired()
        prune_deliveries(db_now())
        forget_old_secrets(db_now())
    except DatabaseProblem as problem:
        logger.warning("Tidying up is put off for an hour: %s", problem)
    finally:
        connections.close_all()


def keep_house(stopped: Event, first: float = FIRST_SECONDS, every: float = EVERY_SECONDS) -> Thread:
    """Start the thread; it ends when `stopped` is set, or with the process, whatever it is about."""

    def run() -> None:
        wait = first
        while not stopped.wait(wait):
            tidy_up()
            wait = every

    thread = Thread(target=run, name="housekeeping", daemon=True)
    thread.start()
    return thread
