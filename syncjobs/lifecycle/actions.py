"""What may be done to a job in its present status. The single list that pages, commands and conflicts show."""

from __future__ import annotations

from syncjobs.models import SyncJob
from syncjobs.statuses import Status

_ACTIONS: dict[Status, tuple[str, ...]] = {
    Status.PENDING: ("cancel",),
    Status.QUEUED: ("cancel",),
    Status.STARTED: ("cancel",),
    Status.PAUSED: ("cancel",),
    Status.HELD: ("cancel",),
    Status.FAILED: ("retry", "cancel"),
    Status.ERROR: ("retry", "cancel"),
}


def allowed_actions(job: SyncJob) -> list[str]:
    """Names of the operations that would be accepted now; a started job that is being canceled allows none."""
    if job.status == Status.STARTED and job.cancel_requested_at is not None:
        return []
    return list(_ACTIONS.get(Status(job.status), ()))
