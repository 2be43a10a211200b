"""Whether the changes that a job keeps are all that it made, so that they can be applied or reverted. Asks nobody."""

from __future__ import annotations

from typing import Any

from syncjobs.lifecycle.split_jobs import are_children_over, changed_children, is_split
from syncjobs.models import SyncJob
from syncjobs.statuses import Status

OVER = (Status.FINISHED, Status.CANCELED, Status.FAILED, Status.ERROR)
FIRST_LOAD = "it loaded an empty target, and such a load keeps no values; delete what it loaded instead"


def why_not_reverted(job: SyncJob) -> str:
    """Why the job can not be reverted, after "since"; empty if it can."""
    if job.dry_run:
        return "a dry run writes nothing"
    if is_split(job):
        return _why_not_all_reverted(job)
    if job.status not in OVER or job.retry_after is not None:
        return "it is not over"
    if not job.tally.changed:
        return "it changed nothing"
    return why_not_kept(job)


def _why_not_all_reverted(parent: SyncJob) -> str:
    """The same of a job that was split: all of its children, or none."""
    if not are_children_over(parent):
        return "its child jobs are not over"
    children = changed_children(parent)
    reasons = ((child, why_not_reverted(child)) for child in children)
    refused = next((f"its child job #{child.pk} can not be: {reason}" for child, reason in reasons if reason), "")
    return refused if children else "its child jobs changed nothing"


def why_not_kept(job: SyncJob) -> str:
    """Why its changes are not enough to tell what each record was and became, after "since"; empty if they are."""
    snapshot, checkpoint, counts = job.config_snapshot, job.checkpoint, job.tally
    streams = snapshot.get("config", {}).get("streams") or []
    if snapshot.get("controller") != "stream_sync" or len(streams) != 1:
        return "only a job over one stream keeps what that needs"
    kept = checkpoint.get("kept_changes", 0)
    if checkpoint.get("is_replaced"):
        return "mode replace keeps no changes"
    if not streams[0].get("key"):
        return "the stream has no key by which its records could be found"
    keeps_values = job.dry_run or job.verbose_logging or not checkpoint.get("target_was_empty")
    if counts.inserted and not keeps_values:
        return FIRST_LOAD
    if kept < counts.changed:
        limit = snapshot.get("changes_kept")
        return f"it kept {kept:,} of its {counts.changed:,} changes; more than {limit:,} (changes_kept) are not kept"
    names = [field[0] for field in checkpoint.get("fields", ())]
    if not names:
        return "it ran before Syncdeck kept what that needs"
    masked = [name for name in snapshot["config"].get("masked_fields", ()) if name in names or counts.deleted]
    return f"the values of masked fields are not kept: {', '.join(masked)}" if masked else ""


def is_given_changes(snapshot: dict[str, Any]) -> bool:
    """Whether a job with this snapshot applies a plan or reverts a job, instead of reading a source."""
    return "plan" in snapshot or "revert" in snapshot
