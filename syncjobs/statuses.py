"""The words of a job's life: statuses, phases, triggers, and the table of legal moves. Knows no database or clock."""

from __future__ import annotations

import enum
from collections.abc import Mapping


class LabelledEnum(enum.StrEnum):
    """A stored word that knows its label for people."""

    @property
    def label(self) -> str:
        return SHORT_NAMES.get(self.value) or self.value.replace("_", " ").title()

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        """(stored word, label) pairs in the order of declaration, as Django's fields and forms take them."""
        return [(member.value, member.label) for member in cls]


SHORT_NAMES = {"api": "API", "cli": "CLI"}


class Status(LabelledEnum):
    """Where a job is. `label` and `next_step` are what people read beside it."""

    PENDING = "pending"
    QUEUED = "queued"
    STARTED = "started"
    PAUSED = "paused"
    HELD = "held"
    FINISHED = "finished"
    SKIPPED = "skipped"
    RELAYED = "relayed"
    NO_TARGET = "no_target"
    FAILED = "failed"
    ERROR = "error"
    CANCELED = "canceled"

    @property
    def next_step(self) -> str:
        """One sentence that says what to do now; empty where there is nothing to do."""
        return NEXT_STEPS[self]


class Phase(LabelledEnum):
    """What a started job is doing."""

    INITIALIZING = "initializing"
    READING = "reading"
    COMPARING = "comparing"
    WRITING = "writing"
    WAITING = "waiting"


class Trigger(LabelledEnum):
    """Who or what asked for a job."""

    MANUAL = "manual"
    SCHEDULER = "scheduler"
    API = "api"
    CLI = "cli"
    WEBHOOK = "webhook"
    DOCUMENT_HOOK = "document_hook"
    RELAY = "relay"
    RETRY = "retry"
    REVERT = "revert"
    CHAIN = "chain"


NEXT_STEPS: Mapping[Status, str] = {
    Status.PENDING: "Start it when it should run.",
    Status.QUEUED: "Nothing to do: it starts by itself as soon as what it waits for is there.",
    Status.STARTED: "Watch the counts; pause or cancel it if need be.",
    Status.PAUSED: "Resume it from where it stopped, or restart it from the beginning.",
    Status.HELD: "Review what stopped it, then approve or discard it.",
    Status.FINISHED: "",
    Status.SKIPPED: (
        "Nothing to do: nothing differed, or the operation is switched off. "
        "To save it all the same, run it with “update without changes”."
    ),
    Status.RELAYED: "Its child jobs do the work; look at them, and retry those that failed.",
    Status.NO_TARGET: "Nothing to do, unless a target was expected: then check the controller and the source document.",
    Status.FAILED: "Check credentials and firewall as the message says, then retry.",
    Status.ERROR: "Mend the mapping, the query or the data as the message says, then retry.",
    Status.CANCELED: "Restart it if it is still needed.",
}

ACTIVE = frozenset({Status.QUEUED, Status.STARTED})
"""Something happens or will, without a person; so does a failed job with a retry due, which its `retry_after` says."""
DONE = frozenset({Status.FINISHED, Status.SKIPPED, Status.RELAYED, Status.NO_TARGET})
"""Ended well; nothing leads out of these."""
FINAL = DONE | {Status.FAILED, Status.ERROR, Status.CANCELED}
"""Ended; failed and error may be retried."""

MOVES: Mapping[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.QUEUED, Status.CANCELED}),
    # skipped: overlap says skip; failed: the configuration is wrong before the start; paused: its type was paused
    Status.QUEUED: frozenset({Status.STARTED, Status.SKIPPED, Status.FAILED, Status.PAUSED, Status.CANCELED}),
    # queued: lease expired, worker shut down, or end of a slice
    Status.STARTED: DONE | {Status.QUEUED, Status.PAUSED, Status.HELD, Status.FAILED, Status.ERROR, Status.CANCELED},
    Status.PAUSED: frozenset({Status.QUEUED, Status.CANCELED}),
    Status.HELD: frozenset({Status.QUEUED, Status.CANCELED}),
    Status.FINISHED: frozenset(),
    Status.SKIPPED: frozenset(),
    Status.RELAYED: frozenset(),
    Status.NO_TARGET: frozenset(),
    Status.FAILED: frozenset({Status.QUEUED, Status.CANCELED}),
    Status.ERROR: frozenset({Status.QUEUED, Status.CANCELED}),
    Status.CANCELED: frozenset(),
}
"""The legal moves of a job (DESIGN §4); `lifecycle` makes them and no other."""


def can_move(old: Status, new: Status) -> bool:
    """Whether a job may go from `old` to `new`."""
    return new in MOVES[old]


def status_label(status: Status, *, dry_run: bool = False, retry_in_seconds: float | None = None) -> str:
    """The words of a pill: a finished dry run is "Planned", a failed job with a retry due "Retry in 28 s"."""
    if status is Status.FINISHED and dry_run:
        return "Planned"
    if status is Status.FAILED and retry_in_seconds is not None:
        return f"Retry in {_short_span(max(0, round(retry_in_seconds)))}"
    return status.label


def _short_span(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    return f"{round(seconds / 60)} min" if seconds < 2 * 3600 else f"{round(seconds / 3600)} h"
