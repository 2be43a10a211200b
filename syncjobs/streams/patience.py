"""Waits out passing faults of source and target inside the attempt, so that they cost the job no retry."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from django.db import DatabaseError

from connectors.errors import TransientError
from syncjobs.controllers.base import JobHandle, Outcome

MOST_TRIES = 8  # in a row, without a batch between them
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0


class Patience:
    """Of one attempt, however many places of it try again."""

    def __init__(self, sync_job: JobHandle) -> None:
        self._sync_job = sync_job
        self._tried, self._furthest = 0, -1

    def wait_after(self, error: TransientError) -> None:
        """Wait until trying again, by a new connection, may help; count it.

        Raises the error where that was done often enough, and Interrupted.
        """
        batch_no = self._sync_job.job.checkpoint.get("batch_no", 0)
        if batch_no > self._furthest:
            self._tried, self._furthest = 0, batch_no
        self._tried += 1
        if self._tried >= MOST_TRIES or error.was_tried_again:
            raise error
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (self._tried - 1))
        self._sync_job.log("WARNING", f"{error.message}; retry {self._tried}/{MOST_TRIES} in {pause:g} s")
        self._sync_job.surroundings.wait(pause)
        with suppress(DatabaseError):  # where our own database is away as well, whoever writes next notices
            self._sync_job.save_progress(reconnects=self._sync_job.job.reconnects + 1)


def outlive_faults(sync_job: JobHandle, work: Callable[[JobHandle, Patience], Outcome]) -> Outcome:
    """Do work that goes on from the job's checkpoint, as a further attempt would, whenever a passing fault ends it."""
    patience = Patience(sync_job)
    while True:
        try:
            return work(sync_job, patience)
        except TransientError as error:
            patience.wait_after(error)
