"""Who is at work and what waits: workers, dispatcher, beat, broker and queues, from rows only. Asks no broker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min, Q

from syncjobs.lifecycle.occupancy import SILENT_AFTER
from syncjobs.models import SyncJob, WorkerSeen
from syncjobs.operations.visible import sees_job_type, visible_jobs
from syncjobs.statuses import Status

JOBS_SHOWN, REASONS_SHOWN = 500, 5
REASONS_READ = 100
GONE_AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A worker that reported in the last days, and the jobs that are leased to its processes."""

    worker: WorkerSeen
    is_alive: bool
    jobs: list[SyncJob]
    hidden_jobs: int = 0
    """Jobs whose slots are taken, but which are not there for whoever looks."""

    @property
    def free_slots(self) -> int:
        return max(0, self.worker.slots - len(self.jobs) - self.hidden_jobs) if self.is_alive else 0


@dataclass(frozen=True, slots=True)
class Reason:
    """Why so many jobs wait, in the words that stand on them."""

    number: int
    text: str


@dataclass(slots=True)
class QueueRow:
    """What is in a queue: not yet sent, sent and not yet claimed, at work; and by how many slots it is served."""

    name: str
    slots: int = 0
    waiting: int = 0
    sent: int = 0
    running: int = 0
    oldest_at: datetime | None = None
    reasons: list[Reason] = field(default_factory=list)

    @property
    def is_stuck(self) -> bool:
        """Whether jobs wait for a queue that nobody listens to."""
        return bool(self.waiting or self.sent) and not self.slots


@dataclass(frozen=True, slots=True)
class Workshop:
    """All that runs jobs at one moment; `others` are jobs of no worker that reports, such as those of a terminal."""

    workers: list[WorkerRow]
    queues: list[QueueRow]
    others: list[SyncJob]

    @property
    def alive(self) -> list[WorkerRow]:
        return [row for row in self.workers if row.is_alive]

    @property
    def slots(self) -> int:
        return sum(row.worker.slots for row in self.alive)

    @property
    def versions(self) -> list[str]:
        return sorted({row.worker.version for row in self.alive if row.worker.version})


def read_workshop(now: datetime) -> Workshop:
    """Workers, queues and running jobs as they are at `now`."""
    running = list(_running_jobs())
    by_owner: dict[str, list[SyncJob]] = defaultdict(list)
    for job in running:
        by_owner[job.lease_owner].append(job)
    seen = WorkerSeen.objects.filter(last_seen_at__gte=now - GONE_AFTER)
    workers = [_worker_row(worker, by_owner, now) for worker in seen]
    known = {job.pk for row in workers for job in row.jobs}
    others = [job for job in running if job.pk not in known and sees_job_type(job.job_type_id)]
    return Workshop(workers, _queues(workers), others)


def _running_jobs() -> Iterable[SyncJob]:
    started = SyncJob.objects.filter(status=Status.STARTED.value).select_related("job_type")
    shown = started.only("title", "job_type__name", "status", "phase", "counts", "started_at", "lease_owner", "queue")
    return shown.order_by("id")[:JOBS_SHOWN]


def _worker_row(worker: WorkerSeen, by_owner: dict[str, list[SyncJob]], now: datetime) -> WorkerRow:
    jobs = [job for number in worker.processes for job in by_owner.get(f"{worker.host}:{number}", ())]
    shown = [job for job in jobs if sees_job_type(job.job_type_id)]
    return WorkerRow(worker, worker.last_seen_at >= now - SILENT_AFTER, shown, len(jobs) - len(shown))


def _queues(workers: list[WorkerRow]) -> list[QueueRow]:
    """Every queue that is configured, listened to, or holds a job."""
    rows = {name: QueueRow(name) for name in settings.SYNCDECK_QUEUES}
    for worker in workers:
        for name in worker.worker.queues if worker.is_alive else ():
            rows.setdefault(name, QueueRow(name)).slots += worker.worker.slots
    _count_queued(rows)
    started = visible_jobs().filter(status=Status.STARTED.value).order_by()
    for name, number in started.values_list("queue").annotate(number=Count("id")):
        rows.setdefault(name, QueueRow(name)).running = number
    return list(rows.values())


def _count_queued(rows: dict[str, QueueRow]) -> None:
    queued = visible_jobs().filter(status=Status.QUEUED.value).order_by()
    is_waiting = Q(dispatch_id__isnull=True)
    counted = queued.values_list("queue").annotate(
        waiting=Count("id", filter=is_waiting), sent=Count("id", filter=~is_waiting), oldest=Min("id")
    )
    oldest = {}
    for name, waiting, sent, first in counted:
        row = rows.setdefault(name, QueueRow(name))
        row.waiting, row.sent, oldest[first] = waiting, sent, row
    for pk, created_at in SyncJob.objects.filter(pk__in=oldest).values_list("pk", "created_at"):
        oldest[pk].oldest_at = created_at
    reasons = queued.exclude(wait_reason="").values_list("queue", "wait_reason").annotate(number=Count("id"))
    for name, text, number in reasons.order_by("-number", "wait_reason")[:REASONS_READ]:
        if len(rows[name].reasons) < REASONS_SHOWN:
            rows[name].reasons.append(Reason(number, text))
