"""What jobs that apply a plan and jobs that revert another have in common: snapshot, columns, and when they may be."""

from __future__ import annotations

from typing import Any

from syncjobs.lifecycle import StatusConflict
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.run_requests import TypePaused

PARTICIPLES = {"approve": "approved", "apply": "applied", "revert": "reverted"}
OF_THE_TYPE_NOW = ("guards", "changes_kept")
"""Settings that guard the target today, whatever they were when the changes were found."""


class ChangesRefused(StatusConflict):
    """Why the changes that a job keeps can not be approved, applied or reverted; lists what is allowed instead."""

    def __init__(self, job: SyncJob, action: str, reason: str) -> None:
        super().__init__(job, action)
        whose = f"job #{job.pk}" if action == "revert" else f"the plan of job #{job.pk}"
        what_is_left = f"allowed now: {', '.join(self.allowed_actions)}"
        self.args = (f"{whose} can not be {PARTICIPLES[action]}, since {reason}; {what_is_left}",)


def refuse_if_paused(job_type: SyncJobType) -> None:
    """Raise TypePaused while nothing of the type may start."""
    if job_type.paused_at is not None:
        raise TypePaused(job_type.name)


def snapshot_for(origin: SyncJob, **order: Any) -> dict[str, Any]:
    """The origin's own snapshot with today's guards. The new job waits for its target, and keeps all its changes."""
    of_a_run = ("force", "replay", "plan", "revert")
    kept = {name: value for name, value in origin.config_snapshot.items() if name not in of_a_run}
    today = {name: getattr(origin.job_type, name) for name in OF_THE_TYPE_NOW}
    today["changes_kept"] = max(today["changes_kept"], origin.tally.changed)
    return kept | today | {"overlap": "queue"} | order


def target_columns(origin: SyncJob) -> dict[str, Any]:
    """The columns that say which stream it is about."""
    return {name: getattr(origin, name) for name in ("source_document_type", "target_document_type", "verbose_logging")}
