"""Reads that have a name. Nothing is written here."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Count, Q

from syncjobs.counts import Counts
from syncjobs.statuses import ACTIVE, DONE, Status

if TYPE_CHECKING:
    from syncjobs.models.jobs import SyncJob  # noqa: F401 - named in the base class below

HEAVY_FIELDS = ("config_snapshot", "checkpoint", "error_message", "current_data", "updated_data", "context")


class JobQuerySet(models.QuerySet["SyncJob"]):
    """Jobs by what an operator asks."""

    def active(self) -> JobQuerySet:
        """Whatever will still do something by itself or waits for a person; a retry that is due counts."""
        return self.filter(Q(status__in=ACTIVE) | Q(retry_after__isnull=False))

    def for_lists(self) -> JobQuerySet:
        """Without the big columns that no list shows."""
        return self.select_related("job_type").defer(*HEAVY_FIELDS)

    def created_since(self, moment: datetime) -> JobQuerySet:
        return self.filter(created_at__gte=moment)

    def status_counts(self) -> dict[str, int]:
        rows = self.order_by().values_list("status").annotate(number=Count("id"))
        return dict(rows)

    def children_summary(self, parent_id: int) -> dict[str, Any]:
        """How a relay's children stand: {"total", "done", "failed", "running", "counts"}, the counts summed."""
        children = list(self.filter(parent_id=parent_id).values_list("status", "retry_after", "counts"))
        total = Counts()
        for _, _, counts in children:
            total += Counts.from_dict(counts)
        ended_badly = (Status.FAILED, Status.ERROR, Status.CANCELED)
        done = sum(status in DONE for status, _, _ in children)
        failed = sum(status in ended_badly and retry_after is None for status, retry_after, _ in children)
        return {
            "total": len(children),
            "done": done,
            "failed": failed,
            "running": len(children) - done - failed,
            "counts": total.as_dict(),
        }
