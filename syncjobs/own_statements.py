"""Lets the watcher end a statement in Syncdeck's own database that a controller waits for."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from connectors.base import Interruption

logger = logging.getLogger("syncjobs.jobs")
CANCEL_SECONDS = 2.0


@contextmanager
def stoppable_statements(interruption: Interruption) -> Iterator[None]:
    """Inside the block a request to stop also cancels whatever this thread's connection executes."""
    wrapper: Any = connections[DEFAULT_DB_ALIAS]  # of the thread that runs the job; `stop` runs in the watcher's
    is_inside = True

    def stop() -> None:
        if is_inside and wrapper.connection is not None:
            _cancel(wrapper)

    interruption.call_on_request(stop)
    try:
        yield
    finally:
        is_inside = False


def _cancel(wrapper: Any) -> None:
    try:
        if wrapper.vendor == "postgresql":
            wrapper.connection.cancel_safe(timeout=CANCEL_SECONDS)
        else:
            wrapper.connection.interrupt()
    except wrapper.Database.Error as error:
        logger.warning("A statement in Syncdeck's own database could not be canceled: %s", error)
