"""Which unsent jobs a dispatcher sends: those that it admitted itself, and those that another one has left lying.

So of two dispatchers at work no job gets two messages, and of one that was killed none stays without. Reads nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from syncjobs.lifecycle import Admitted

LEFT_LYING_AFTER = timedelta(seconds=2)


class Outbox:
    """Remembers by the id of their turn whose jobs are whose; a new one takes whatever it finds at first."""

    def __init__(self) -> None:
        self._own: set[uuid.UUID] = set()
        self._seen_at: dict[uuid.UUID, datetime] = {}
        self._is_new = True

    def add(self, jobs: Iterable[Admitted]) -> None:
        """These are ours to send."""
        self._own.update(job.dispatch_id for job in jobs)

    def to_send(self, unsent: list[Admitted], now: datetime) -> list[Admitted]:
        """Those of the jobs that are unsent which are to be sent in the round at `now`."""
        turns = {job.dispatch_id for job in unsent}
        self._own = turns if self._is_new else self._own & turns
        self._is_new = False
        self._seen_at = {turn: self._seen_at.get(turn, now) for turn in turns - self._own}
        return [job for job in unsent if self._is_to_be_sent(job.dispatch_id, now)]

    def _is_to_be_sent(self, turn: uuid.UUID, now: datetime) -> bool:
        return turn in self._own or now - self._seen_at[turn] >= LEFT_LYING_AFTER
