"""Waits out passing faults of source, target and our own database inside the attempt, so that they cost no retry."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from connectors.errors import TransientError
from syncjobs.controllers.base import JobHandle, Outcome
from syncjobs.database_failures import database_failure
from syncjobs.retries import was_told_to_quit

MOST_TRIES = 8  # in a row, without a batch between them
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0
WRITTEN_WITH_BATCHES = ("counts", "diff_summary", "bytes_read", "checkpoint")


class Patience:
    """Of one attempt, however many places of it try again."""

    def __init__(self, sync_job: JobHandle) -> None:
        self._sync_job = sync_job
        self._tried, self._furthest = 0, -1

    def wait_after(self, error: TransientError) -> None:
        """Wait until trying again, by a new connection, may help; count it.

        Raises the error where that was done often enough, and Interrupted.
        """
        if was_told_to_quit(error):
            raise error
        batch_no = self._sync_job.job.checkpoint.get("batch_no", 0)
        if batch_no > self._furthest:
            self._tried, self._furthest = 0, batch_no
        self._tried += 1
        if self._tried >= MOST_TRIES or error.was_tried_again:
            raise error
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (self._tried - 1))
        self._sync_job.log("WARNING", f"{error.message}; retry {self._tried}/{MOST_TRIES} in {pause:g} s")
        self._sync_job.surroundings.wait(pause)
        with suppress(DatabaseError, InterfaceError):  # if ours is away, too, whoever writes next notices
            self._sync_job.save_progress(reconnects=self._sync_job.job.reconnects + 1)


def outlive_faults(sync_job: JobHandle, work: Callable[[JobHandle, Patience], Outcome]) -> Outcome:
    """Do work that goes on from the job's checkpoint, as a further attempt would, whenever a passing fault ends it.

    An outage of our own database is one, too: no batch is written meanwhile, since each begins with our fenced row.
    """
    patience = Patience(sync_job)
    looks_again = False
    while True:
        try:
            if looks_again:
                sync_job.job.refresh_from_db(fields=WRITTEN_WITH_BATCHES)  # the last commit may have arrived or not
                looks_again = False
            return work(sync_job, patience)
        except TransientError as error:
            patience.wait_after(error)
        except (OperationalError, InterfaceError) as error:
            # The block would be of whoever runs the job in a transaction of theirs.
            if connection.in_atomic_block or was_told_to_quit(error):
                raise
            connection.close()
            patience.wait_after(database_failure(error))
            looks_again = True
