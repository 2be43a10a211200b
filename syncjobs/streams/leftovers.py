"""Removes the tables beside a target that jobs left there which have ended."""

from __future__ import annotations

import uuid

from connectors.asides import Aside
from syncjobs.models import SyncJob
from syncjobs.statuses import FINAL
from syncjobs.streams.opening import OpenStream


def drop_leftovers(stream: OpenStream) -> None:
    """Drop what ended jobs left. A failed one that is retried by hand afterwards says that it must be restarted."""
    writer, mine = stream.aside_writer, stream.sync_job.job.token.hex
    for aside in writer.asides():
        if aside.token != mine and _is_over(aside):
            writer.drop_aside(aside.name)
            stream.sync_job.log("INFO", f"Dropped the table {aside.name} of a job that has ended")


def _is_over(aside: Aside) -> bool:
    """A job that is not known here may be another Syncdeck's: while the target knows of its batches, it stays."""
    try:
        token = uuid.UUID(aside.token)
    except ValueError:
        return False
    job = SyncJob.objects.filter(token=token).first()
    if job is None:
        return not aside.has_checkpoint
    return job.status in FINAL and job.retry_after is None
