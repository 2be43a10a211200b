"""The strip of a connector's jobs: counted by day from an index alone, since two weeks may hold 100,000s of jobs."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from syncjobs.models import SyncJob
from syncjobs.portal.connector_health import health_days
from tests.lifecycle.factories import JobFactory


def test_days_of_jobs_are_counted_on_postgresql_without_reading_a_job(rows_on_postgresql: None) -> None:
    now, first = timezone.now(), JobFactory.create(status="finished")
    SyncJob.objects.bulk_create(
        JobFactory.build(
            job_type=first.job_type,
            status="error" if place % 50 == 0 else "finished",
            created_at=now - timedelta(days=place % 100),
        )
        for place in range(1, 5_000)
    )
    with connection.cursor() as cursor:
        # Nobody waits for commits in tests, and VACUUM knows rows that all may see only once their commit is on disk.
        cursor.execute("CHECKPOINT")
        cursor.execute("VACUUM ANALYZE syncjobs_syncjob")
        with CaptureQueriesContext(connection) as asked:
            days = health_days([], [first.job_type_id], now)
        cursor.execute(f"EXPLAIN {asked.captured_queries[0]['sql']}")
        plan = " ".join(row[0] for row in cursor.fetchall())
    assert len(asked.captured_queries) == 1
    assert sum(day.jobs.well + day.jobs.failed for day in days) == 14 * 50
    assert sum(day.jobs.failed for day in days) == 49
    assert "Index Only Scan using jobs_by_creation" in plan
