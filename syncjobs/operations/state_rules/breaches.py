"""What a rule finds: the job, the rule's name, and a sentence that says the rule and the facts against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

CHUNK = 2_000  # rows fetched at a time


@dataclass(frozen=True, slots=True)
class Breach:
    """A job against which its own books speak."""

    job_id: int
    rule: str
    message: str


Check: TypeAlias = Callable[[datetime], Iterator[Breach]]
"""Looks through all jobs, as of the given time, for breaches of one rule or of a few."""


def breach(job_id: int, rule: str, sentence: str, **facts: object) -> Breach:
    """Say the rule as a sentence, and what is so instead."""
    told = ", ".join(f"{name} is {_shown(value)}" for name, value in facts.items())
    return Breach(job_id, rule, f"Job #{job_id}: {sentence}; here {told}.")


def _shown(value: object) -> str:
    if value is None or value == "":
        return "empty"
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)
