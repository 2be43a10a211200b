"""Reads that have a name. Nothing is written here."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import BigIntegerField, Count, Q, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

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

    def with_plans(self) -> JobQuerySet:
        """With the plans of dry runs and what these are judged by, so that none is asked for on its own."""
        return self.select_related("plan", "job_type__source_connector", "job_type__target_connector")

    def created_since(self, moment: datetime) -> JobQuerySet:
        return self.filter(created_at__gte=moment)

    def failed_since(self, moment: datetime) -> JobQuerySet:
        """Those that are failed now and became so since; one that is retried is among them no more."""
        return self.filter(ended_at__gte=moment, failure_fingerprint__isnull=False)

    def status_counts(self) -> dict[str, int]:
        rows = self.order_by().values_list("status").annotate(number=Count("id"))
        return dict(rows)

    def children_summary(self, parent_id: int) -> dict[str, Any]:
        """How a relay's children stand: {"total", "done", "failed", "running", "counts"}, the counts summed."""
        ended_badly = Q(status__in=(Status.FAILED, Status.ERROR, Status.CANCELED), retry_after__isnull=True)
        names = Counts().as_dict()
        found = self.filter(parent_id=parent_id).aggregate(
            total=Count("id"),
            done=Count("id", filter=Q(status__in=DONE)),
            failed=Count("id", filter=ended_badly),
            **{f"sum_{name}": Sum(Cast(KeyTextTransform(name, "counts"), BigIntegerField())) for name in names},
        )
        return {
            "total": found["total"],
            "done": found["done"],
            "failed": found["failed"],
            "running": found["total"] - found["done"] - found["failed"],
            "counts": {name: found[f"sum_{name}"] or 0 for name in names},
        }
