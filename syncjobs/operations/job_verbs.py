"""What each plain verb does to a job: which status it moves to and what else it writes. One job or many: the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from syncjobs.statuses import Status


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb by one person at one moment: its move, the sentence of its event, and further columns."""

    action: str
    new: Status
    reason: str
    actor: str
    now: datetime
    updates: dict[str, Any]


_MOVES = {
    "start": (Status.QUEUED, "started"),
    "retry": (Status.QUEUED, "retried"),
    "pause": (Status.PAUSED, "paused"),
    "resume": (Status.QUEUED, "resumed"),
    "approve": (Status.QUEUED, "approved"),
    "discard": (Status.CANCELED, "discarded"),
    "cancel": (Status.CANCELED, "canceled"),
}
PLAIN_ACTIONS = frozenset(_MOVES)
"""Actions that are a move of the job itself; of a started job pause and cancel are a request to its worker."""


def plain_verb(action: str, *, actor: str, reason: str, now: datetime) -> Verb:
    """The verb, with `reason` in the words of whoever asks, else e.g. "resumed by ann"."""
    new, participle = _MOVES[action]
    text = reason or f"{participle} by {actor}"
    return Verb(action, new, text, actor, now, _updates(action, text, actor, now))


def _updates(action: str, text: str, actor: str, now: datetime) -> dict[str, Any]:
    if action == "retry":
        return {"retry_count": 0, "lost_count": 0}
    if action == "pause":
        return {"pause_requested_at": now}
    if action == "approve":
        return {"approved_by": actor[:150]}
    if action in ("cancel", "discard"):
        return {"cancel_reason": text[:300]}
    return {}
