"""A job's attempts as shown: how each ended, and where its seconds went. Reads and changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from syncjobs.models import Attempt, SyncJob
from syncjobs.statuses import Phase


@dataclass(frozen=True, slots=True)
class PhaseShare:
    """One phase's part of an attempt; `start` and `percent` are hundredths of the bar."""

    name: str
    label: str
    seconds: float
    start: float
    percent: float


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """An attempt with its phases; the traceback is kept of the last failed one only."""

    attempt: Attempt
    phases: list[PhaseShare]
    traceback: str


def phase_shares(phase_seconds: Mapping[str, float]) -> list[PhaseShare]:
    """The phases in their usual order, those without any time left out."""
    total = sum(phase_seconds.values())
    shares: list[PhaseShare] = []
    start = 0.0
    for phase in Phase:
        seconds = float(phase_seconds.get(phase.value, 0))
        if seconds <= 0:
            continue
        percent = 100 * seconds / total
        shares.append(PhaseShare(phase.value, phase.label.lower(), seconds, round(start, 2), round(percent, 2)))
        start += percent
    return shares


def attempt_rows(job: SyncJob, attempts: Sequence[Attempt]) -> list[AttemptRow]:
    """The attempts, newest first as they come."""
    return [
        AttemptRow(
            attempt=attempt,
            phases=phase_shares(attempt.phase_seconds),
            traceback=job.error_message if attempt.failure and attempt.number == job.attempt else "",
        )
        for attempt in attempts
    ]
