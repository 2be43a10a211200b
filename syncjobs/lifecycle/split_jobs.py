"""Jobs over one stream whose ranges their children have synced: what all of them have done together. Reads only."""

from __future__ import annotations

from syncjobs.counts import Counts
from syncjobs.models import SyncJob
from syncjobs.statuses import FINAL, Status

SPLIT = "split"
"""What a parent notes in its checkpoint before it makes children, and a child finds in its snapshot."""


def is_split(job: SyncJob) -> bool:
    """Whether the job has left its stream to children, one for each range."""
    return job.status == Status.RELAYED and SPLIT in job.checkpoint


def changed_children(job: SyncJob) -> list[SyncJob]:
    """The children that have written something, in the order of their ranges."""
    return [child for child in job.children.order_by("position") if child.tally.changed]


def are_children_over(job: SyncJob) -> bool:
    """Whether no child goes on unless somebody asks it to."""
    return all(child.status in FINAL and child.retry_after is None for child in job.children.all())


def whole_tally(job: SyncJob) -> Counts:
    """What a job has counted; of one that was split, what its children have."""
    return sum((child.tally for child in job.children.all()), Counts()) if is_split(job) else job.tally
