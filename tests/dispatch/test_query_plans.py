"""A round reads jobs by index only, on both databases, so that a long history costs it nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from syncjobs.dispatch import Dispatcher
from tests.conftest import Broker
from tests.lifecycle.factories import ConnectorFactory, JobFactory, JobTypeFactory, see_worker
from tests.own_database import keeping_rows_on

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    on_postgres = request.param == "postgresql"
    with keeping_rows_on(request.getfixturevalue("postgres_server")) if on_postgres else nullcontext():
        yield request.param


def statements_of_a_round() -> list[str]:
    """What a dispatcher asks that has everything to do: admit, send, skip, explain, send again, take back, retry."""
    now, long_ago = timezone.now(), timezone.now() - dt.timedelta(minutes=5)
    see_worker(slots=3)
    narrow = JobTypeFactory.create(source_connector=ConnectorFactory.create(max_concurrency=1))
    JobFactory.create(status="started", concurrency_key="warehouse/items", lease_until=long_ago)
    JobFactory.create(status="failed", retry_after=long_ago)
    JobFactory.create(concurrency_key="warehouse/items", job_type=JobTypeFactory.create(overlap="skip"))
    JobFactory.create_batch(6, job_type=narrow)
    JobFactory.create_batch(6, concurrency_key="warehouse/others")
    JobFactory.create_batch(6)
    with CaptureQueriesContext(connection) as queries:
        assert Dispatcher().tick(now) > 0
    return [query["sql"] for query in queries if query["sql"].startswith(("SELECT", "UPDATE"))]


def scans(database: str, statement: str) -> list[str]:
    """Those lines of the statement's plan that say it reads the whole table of jobs."""
    with connection.cursor() as cursor:
        if database == "postgresql":  # which reads small tables as a whole unless it is told not to
            cursor.execute("SET enable_seqscan = off")
            cursor.execute(f"EXPLAIN {statement}")
            return [line for (line,) in cursor.fetchall() if "Seq Scan on syncjobs_syncjob " in line]
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
        plan = [str(row[3]) for row in cursor.fetchall()]
    return [line for line in plan if line.startswith(("SCAN syncjobs_syncjob", "SCAN U")) and " INDEX " not in line]


def test_round_never_reads_all_jobs(broker: Broker, database: str) -> None:
    statements = [sql for sql in statements_of_a_round() if '"syncjobs_syncjob"' in sql]
    assert len(statements) > 10
    assert {sql: found for sql in statements if (found := scans(database, sql))} == {}
