"""What a controller is to the framework: something with `execute` that says how its job ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from connectors.base import Surroundings
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.statuses import Phase, Status


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a controller's work ended; `updates` are further columns of the job's last UPDATE."""

    status: Status = Status.FINISHED
    reason: str = ""
    updates: dict[str, Any] = field(default_factory=dict)


class JobHandle(Protocol):
    """What a controller may ask of and tell to the job that it runs; execution gives it."""

    job: SyncJob
    surroundings: Surroundings

    @property
    def dry_run(self) -> bool: ...

    @property
    def config(self) -> dict[str, Any]:
        """The type's config as it was when the job was made."""

    def should_stop(self) -> bool:
        """Whether cancel, pause, shutdown or timeout was asked for; then end at the next safe place."""

    def raise_if_stopped(self) -> None:
        """Raise connectors.errors.Interrupted if so."""

    def set_phase(self, phase: Phase) -> None: ...

    def log(self, level: str, message: str, **fields: Any) -> None: ...

    def set_estimate(self, records: int) -> None:
        """About how many records there are to read."""

    def save_progress(self, **columns: Any) -> None:
        """Update our job's row, fenced; StatusConflict if it is no longer ours. The last statement of a transaction."""


class Controller(Protocol):
    """A bypass-mode controller. (Standard mode, which the framework drives by hooks, comes in a later issue.)"""

    name: str

    def type_problems(self, job_type: SyncJobType) -> dict[str, list[str]]:
        """What is wrong with a type that uses this controller: {field: sentences}; empty if nothing is."""

    def execute(self, sync_job: JobHandle, source_doc: Any) -> Outcome: ...
