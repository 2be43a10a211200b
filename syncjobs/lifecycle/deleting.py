"""Jobs and everything kept of them, removed in short transactions. Who may delete what is for operations to say."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, models, transaction

from syncjobs.lifecycle.chunks import in_chunks
from syncjobs.models import Attempt, Change, JobBatch, JobEvent, JobLog, SyncJob

ROWS_AT_ONCE = 5_000
DETAILS: tuple[type[models.Model], ...] = (Change, JobLog, JobBatch, Attempt, JobEvent)
"""What hangs on a job; changes before the batches that they belong to."""


def delete_rows(job_ids: Sequence[int]) -> int:
    """Delete these jobs, their child jobs and all their details; returns how many jobs. Each job goes last of its own.

    A crash half-way leaves jobs with fewer details, which may be deleted again. The caller has seen to it that none of
    them can begin to work meanwhile.
    """
    deleted = 0
    for chunk in in_chunks(sorted(job_ids)):
        children = SyncJob.objects.filter(parent_id__in=chunk).order_by("pk").values_list("pk", flat=True)
        while some := list(children[:1000]):
            deleted += delete_rows(some)
        for model in DETAILS:
            _delete_details(model, chunk)
        with transaction.atomic():
            _, gone = SyncJob.objects.filter(pk__in=chunk).delete()
        deleted += gone.get(SyncJob._meta.label, 0)
    return deleted


def _delete_details(model: type[models.Model], job_ids: list[int]) -> None:
    rows = model._default_manager.filter(job_id__in=job_ids).order_by("pk")
    while model._default_manager.filter(pk__in=rows.values("pk")[:ROWS_AT_ONCE])._raw_delete(connection.alias):
        pass  # nothing hangs on these rows, so the database need not be asked what does
