"""Several targets: a child job for each, made in chunks. A crash half-way doubles none, since places are unique."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from syncjobs.clock import db_now
from syncjobs.controllers.base import JobHandle, Outcome
from syncjobs.controllers.hooks import find_hook
from syncjobs.controllers.targets import Target
from syncjobs.counts import Counts
from syncjobs.crash_points import crash_here
from syncjobs.document_naming import document_columns
from syncjobs.lifecycle import create_children
from syncjobs.models import SyncJob
from syncjobs.statuses import Status

LONGEST_TITLE = 280  # characters, before the number of a child


def relay(
    code: Any, sync_job: JobHandle, source_doc: Any, answer: list[Any], read: Callable[[Any], list[Target]]
) -> Outcome:
    """Make the children; `before_relay` may still change the list, so it is read again after it.

    A restarted attempt calls both hooks again, and finds the children that are there.
    """
    if before := find_hook(code, "before_relay"):
        before(sync_job, source_doc, answer)

    def warn_of_other_target(place: int) -> None:
        text = f"Child {place} is there already, with another target than the list has in its place now; it is left so"
        sync_job.log("WARNING", text)

    number = create_children(sync_job.job, _children(sync_job, read(answer)), db_now(), warn_of_other_target)
    if not number:
        return Outcome(Status.NO_TARGET, "before_relay left no target", Counts())
    sync_job.log("INFO", f"There are {number:,} child jobs, one for each target")
    if after := find_hook(code, "after_relay"):
        after(sync_job, source_doc, SyncJob.objects.filter(parent=sync_job.job.pk).order_by("position"))
    reason = f"{number:,} child jobs do the work"
    return Outcome(Status.RELAYED, reason, Counts(), {"multiple_target_documents": True})


def _children(sync_job: JobHandle, targets: list[Target]) -> Iterator[dict[str, Any]]:
    parent = sync_job.job
    for place, target in enumerate(targets):
        columns = document_columns(parent.config_snapshot, target.document_type, target.document_name, parent.dry_run)
        if not target.document_name:  # else hundreds of them would read alike
            columns["title"] = f"{columns['title'][:LONGEST_TITLE]}, child {place}"
        yield {
            **columns,
            "operation": target.operation,
            "source_document_type": parent.source_document_type,
            "source_document_name": parent.source_document_name,
            "target_document_type": target.document_type,
            "target_document_name": target.document_name,
            "context": parent.context if target.context is None else target.context,
        }
        crash_here("mid_relay")
