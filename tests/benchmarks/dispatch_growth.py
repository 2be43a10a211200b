"""What a round of the dispatcher, a claim and a heartbeat cost with a long history, beside an empty database.

PERFORMANCE §6: at most twice as much with 1,000,000 finished jobs and 10,000 that wait. PostgreSQL; no worker.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from tests.benchmarks.measured_stack import prepare_django, running_broker

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
if ROUNDS == 1:
    sys.exit(0)  # making a million jobs takes minutes
prepare_django()

from django.db import connection  # noqa: E402

from syncjobs.clock import db_now  # noqa: E402
from syncjobs.dispatch import Dispatcher  # noqa: E402
from syncjobs.lifecycle import claim_job, renew_lease  # noqa: E402
from syncjobs.models import SyncJob, SyncJobType, WorkerSeen  # noqa: E402
from syncjobs.operations.enqueueing import enqueue_sync_job  # noqa: E402
from syncjobs.operations.job_types import save_job_type  # noqa: E402

HISTORY, WAITING, TIMES = 1_000_000, 10_000, 40
GOAL = 2.0


def milliseconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000


def make_jobs(job: SyncJob, number: int, status: str, queue: str) -> None:
    """Copies of a job, quicker than by asking for each."""
    own = {"token": "gen_random_uuid()", "status": f"'{status}'", "queue": f"'{queue}'", "dispatch_id": "NULL"}
    names = [str(field.column) for field in SyncJob._meta.concrete_fields if not field.primary_key]
    values = ", ".join(own.get(name, f'"{name}"') for name in names)
    columns = ", ".join(f'"{name}"' for name in names)
    source = f"syncjobs_syncjob, generate_series(1, {number}) WHERE id = %s"
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO syncjobs_syncjob ({columns}) SELECT {values} FROM {source}", [job.pk])  # noqa: S608
        cursor.execute("VACUUM ANALYZE syncjobs_syncjob")


def measure(job_type: SyncJobType) -> dict[str, float]:
    """Means in milliseconds of what is done again and again; four rounds a second, as while there is work."""
    dispatcher, now = Dispatcher(), db_now()
    job = enqueue_sync_job(sync_job_type=job_type, queue="short", title="measured")
    found: dict[str, list[float]] = {"a round": [], "a claim": [], "a heartbeat": []}
    for number in range(TIMES):
        moment = now + timedelta(seconds=number / 4)
        WorkerSeen.objects.update(last_seen_at=moment)
        found["a round"].append(milliseconds(partial(dispatcher.tick, moment)))
        turn = uuid.uuid4()
        row = SyncJob.objects.filter(pk=job.pk)
        row.update(status="queued", dispatch_id=turn, sent_at=moment)
        found["a claim"].append(milliseconds(partial(claim_job, job.pk, turn, "bench")))
        fence = row.values_list("fence", flat=True).get()
        found["a heartbeat"].append(milliseconds(partial(renew_lease, job.pk, fence)))
        row.update(status="queued", dispatch_id=None, lease_until=None)
    row.update(status="canceled")
    return {what: statistics.mean(times) for what, times in found.items()}


def main() -> None:
    with running_broker():
        job_type = save_job_type(SyncJobType(slug="grown", name="Grown", controller="mirror_account"), actor="bench")
        WorkerSeen.objects.create(name="bench", queues=["short", "default"], slots=2, last_seen_at=db_now())
        pattern = enqueue_sync_job(sync_job_type=job_type, queue="long", queue_on_insert=False)
        empty = measure(job_type)
        make_jobs(pattern, HISTORY, "finished", "default")
        make_jobs(pattern, WAITING, "queued", "default")
        grown = measure(job_type)
    print(f"\nWith {HISTORY:,} finished jobs and {WAITING:,} that wait, beside an empty database")  # noqa: T201
    for what, before in empty.items():
        ratio = grown[what] / before
        met = "met" if ratio <= GOAL else "NOT MET"
        print(f"  {what:<14} {before:6.2f} ms   {grown[what]:6.2f} ms   {ratio:5.2f} x   goal <= {GOAL:.0f} x   {met}")  # noqa: T201


if __name__ == "__main__":
    main()
