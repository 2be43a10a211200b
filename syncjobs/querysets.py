"""Reads that have a name. Nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models
from django.db.models import BigIntegerField, Count, Q, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from syncjobs.counts import Counts
from syncjobs.statuses import ACTIVE, DONE, Status

if TYPE_CHECKING:
    from syncjobs.models.jobs import SyncJob  # noqa: F401 - named in the base class below

M = TypeVar("M", bound=models.Model)
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
        found = self.filter(parent_id=parent_id).aggregate(**_sums_of_children())
        return _summary_of_children(found)

    def children_summaries(self, parent_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """The same of many relays, by parent; one without children is not among them."""
        if not parent_ids:
            return {}
        children = self.filter(parent_id__in=parent_ids).order_by().values("parent_id")
        return {row["parent_id"]: _summary_of_children(row) for row in children.annotate(**_sums_of_children())}


def _sums_of_children() -> dict[str, Any]:
    ended_badly = Q(status__in=(Status.FAILED, Status.ERROR, Status.CANCELED), retry_after__isnull=True)
    counts = {f"sum_{name}": KeyTextTransform(name, "counts") for name in Counts().as_dict()}
    return {
        "total": Count("id"),
        "done": Count("id", filter=Q(status__in=DONE)),
        "failed": Count("id", filter=ended_badly),
        **{name: Sum(Cast(count, BigIntegerField())) for name, count in counts.items()},
    }


def _summary_of_children(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "total": found["total"],
        "done": found["done"],
        "failed": found["failed"],
        "running": found["total"] - found["done"] - found["failed"],
        "counts": {name: found[f"sum_{name}"] or 0 for name in Counts().as_dict()},
    }


def in_job(rows: models.QuerySet[M, M], job_id: int, *, newest_first: bool) -> models.QuerySet[M, M]:
    """Those of one job in the order of their ids, by the index of both.

    A range, since with `job_id = 7 ORDER BY id` PostgreSQL walks the rows of all jobs by id where one job has many.
    """
    order = ("-job_id", "-id") if newest_first else ("job_id", "id")
    return rows.filter(job_id__gte=job_id, job_id__lte=job_id).order_by(*order)
