"""What the state machine sees of the jobs: it looks after each step, and counts the moves that it saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypeVar

from django.db import connection
from django.db.models import Count

from syncjobs.clock import db_now
from syncjobs.lifecycle import allowed_actions
from syncjobs.models import JobEvent, SyncJob, SyncJobType
from syncjobs.operations.state_checks import find_breaches
from syncjobs.operations.state_rules.breaches import Breach
from syncjobs.operations.state_rules.histories import broken_attempts, broken_histories, jobs_without_events
from syncjobs.operations.state_rules.job_rows import broken_rows
from syncjobs.statuses import ACTIVE, DONE, Status
from tests.lifecycle.factories import JobTypeFactory, see_worker

T = TypeVar("T")
TABLES = "syncjobs_syncjob, syncjobs_syncjobtype, syncjobs_workerseen, connectors_connector"
WORKER = "worker@test"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
OF_MOVES = (broken_rows, jobs_without_events, broken_histories, broken_attempts)


def begin_anew() -> list[SyncJobType]:
    """An empty database but for three types, one of each overlap, and a worker that reports."""
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {TABLES} RESTART IDENTITY CASCADE")
    see_worker("default", slots=3, name=WORKER)
    return [
        JobTypeFactory.create(slug=overlap, overlap=overlap, max_retries=2) for overlap in ("queue", "skip", "allow")
    ]


def choose(items: list[T], pick: int) -> T:
    return items[pick % len(items)]


class World:
    """The jobs as they were last seen, the moves seen so far, and the leases that the test let run out."""

    def __init__(self) -> None:
        self.statuses: dict[int, str] = {}
        self.fences: dict[int, int] = {}
        self.moves: Counter[int] = Counter()
        self.lost: set[tuple[int, int]] = set()

    def look(self) -> None:
        """See what one step has changed: no step moves a job twice, so a status that differs is one move."""
        rows = list(SyncJob.objects.order_by("pk").values_list("pk", "status", "fence"))
        for pk, status, fence in rows:
            self.moves[pk] += self.statuses.get(pk) != status
            assert fence >= self.fences.get(pk, 0), f"job #{pk} has an older fence than before"
        self.statuses = {pk: status for pk, status, _ in rows}
        self.fences = {pk: fence for pk, _, fence in rows}

    def check(self) -> None:
        """What holds after each step, whatever it was."""
        events = dict(JobEvent.objects.order_by().values_list("job_id").annotate(number=Count("pk")))
        assert events == {pk: self.moves[pk] for pk in self.statuses}, "an event for every move, and no other"
        for job in SyncJob.objects.all():
            assert has_exit(job), f"job #{job.pk} is {job.status} for ever"
        keys = Counter(
            SyncJob.objects.filter(status="started").exclude(concurrency_key="").values_list("concurrency_key")
        )
        assert all(number == 1 for number in keys.values()), f"two jobs write to one target: {keys}"
        assert self._untold(breach for check in OF_MOVES for breach in check(db_now())) == []

    def check_all(self) -> None:
        """All books, those of numbers too, which no step here writes."""
        assert self._untold(find_breaches()) == []

    def _untold(self, breaches: Iterable[Breach]) -> list[Breach]:
        return [breach for breach in breaches if not self._is_lost(breach.job_id, breach.rule)]

    def _is_lost(self, job_id: int, rule: str) -> bool:
        return rule == "living_lease" and (job_id, self.fences[job_id]) in self.lost

    def let_lease_run_out(self, owned: SyncJob) -> None:
        """The worker of this attempt is gone."""
        mine = SyncJob.objects.filter(pk=owned.pk, status="started", fence=owned.fence)
        if mine.update(lease_until=LONG_AGO):
            self.lost.add((owned.pk, owned.fence))

    def let_all_leases_run_out(self) -> None:
        for job in SyncJob.objects.filter(status="started"):
            self.let_lease_run_out(job)

    def let_retries_be_due(self) -> int:
        """Whatever waits for its retry has waited long enough; how many those are."""
        return SyncJob.objects.filter(retry_after__isnull=False).update(retry_after=LONG_AGO)

    def count_lost(self) -> int:
        """How many jobs the reaper has to find."""
        started = SyncJob.objects.filter(status="started").values_list("pk", "fence")
        return len(self.lost & set(started))


def has_exit(job: SyncJob) -> bool:
    """Whether the job is done, goes on by itself, or a person can do something."""
    return Status(job.status) in DONE | ACTIVE or bool(allowed_actions(job))


def is_owned(owned: SyncJob) -> bool:
    """Whether this attempt still owns its job."""
    return SyncJob.objects.filter(pk=owned.pk, status="started", fence=owned.fence).exists()
