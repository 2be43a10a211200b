"""Removes jobs whose time is over, oldest first, with all that was kept of them. Records of targets stay.

What is active, held or planned stays, and so does the newest finished job of each stream: guards compare with it.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import Max, Q

from syncjobs.lifecycle import delete_rows, move_jobs
from syncjobs.lifecycle.chunks import in_chunks
from syncjobs.models import Plan, SyncJob, SyncJobType
from syncjobs.operations.auditing import record
from syncjobs.querysets import JobQuerySet
from syncjobs.statuses import FINAL, Status

logger = logging.getLogger(__name__)
JOBS_AT_ONCE = 50  # in one transaction, behind which other writers to SQLite wait
ACTOR = "retention"
CAN_COME_BACK = Q(status__in=(Status.FAILED, Status.ERROR), retry_after__isnull=True)
IS_OVER = Q(status__in=FINAL, retry_after__isnull=True)


def prune_jobs(
    *, now: datetime, days: int | None = None, job_type: SyncJobType | None = None, dry_run: bool = False
) -> dict[str, int]:
    """Remove what ended longer ago than its type's `retention_days`; returns how many relays and single jobs, by type.

    `days` holds for types that say nothing themselves; without it their jobs are kept for ever. A dry run only counts.
    """
    types = SyncJobType.objects.order_by("slug") if job_type is None else [job_type]
    removed: dict[str, int] = {}
    for each in types:
        kept_days = days if each.retention_days is None else each.retention_days
        if kept_days is None:
            continue
        over = _jobs_over(each, now - timedelta(days=kept_days), now)
        removed[each.slug] = over.count() if dry_run else _remove(each, list(over.values_list("pk", flat=True)), now)
        if removed[each.slug] and not dry_run:
            logger.info(
                "Removed %s jobs of %s that ended over %s days ago", f"{removed[each.slug]:,}", each.slug, kept_days
            )
    return removed


def _jobs_over(job_type: SyncJobType, before: datetime, now: datetime) -> JobQuerySet:
    own = SyncJob.objects.filter(job_type=job_type)
    streams = (
        own.filter(status=Status.FINISHED, dry_run=False)
        .order_by()
        .values("source_document_type", "target_document_type")
    )
    compared = streams.annotate(newest=Max("pk")).values("newest")
    planned = Plan.objects.filter(state__in=(Plan.State.SEALED, Plan.State.APPROVED), expires_at__gt=now)
    stay = SyncJob.objects.filter(Q(pk__in=compared) | Q(pk__in=planned.values("job_id")) | ~IS_OVER)
    parents = stay.filter(parent__isnull=False).order_by().values("parent_id")
    over = own.filter(IS_OVER, parent__isnull=True, ended_at__lt=before)
    return over.exclude(pk__in=compared).exclude(pk__in=planned.values("job_id")).exclude(pk__in=parents).order_by("pk")


def _remove(job_type: SyncJobType, job_ids: list[int], now: datetime) -> int:
    """Each is ended for good first, so that nobody retries what is about to go."""

    def tell(jobs: list[SyncJob]) -> None:
        record("job.prune", job_type, before={"jobs": [job.pk for job in jobs]})

    removed = 0
    for chunk in in_chunks(job_ids, JOBS_AT_ONCE):
        family = SyncJob.objects.filter(Q(pk__in=chunk) | Q(parent_id__in=chunk))
        failed = list(family.filter(CAN_COME_BACK).values_list("pk", flat=True))
        reason = "removed, since the days of its type are over"
        move_jobs(failed, Status.CANCELED, reason=reason, actor=ACTOR, now=now, among=CAN_COME_BACK)
        back = family.filter(~IS_OVER | CAN_COME_BACK).values_list("parent_id", "pk")
        retried = {parent or pk for parent, pk in back}
        delete_rows([pk for pk in chunk if pk not in retried], tell)
        removed += len(chunk) - len(retried)
    return removed
