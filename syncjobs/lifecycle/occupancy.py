"""What is taken at this moment: slots, connectors, targets, and which types may start nothing. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q

from syncjobs.models import SyncJob, SyncJobType, WorkerSeen
from syncjobs.models.job_types import Overlap
from syncjobs.querysets import JobQuerySet
from syncjobs.statuses import Status

SILENT_AFTER = timedelta(seconds=45)  # a worker reports every 10 s
SIDES = ("source_connector", "target_connector")


@dataclass(frozen=True, slots=True)
class ConnectorGate:
    """What one connector lets through: nothing if it is switched off, else at most `limit` jobs at once."""

    pk: int
    slug: str
    enabled: bool
    limit: int | None


@dataclass(frozen=True, slots=True)
class TypeGate:
    """A type whose jobs may have to wait for something of their type."""

    name: str
    is_paused: bool
    skips_overlap: bool
    connectors: frozenset[ConnectorGate]

    @property
    def is_limited(self) -> bool:
        return any(connector.limit is not None for connector in self.connectors)


@dataclass(slots=True)
class Occupancy:
    """A picture taken under the admission lock; `take` keeps it true while jobs are admitted."""

    gates: dict[int, TypeGate]
    slots: Counter[str]
    started: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    connectors: Counter[int] = field(default_factory=Counter)

    def take(self, queue: str, job_type_id: int, number: int = 1) -> None:
        """Count jobs that were just admitted."""
        self.sent[queue] += number
        self.use_connectors(job_type_id, number)

    def use_connectors(self, job_type_id: int, number: int) -> None:
        if gate := self.gates.get(job_type_id):
            for connector in gate.connectors:
                self.connectors[connector.pk] += number

    def wait_of_type(self, job_type_id: int) -> str:
        """Why jobs of a type must wait, whichever they are; "" if they need not."""
        gate = self.gates.get(job_type_id)
        if gate is None:
            return ""
        if gate.is_paused:
            return f"the type {gate.name} is paused"
        for connector in sorted(gate.connectors, key=lambda one: one.slug):
            if not connector.enabled:
                return f"connector {connector.slug} is switched off"
        return self._wait_for_connector(gate)

    def _wait_for_connector(self, gate: TypeGate) -> str:
        for connector in sorted(gate.connectors, key=lambda one: one.slug):
            if connector.limit is not None and self.connectors[connector.pk] >= connector.limit:
                return f"waits for a slot at connector {connector.slug} (at most {connector.limit} at once)"
        return ""

    def closed_types(self) -> list[int]:
        """Ids of the types of which nothing may start now."""
        return [job_type_id for job_type_id in self.gates if self.wait_of_type(job_type_id)]

    def limited_types(self) -> list[int]:
        """Ids of the types that share the few slots of a connector."""
        return [job_type_id for job_type_id, gate in self.gates.items() if gate.is_limited]


def read_occupancy(now: datetime) -> Occupancy:
    """Three short reads, each as long as what is at work and configured, never as what waits or has ended."""
    occupancy = Occupancy(gates=_gates(), slots=_slots(now))
    started = SyncJob.objects.filter(status=Status.STARTED.value)
    # In this order: a job that is claimed between the two reads then counts twice, in the other it would not at all.
    for jobs, by_queue in ((sent_jobs(), occupancy.sent), (started, occupancy.started)):
        for queue, job_type_id, number in _numbers(jobs):
            by_queue[queue] += number
            occupancy.use_connectors(job_type_id, number)
    return occupancy


def sent_jobs() -> JobQuerySet:
    """Admitted, and not yet claimed."""
    return SyncJob.objects.filter(status=Status.QUEUED.value, dispatch_id__isnull=False)


def waiting_jobs() -> JobQuerySet:
    """Queued, and not yet admitted."""
    return SyncJob.objects.filter(status=Status.QUEUED.value, dispatch_id__isnull=True)


def ready_jobs(now: datetime) -> JobQuerySet:
    """Those that wait and whose time has come."""
    return waiting_jobs().filter(Q(available_at__isnull=True) | Q(available_at__lte=now))


def kept_by_target() -> Q:
    """Jobs whose target another one holds: siblings, which share it, only mind strangers."""
    is_sibling = ~Q(sibling_key="")
    return Q(concurrency_key__in=_held_keys()) | (is_sibling & Q(sibling_key__in=_held_keys(by_siblings=False)))


def _held_keys(*, by_siblings: bool = True) -> Any:
    """As a subquery for `concurrency_key__in`."""
    first, *others = (jobs.order_by().values(column) for jobs, column in _key_holders(by_siblings=by_siblings))
    return first.union(*others, all=True)


def first_holders(keys: Iterable[str], *, by_siblings: bool = True) -> dict[str, int]:
    """{key: the id of the oldest job that holds it}; without `by_siblings` of those that hold it alone."""
    wanted = list(keys)
    found: dict[str, int] = {}
    for jobs, column in _key_holders(by_siblings=by_siblings):
        for key, pk in jobs.filter(**{f"{column}__in": wanted}).order_by().values_list(column, "pk"):
            found[key] = min(pk, found.get(key, pk))
    return found


def holder_of_target(concurrency_key: str, sibling_key: str) -> int | None:
    """The job for which one with these keys has to wait."""
    if sibling_key:
        return first_holders([sibling_key], by_siblings=False).get(sibling_key)
    return first_holders([concurrency_key]).get(concurrency_key)


def _key_holders(*, by_siblings: bool) -> list[tuple[JobQuerySet, str]]:
    """The jobs that hold a key, and its column: sent, at work or resting, with a retry due; siblings also in line.

    Apart, each is found by an index. In the order in which a job goes through them, so that whoever reads one after
    the other misses none.
    """
    with_key, resting = SyncJob.objects.exclude(concurrency_key=""), (Status.PAUSED.value, Status.HELD.value)
    sent = with_key.filter(status=Status.QUEUED.value, dispatch_id__isnull=False)
    started = with_key.filter(status__in=(Status.STARTED.value, *resting))
    alone = [(jobs, "concurrency_key") for jobs in (sent, started, with_key.filter(retry_after__isnull=False))]
    if not by_siblings:
        return alone
    siblings = SyncJob.objects.exclude(sibling_key="")
    active = siblings.filter(status__in=(Status.QUEUED.value, Status.STARTED.value, *resting))
    return [*alone, *((jobs, "sibling_key") for jobs in (active, siblings.filter(retry_after__isnull=False)))]


def _numbers(jobs: JobQuerySet) -> Iterable[tuple[str, int, int]]:
    return jobs.order_by().values_list("queue", "job_type_id").annotate(number=Count("pk"))


def _slots(now: datetime) -> Counter[str]:
    slots: Counter[str] = Counter()
    seen = WorkerSeen.objects.filter(last_seen_at__gte=now - SILENT_AFTER)
    for queues, number in seen.values_list("queues", "slots"):
        for queue in queues:
            slots[queue] += number
    return slots


def _gates() -> dict[int, TypeGate]:
    special = Q(paused_at__isnull=False) | Q(overlap=Overlap.SKIP)
    for side in SIDES:
        special |= Q(**{f"{side}__enabled": False}) | Q(**{f"{side}__max_concurrency__isnull": False})
    columns = [f"{side}__{name}" for side in SIDES for name in ("pk", "slug", "enabled", "max_concurrency")]
    types = SyncJobType.objects.filter(special).order_by()
    return {
        row["pk"]: TypeGate(
            name=row["name"] or row["slug"],
            is_paused=row["paused_at"] is not None,
            skips_overlap=row["overlap"] == Overlap.SKIP,
            connectors=frozenset(_connector(row, side) for side in SIDES if row[f"{side}__pk"] is not None),
        )
        for row in types.values("pk", "name", "slug", "paused_at", "overlap", *columns)
    }


def _connector(row: dict[str, Any], side: str) -> ConnectorGate:
    return ConnectorGate(
        pk=row[f"{side}__pk"],
        slug=row[f"{side}__slug"],
        enabled=row[f"{side}__enabled"],
        limit=row[f"{side}__max_concurrency"],
    )
