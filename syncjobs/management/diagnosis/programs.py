"""What has to run: the database with all its tables, the broker, the dispatcher, beat, and workers for every queue."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.db import Error as DatabaseProblem
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from kombu.connection import Connection
from redis.exceptions import RedisError

from connectors.redaction import redact
from syncjobs.clock import db_now
from syncjobs.lifecycle.occupancy import SILENT_AFTER as WORKER_SILENT_AFTER
from syncjobs.management.diagnosis.findings import Finding
from syncjobs.models import ProgramSeen, Schedule, SyncJob, WorkerSeen
from syncjobs.operations.state_checks import find_breaches
from syncjobs.programs_seen import SILENT_AFTER
from syncjobs.statuses import Status

OLDEST_POSTGRES = 14_00_00
BROKER_SECONDS = 3.0
MOST_SKEW_SECONDS = 5.0


def examine_database() -> Iterator[Finding]:
    try:
        connection.ensure_connection()
        waiting = MigrationExecutor(connection).migration_plan(MigrationExecutor(connection).loader.graph.leaf_nodes())
    except DatabaseProblem as error:
        told = f"it does not answer: {redact(str(error).strip())}"
        yield Finding("database", "problem", told, "Start it, or mend DATABASE_URL.")
        return
    if waiting:
        yield Finding("database", "problem", f"{len(waiting)} migrations are missing", "Run: manage.py migrate")
    elif (version := getattr(connection, "pg_version", OLDEST_POSTGRES)) < OLDEST_POSTGRES:
        told = f"PostgreSQL {version // 10_000} is too old"
        yield Finding("database", "problem", told, "Use PostgreSQL 14 or newer.")
    else:
        yield Finding("database", "ok", f"{connection.display_name} answers, and has all its tables")
        yield from _examine_clock()


def _examine_clock() -> Iterator[Finding]:
    skew = abs(db_now().timestamp() - time.time())
    if skew > MOST_SKEW_SECONDS:
        told = f"this machine's clock and the database's differ by {skew:,.0f} seconds"
        yield Finding("clock", "warning", told, "Let both follow a time server (NTP).")


def examine_broker() -> Iterator[Finding]:
    """Asks the broker itself, for at most some seconds; its password appears nowhere."""
    url = settings.CELERY_BROKER_URL
    where = redact(urlsplit(url).hostname or "the socket in the data directory")
    try:
        options = {"transport_options": settings.CELERY_BROKER_TRANSPORT_OPTIONS, "connect_timeout": BROKER_SECONDS}
        with Connection(url, **options) as broker:  # type: ignore[no-untyped-call]
            broker.ensure_connection(max_retries=1, timeout=BROKER_SECONDS)
    except Exception as error:  # whatever a transport raises means the same
        fix = "Start it with: manage.py up" if settings.EMBEDDED_BROKER else "Start it, or mend CELERY_BROKER_URL."
        yield Finding("broker", "problem", f"{where} does not answer: {redact(str(error))[:200]}", fix)
        return
    yield Finding("broker", "ok", f"{where} answers")
    if url.startswith(("redis", "unix")):
        yield from _examine_eviction(url)


def _examine_eviction(url: str) -> Iterator[Finding]:
    client = redis.Redis.from_url(url.replace("redis+socket://", "unix://", 1), socket_timeout=BROKER_SECONDS)
    try:
        policy = dict(client.config_get("maxmemory-policy")).get("maxmemory-policy", "noeviction")
    except RedisError:  # managed services forbid CONFIG
        return
    finally:
        client.close()
    if policy != "noeviction":
        told = f"its maxmemory-policy is {policy}, so it may throw messages away (they are sent again after a minute)"
        yield Finding("broker", "warning", told, "Set maxmemory-policy to noeviction.")


def examine_programs() -> Iterator[Finding]:
    """Who has reported of late."""
    now = db_now()
    alive = set(ProgramSeen.objects.filter(last_seen_at__gte=now - SILENT_AFTER).values_list("role", flat=True))
    if ProgramSeen.Role.DISPATCHER in alive:
        yield Finding("dispatcher", "ok", "at work")
    else:
        yield Finding(
            "dispatcher", "problem", "none is heard, so no job is sent to a worker", "Run: manage.py dispatcher"
        )
    if ProgramSeen.Role.BEAT in alive:
        yield Finding("beat", "ok", "at work")
    elif Schedule.objects.filter(periodic_task__enabled=True).exists():
        yield Finding("beat", "problem", "none is heard, so no schedule starts anything", "Run: python -m config beat")
    yield from _examine_workers()


def _examine_workers() -> Iterator[Finding]:
    workers = list(WorkerSeen.objects.filter(last_seen_at__gte=db_now() - WORKER_SILENT_AFTER))
    served = {queue for worker in workers for queue in worker.queues}
    waiting = set(SyncJob.objects.filter(status=Status.QUEUED.value).order_by().values_list("queue", flat=True))
    if deaf := sorted({*settings.SYNCDECK_QUEUES, *waiting} - served):
        jobs = SyncJob.objects.filter(status=Status.QUEUED.value, queue__in=deaf).count()
        told = f"nobody listens to the queues {', '.join(deaf)}" + (f", where {jobs:,} jobs wait" if jobs else "")
        fix = f"Run: python -m config worker --queues {','.join(deaf)}"
        yield Finding("workers", "problem" if jobs or not workers else "warning", told, fix)
    if workers:
        slots = sum(worker.slots for worker in workers)
        yield Finding("workers", "ok", f"{len(workers)} at work, {slots} jobs at once")
    if len(versions := {worker.version for worker in workers if worker.version}) > 1:
        told = f"workers of different releases are at work: {', '.join(sorted(versions))}"
        yield Finding("workers", "warning", told, "Restart the older ones when they are done.")


def examine_books() -> Iterator[Finding]:
    """Whether what is kept of jobs agrees with itself."""
    breaches = [str(breach) for breach, _ in zip(find_breaches(), range(100), strict=False)]
    if breaches:
        told = f"they do not agree in {len(breaches)} places, such as: {breaches[0]}"
        yield Finding("books", "problem", told, "Run: manage.py sync verify-state")
    else:
        yield Finding("books", "ok", "every job's history, leases and numbers agree")
