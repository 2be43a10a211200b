"""Document jobs beside bare Celery, in the same run: jobs per second, enqueue to start, children of a relay.

PERFORMANCE §4 has the goals. Two prefork workers, a real broker, job rows in PostgreSQL; what came out is checked.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial

import redis

from tests.benchmarks.measured_stack import (
    prepare_django,
    running_broker,
    running_dispatcher,
    running_worker,
    wait_until,
)

prepare_django()

from django.db.models import F, Max, Min  # noqa: E402

from syncjobs.clock import db_now  # noqa: E402
from syncjobs.lifecycle import Admitted, admit_job, claim_job, create_children  # noqa: E402
from syncjobs.models import Attempt, Change, JobEvent, JobLog, SyncJob, SyncJobType  # noqa: E402
from syncjobs.operations.enqueueing import enqueue_sync_job  # noqa: E402
from syncjobs.operations.job_types import save_job_type  # noqa: E402
from syncjobs.querysets import JobQuerySet  # noqa: E402
from tests.benchmarks.ledger.models import Account, MirroredAccount, PlainJob  # noqa: E402
from tests.benchmarks.plain_celery import QUEUE, app  # noqa: E402

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
IS_SHORT = ROUNDS == 1
PLAIN_WORKER = [
    "-m",
    "celery",
    "-A",
    "tests.benchmarks.plain_celery",
    "worker",
    "--concurrency",
    "2",
    "--queues",
    QUEUE,
]
PLAIN_WORKER += ["--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]
JOBS = 600 if IS_SHORT else 2_000
CHILDREN = 20_000 if IS_SHORT else 100_000
ENQUEUED_SINGLY = 60 if IS_SHORT else 200
MEASURED = min(ROUNDS, 3)
RATE_GOAL, MEDIAN_GOAL_MS, P99_GOAL_MS, CHILDREN_GOAL = 0.6, 25.0, 150.0, 5_000


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


# 1. bare Celery


def rate_of_plain_task(client: redis.Redis, name: str) -> float:
    """Jobs per second, from the first to the last; messages are sent meanwhile, as ours are by the dispatcher."""
    PlainJob.objects.all().delete()
    PlainJob.objects.bulk_create(PlainJob() for _ in range(JOBS))
    numbers = list(PlainJob.objects.values_list("pk", flat=True))
    began = time.perf_counter()
    with app.producer_pool.acquire(block=True) as producer:
        for number in numbers:
            app.send_task(f"plain.{name}", args=[number], queue=QUEUE, producer=producer)
    if name == "nothing":
        wait_until(lambda: not client.llen(QUEUE) and not client.hlen("unacked"), "bare tasks", 0.005)
        return JOBS / (time.perf_counter() - began)
    wait_until(lambda: not PlainJob.objects.exclude(status="finished").exists(), "tasks with a row")
    return _rate(PlainJob.objects.aggregate(begun=Min("started_at"), ended=Max("ended_at")))


def _rate(span: dict[str, object]) -> float:
    begun, ended = span["begun"], span["ended"]
    return float(JOBS / (ended - begun).total_seconds())  # type: ignore[operator]


def measure_celery(client: redis.Redis) -> dict[str, float]:
    rates = {}
    with running_worker(*PLAIN_WORKER):
        rate_of_plain_task(client, "nothing")  # the first one also warms up
        rates["bare Celery, a task of nothing"] = rate_of_plain_task(client, "nothing")
        rates["Celery + a row saved 3 times"] = rate_of_plain_task(client, "save")
    with running_worker(*PLAIN_WORKER, CELERY_DB_REUSE_MAX="1000"):
        rate_of_plain_task(client, "nothing")
        rates[LIMIT] = rate_of_plain_task(client, "update")
    return rates


LIMIT = "Celery + 3 guarded UPDATEs, connection kept"

# 2. ours


def make_type() -> SyncJobType:
    name = "mirror_account"
    job_type = SyncJobType(slug="mirror", name="Mirror", controller=name)
    job_type.source_document_type, job_type.target_document_type = "ledger.Account", "ledger.MirroredAccount"
    return save_job_type(job_type, actor="bench")


def prepare_documents() -> list[int]:
    """Every source with a target that is out of date."""
    Account.objects.all().delete()
    MirroredAccount.objects.all().delete()
    accounts = Account.objects.bulk_create(
        Account(name=f"Account {number}", city="Chicago", balance=Decimal(number) / 100) for number in range(JOBS)
    )
    MirroredAccount.objects.bulk_create(
        MirroredAccount(pk=account.pk, name="?", city="?", balance=Decimal(0)) for account in accounts
    )
    return [account.pk for account in accounts]


def rate_of_document_jobs(job_type: SyncJobType) -> float:
    ids = prepare_documents()
    before = SyncJob.objects.aggregate(last=Max("pk"))["last"] or 0
    for pk in ids:
        enqueue_sync_job(sync_job_type=job_type, source_document_type="ledger.Account", source_document_name=str(pk))
    jobs = SyncJob.objects.filter(pk__gt=before)
    with running_worker(), running_dispatcher():
        wait_until(partial(has_ended, jobs), "document jobs", 0.1)
        time.sleep(0.5)
    check_document_jobs(before)
    return _rate(jobs.aggregate(begun=Min("started_at"), ended=Max("ended_at")))


def check_document_jobs(before: int) -> None:
    """Each target right and written once, with all its bookkeeping; exits if not."""
    same = MirroredAccount.objects.filter(writes=1)
    sources = {(row.pk, row.name, row.city, row.balance) for row in Account.objects.all()}
    targets = {(row.pk, row.name, row.city, row.balance) for row in same}
    jobs = SyncJob.objects.filter(pk__gt=before)
    finished = jobs.filter(status="finished", attempt=1, counts__updated=1, sent_at__isnull=False)
    found = {
        "targets": len(targets & sources),
        "jobs": finished.count(),
        "changes": Change.objects.filter(job__in=jobs).count(),
        "events": JobEvent.objects.filter(job__in=jobs).count() / 3,
        "attempts": Attempt.objects.filter(job__in=jobs, outcome="finished").count(),
        "log lines": JobLog.objects.filter(job__in=jobs).count() / 2,
    }
    if set(found.values()) != {JOBS}:
        sys.exit(f"Expected {JOBS} of each, got {found}")


def delays_ms(job_type: SyncJobType) -> list[float]:
    """Milliseconds from enqueue to start of jobs that come one at a time to an idle stack."""
    (pk, *_) = prepare_documents()
    before = SyncJob.objects.aggregate(last=Max("pk"))["last"] or 0
    with running_worker(), running_dispatcher():
        for number in range(ENQUEUED_SINGLY + 5):
            job = enqueue_sync_job(
                sync_job_type=job_type, source_document_type="ledger.Account", source_document_name=str(pk)
            )
            row = SyncJob.objects.filter(pk=job.pk)
            wait_until(partial(has_ended, row), "a single job", 0.01)
            time.sleep(0.01 * (number % 7))
    delay = SyncJob.objects.filter(pk__gt=before + 5).annotate(delay=F("started_at") - F("created_at"))
    return sorted(one / timedelta(milliseconds=1) for one in delay.values_list("delay", flat=True))


def has_ended(jobs: JobQuerySet) -> bool:
    return not jobs.filter(status__in=("queued", "started")).exists()


def rate_of_children(job_type: SyncJobType) -> float:
    """Children per second that a started parent creates."""
    parent = enqueue_sync_job(sync_job_type=job_type, title="A relay")
    admitted = admit_job(parent.pk, db_now())
    assert isinstance(admitted, Admitted)
    mine = claim_job(parent.pk, admitted.dispatch_id, f"bench {uuid.uuid4()}")
    assert mine is not None
    targets = (
        {"operation": "update", "target_document_type": "ledger.MirroredAccount", "target_document_name": str(number)}
        for number in range(CHILDREN)
    )
    began = time.perf_counter()
    made = create_children(mine, targets, db_now())
    seconds = time.perf_counter() - began
    children = SyncJob.objects.filter(parent=parent)
    if (made, children.values("position").distinct().count()) != (CHILDREN, CHILDREN):
        sys.exit(f"Expected {CHILDREN} children, got {made}")
    JobEvent.objects.filter(job__in=children).delete()
    children._raw_delete(children.db)
    SyncJob.objects.filter(pk=parent.pk).update(status="canceled", lease_owner="", lease_until=None)
    return CHILDREN / seconds


# 3. the table


def told(value: str, goal: str, is_met: bool) -> str:
    return f"{value:>24}   goal {goal:<22} {'met' if is_met else 'NOT MET'}"


def percentile(sorted_values: list[float], share: float) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def median_of(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(MEASURED))


def main() -> None:
    with running_broker() as client:
        job_type = make_type()
        rounds = [measure_celery(client) for _ in range(MEASURED)]
        rates = {name: statistics.median(found[name] for found in rounds) for name in rounds[0]}
        ours = median_of(lambda: rate_of_document_jobs(job_type))
        say(f"\nDocument jobs, Django model to Django model: {JOBS:,} each, medians of {MEASURED}")
        for name, rate in rates.items():
            say(f"  {name:<46} {rate:8.0f}/s")
        share = ours / rates[LIMIT]
        say(f"  {'Syncdeck, standard mode':<46} {ours:8.0f}/s")
        say(f"  {'its share of the guarded UPDATEs':<30} {told(f'{share:.2f}', f'>= {RATE_GOAL}', share >= RATE_GOAL)}")
        delays = delays_ms(job_type)
        half, most = percentile(delays, 0.5), percentile(delays, 0.99)
        say(f"  {'enqueue to start, median':<30} {told(f'{half:.1f} ms', '<= 25 ms', half <= MEDIAN_GOAL_MS)}")
        say(f"  {'enqueue to start, 99 %':<30} {told(f'{most:.1f} ms', '<= 150 ms', most <= P99_GOAL_MS)}")
        children = median_of(lambda: rate_of_children(job_type))
        is_met = children >= CHILDREN_GOAL
        say(f"  {f'{CHILDREN:,} children of a relay':<30} {told(f'{children:,.0f}/s', '>= 5,000/s', is_met)}")


if __name__ == "__main__":
    main()
