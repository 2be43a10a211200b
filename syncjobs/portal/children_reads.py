"""A relay's children: how they stand together, the few that matter most, and those of one kind. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from syncjobs.counts import Counts
from syncjobs.models import SyncJob
from syncjobs.operations.visible import visible_jobs
from syncjobs.statuses import DONE, Status

ENDED_WELL = Q(status__in=[status.value for status in DONE])
ENDED_BADLY = Q(status__in=(Status.FAILED.value, Status.ERROR.value, Status.CANCELED.value), retry_after__isnull=True)
KINDS = {"failed": ENDED_BADLY, "open": ~(ENDED_WELL | ENDED_BADLY), "done": ENDED_WELL}
"""What a list of children may be limited to."""


@dataclass(frozen=True, slots=True)
class Children:
    """The roll-up: how many there are of each kind, and what all did together."""

    total: int
    done: int
    failed: int
    open: int
    counts: Counts

    @property
    def sentence(self) -> str:
        parts = [f"{self.done:,} of {self.total:,} done"]
        parts += [f"{self.failed:,} failed or canceled"] if self.failed else []
        parts += [f"{self.open:,} to go"] if self.open else []
        return " · ".join(parts)


def children_of(job: SyncJob) -> Children | None:
    """The roll-up of a job's children; None without any."""
    found = visible_jobs().children_summary(job.pk)
    if not found["total"]:
        return None
    counts = Counts.from_dict(found["counts"])
    return Children(found["total"], found["done"], found["failed"], found["running"], counts)


def most_urgent(children: QuerySet[SyncJob, SyncJob], number: int) -> list[SyncJob]:
    """The first of them: those that failed, then those that are not over, then the others, each in their order."""
    failed, well = When(ENDED_BADLY, then=Value(0)), When(ENDED_WELL, then=Value(2))
    urgency = Case(failed, well, default=Value(1), output_field=IntegerField())
    return list(children.order_by(urgency, "pk")[:number])
