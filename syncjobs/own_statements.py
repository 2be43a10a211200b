"""What another thread may do to the job's connection to Syncdeck's own database: end its statement or transaction."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connectors.surroundings import Interruption

logger = logging.getLogger("syncjobs.jobs")
CANCEL_SECONDS = 2.0


@contextmanager
def stoppable_statements(wrapper: Any, interruption: Interruption) -> Iterator[None]:
    """Inside the block a request to stop also cancels whatever this connection of Django executes."""
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


def keeps_others_out(wrapper: Any) -> bool:
    """Whether nobody else can write, since a transaction on SQLite locks all of the database."""
    return bool(wrapper.vendor == "sqlite" and wrapper.in_atomic_block)


def undo_transaction(wrapper: Any) -> None:
    """Let others write again although the job's thread never will; what it still tries to write is refused."""
    if keeps_others_out(wrapper) and wrapper.connection is not None:
        try:
            wrapper.connection.interrupt()
            wrapper.connection.execute("PRAGMA query_only = 1")
            wrapper.connection.rollback()
        except wrapper.Database.Error as error:
            logger.warning("The transaction of a job that does not stop could not be undone: %s", error)
