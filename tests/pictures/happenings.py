"""What has happened at the made-up company: jobs in every status, with their attempts, changes, logs and rejects."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from syncjobs.counts import Counts
from syncjobs.fingerprints import failure_fingerprint
from syncjobs.models import (
    Attempt,
    JobEvent,
    SyncJob,
    SyncJobType,
    WorkerSeen,
)
from syncjobs.operations.job_types import pin_version
from syncjobs.statuses import FINAL, Status
from tests.pictures.leavings import (
    keep_changes,
    keep_rejects,
    meet_drift,
    move_cursor,
    write_log,
)
from tests.pictures.real_runs import run_really

ENDS = {
    Status.FINISHED: "all records read",
    Status.SKIPPED: "nothing differed",
    Status.RELAYED: "4 child jobs made",
    Status.NO_TARGET: "the controller named no target",
    Status.HELD: "would delete 1,204 of 18,330 records (6.6 %, limit 5 %)",
    Status.PAUSED: "paused by anna",
}
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NO_ANSWER = {
    "class": "transient",
    "code": "connection_failed",
    "message": "no answer from db.sap.example:5432",
    "hint": "Is a firewall in between?",
    "retryable": True,
}
NO_NUMBER = {
    "class": "data",
    "code": "bad_value",
    "message": "the record sku='SKU-7312' has qty '12,5', which is no integer",
    "hint": "Mend the record in the shop, or let the mapping read commas.",
    "retryable": False,
}


class Happenings:
    """Makes jobs as workers would have left them. The numbers are made up, but always the same."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._dice = random.Random(7)  # noqa: S311 - pictures, not secrets
        self._types = {one.slug: one for one in SyncJobType.objects.all()}
        self._versions = {slug: pin_version(one, actor="anna") for slug, one in self._types.items()}

    def job(self, slug: str, status: Status, ago: timedelta, **values: Any) -> SyncJob:
        """One job that was asked for `ago` before now, with its moves and its attempt."""
        job_type, began = self._types[slug], self.now - ago
        seconds = values.pop("seconds", 3.1)
        known: dict[str, Any] = {
            "title": f"{job_type.name}: {slug}",
            "job_type": job_type,
            "type_version": self._versions[slug],
            "trigger_type": "scheduler",
            "status": status.value,
            "created_at": began,
            "config_snapshot": job_type.snapshot(),
            "max_retries": 5,
        }
        if job_type.source_connector and job_type.target_connector:
            source, target = job_type.source_connector.slug, job_type.target_connector.slug
            known |= {"source_document_type": f"{source}/{slug}", "target_document_type": f"{target}/{slug}"}
            known |= {"title": f"{job_type.name}: {source}/{slug} > {target}/{slug}"}
        if status not in (Status.PENDING, Status.QUEUED):
            known |= {"started_at": began, "attempt": 1}
        if status in FINAL:
            retried = (values.get("attempt", 1) - 1) * MINUTE
            known |= {"ended_at": began + retried + timedelta(seconds=seconds), "time_taken": seconds}
        if failure := values.get("failure"):
            known |= {"failure_fingerprint": failure_fingerprint(failure)}
        job = SyncJob.objects.create(**(known | values))
        JobEvent.objects.create(job=job, new="queued", reason="asked for", actor="anna", created_at=began)
        if job.started_at:
            for number in range(1, job.attempt + 1):
                self._attempt(job, number)
        return job

    def _attempt(self, job: SyncJob, number: int) -> None:
        began = job.created_at + (number - 1) * MINUTE
        is_last = number == job.attempt
        is_over = not is_last or job.status != Status.STARTED
        ended = (is_last and job.ended_at) or (began + timedelta(seconds=20) if is_over else None)
        outcome = ("" if ended is None else job.status) if is_last else "failed"
        counts = (job.tally if is_last else Counts()).as_dict()
        spent = {"reading": 1.2, "comparing": 0.7, "writing": 1.1}
        Attempt.objects.create(
            job=job,
            number=number,
            worker="worker-1",
            started_at=began,
            ended_at=ended,
            outcome=outcome,
            failure=job.failure,
            counts=counts,
            phase_seconds=spent,
        )
        started = {"old": "queued", "new": "started", "reason": f"attempt {number}", "actor": "worker-1"}
        JobEvent.objects.create(job=job, created_at=began, **started)
        if ended is not None:
            reason = str((job.failure or {}).get("message")) if job.failure else ENDS.get(Status(outcome), "")
            end = {"old": "started", "new": outcome, "reason": job.cancel_reason or reason, "actor": "worker-1"}
            JobEvent.objects.create(job=job, created_at=ended, **end)

    def a_week(self) -> None:
        """The background: five types that ran again and again, and sometimes failed."""
        for hours in range(7 * 24, 0, -1):
            for slug in ("orders", "prices", "permits", "customers", "ledgers")[: self._dice.randint(1, 5)]:
                self._one_of_many(slug, hours * HOUR)

    def _one_of_many(self, slug: str, ago: timedelta) -> None:
        read, seconds = self._dice.randint(2_000, 90_000), self._dice.uniform(0.8, 40)
        if slug == "ledgers" or self._dice.random() < 0.04:
            failure = NO_ANSWER if slug in ("ledgers", "permits") else NO_NUMBER
            status = Status.FAILED if failure is NO_ANSWER else Status.ERROR
            self.job(slug, status, ago, failure=failure, seconds=seconds)
            return
        written = {"inserted": read // 40, "updated": read // 9}
        self.job(slug, Status.FINISHED, ago, counts={"read": read} | written, seconds=seconds, total_estimate=read)

    def worker(self) -> None:
        values = {"queues": ["short", "default", "long"], "slots": 4, "host": "sync.example", "version": "0.1.0"}
        WorkerSeen.objects.create(name="worker-1@sync.example", last_seen_at=self.now, **values)


def happen(now: datetime | None = None) -> dict[str, SyncJob]:
    """Let a week go by; returns the jobs that pages are shown of, by what is to be seen there."""
    past = Happenings(now or timezone.now())
    past.worker()
    past.a_week()
    counts = {"read": 18_330, "inserted": 524, "updated": 12_951}
    under_way = {"read": 64_000, "inserted": 1_204, "updated": 9_870}
    lease = {"lease_owner": "worker-1", "lease_until": past.now + 30 * 24 * HOUR, "fence": 1}
    jobs = {
        "finished": past.job("orders", Status.FINISHED, 9 * MINUTE, counts=counts, total_estimate=18_330),
        "held": past.job("customers", Status.HELD, 8 * MINUTE, counts={"read": 18_330}),
        "failed": past.job(
            "ledgers", Status.FAILED, 6 * MINUTE, failure=NO_ANSWER, attempt=3, retry_after=past.now + 24 * HOUR
        ),
        "error": past.job("prices", Status.ERROR, 5 * MINUTE, failure=NO_NUMBER, error_message="Traceback: …"),
        "drifted": past.job("permits", Status.ERROR, 4 * MINUTE, failure=NO_NUMBER | {"code": "schema_changed"}),
        "canceled": past.job("prices", Status.CANCELED, 3 * MINUTE, cancel_reason="the wrong day"),
        "skipped": past.job("sap-customer-sync", Status.SKIPPED, 3 * MINUTE, seconds=0.05),
        "no target": past.job("sap-customer-sync", Status.NO_TARGET, 3 * MINUTE, seconds=0.04),
        "paused": past.job("permits", Status.PAUSED, 3 * MINUTE, counts={"read": 1_000}),
        "relayed": past.job("sap-customer-sync", Status.RELAYED, 2 * MINUTE),
        "pending": past.job("customers", Status.PENDING, 1 * MINUTE),
        "queued": past.job(
            "customers", Status.QUEUED, 1 * MINUTE, queue="reports", wait_reason=WAITS, dispatch_id=None
        ),
        "started": past.job(
            "orders",
            Status.STARTED,
            1 * MINUTE,
            counts=under_way,
            total_estimate=100_000,
            phase="writing",
            **lease,
        ),
        "unmeasured": past.job("prices", Status.STARTED, 1 * MINUTE, counts={"read": 18_900}, phase="reading", **lease),
    }
    for name in ("finished", "started", "failed"):
        write_log(jobs[name])
    for name in ("finished", "started"):
        keep_changes(jobs[name])
    for number, status in enumerate((Status.FINISHED, Status.FINISHED, Status.ERROR, Status.QUEUED)):
        failure = {"failure": NO_NUMBER} if status is Status.ERROR else {}
        queue = {"queue": "reports", "wait_reason": WAITS if status is Status.QUEUED else ""}
        past.job("sap-customer-sync", status, MINUTE, parent=jobs["relayed"], position=number, **queue, **failure)
    keep_rejects(jobs["error"])
    meet_drift(jobs["drifted"], past.now)
    move_cursor(jobs["finished"], past.now)
    return jobs | run_really()


WAITS = "no worker listens on queue 'reports'"
