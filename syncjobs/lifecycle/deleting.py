"""Jobs and everything kept of them, removed in short transactions. Who may delete what is for operations to say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection, models, transaction

from syncjobs.lifecycle.chunks import in_chunks
from syncjobs.models import Attempt, Change, InboxEntry, JobBatch, JobEvent, JobLog, Reject, SyncJob

ROWS_AT_ONCE = 5_000
TOLD = ("title", "status", "retry_after", "cancel_requested_at", "pause_requested_at")
BOOKS: tuple[type[models.Model], ...] = (Change, Reject, JobBatch, Attempt, JobEvent, InboxEntry)
"""What has to agree with the job's row, so that it goes together with it; changes and rejects before their batches."""


def delete_rows(job_ids: Sequence[int], tell: Callable[[list[SyncJob]], None] | None = None) -> int:
    """Delete these jobs, their child jobs and all their details; returns how many jobs.

    `tell` hears of those of `job_ids` that are there, in the transaction that deletes them. A crash half-way leaves
    whole jobs, some with fewer log lines or (stream jobs) changes, which may be deleted again. The caller has seen
    to it that none of them can begin to work meanwhile.
    """
    deleted = 0
    for chunk in in_chunks(sorted(job_ids)):
        children = SyncJob.objects.filter(parent_id__in=chunk).order_by("pk").values_list("pk", flat=True)
        while some := list(children[:1000]):
            deleted += delete_rows(some)
        of_streams = list(SyncJob.objects.filter(pk__in=chunk, operation="").values_list("pk", flat=True))
        _delete_in_portions(Change.objects.filter(job_id__in=of_streams))
        _delete_in_portions(JobLog.objects.filter(job_id__in=chunk))
        with transaction.atomic():
            # A restart adds a row that points here: it comes before us, or finds nothing to restart.
            there = list(SyncJob.objects.select_for_update().filter(pk__in=chunk).order_by("pk").only(*TOLD))
            if tell is not None and there:
                tell(there)
            for model in BOOKS:
                model._default_manager.filter(job_id__in=chunk)._raw_delete(connection.alias)
            _, gone = SyncJob.objects.filter(pk__in=chunk).delete()
        deleted += gone.get(SyncJob._meta.label, 0)
    return deleted


def _delete_in_portions(rows: models.QuerySet[Any]) -> None:
    """Rows by the million, on which nothing hangs, so that the database need not be asked what does."""
    first = rows.order_by("pk").values("pk")[:ROWS_AT_ONCE]
    while rows.model._default_manager.filter(pk__in=first)._raw_delete(connection.alias):
        pass
