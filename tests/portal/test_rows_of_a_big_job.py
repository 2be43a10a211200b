"""Pages of a job that holds half of a table's rows: PostgreSQL reads no more than what the page shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from syncjobs.models import Change, JobLog, SyncJob
from syncjobs.portal import job_reads
from syncjobs.portal.paging import page_by_id
from tests.lifecycle.factories import JobFactory

ROWS, PAGE = 20_000, 100


@pytest.fixture
def big(rows_on_postgresql: None) -> SyncJob:
    """A job with as many rows as there are of others, half of these before its own and half behind them."""
    big = JobFactory.create()
    others = [job.pk for job in JobFactory.create_batch(20, job_type=big.job_type)]
    half = [others[place % 20] for place in range(ROWS // 2)]
    for jobs in (half, [big.pk] * ROWS, half):
        _store(jobs)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return big


def _store(jobs: Sequence[int]) -> None:
    line = {"level": "INFO", "message": "a line", "created_at": timezone.now()}
    change = {"stream": "orders", "key": {"id": 1}, "operation": "update"}
    JobLog.objects.bulk_create([JobLog(job_id=job, **line) for job in jobs], batch_size=5_000)
    Change.objects.bulk_create([Change(job_id=job, key_hash=place, **change) for place, job in enumerate(jobs)])


def _most_rows_read(queries: Sequence[dict[str, Any]]) -> int:
    """Of the plan's nodes of all queries: the most rows that one gave or put aside."""
    found = 0
    with connection.cursor() as cursor:
        for query in queries:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query['sql']}")
            found = max(found, *_rows(cursor.fetchone()[0][0]["Plan"]))
    return found


def _rows(node: dict[str, Any]) -> list[int]:
    own = int(node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
    return [own, *(number for part in node.get("Plans", ()) for number in _rows(part))]


def test_every_page_of_its_changes_and_lines_reads_the_rows_of_a_page(big: SyncJob) -> None:
    edge = Change.objects.filter(job=big).order_by("pk")[ROWS - 500].pk
    with CaptureQueriesContext(connection) as asked:
        for query in ({}, {"from": edge}, {"to": edge}):
            request = RequestFactory().get("/", query)
            for rows in (Change.objects.all(), Change.objects.filter(operation="update"), JobLog.objects.all()):
                for newest_first in (False, True):
                    page = page_by_id(request, rows, PAGE, newest_first=newest_first, of_job=big.pk)
                    assert {getattr(row, "job_id", None) for row in page.rows} == {big.pk}
                    assert len(page.rows) == PAGE
        assert len(job_reads.latest_changes(big)) == job_reads.LATEST_CHANGES
        assert len(job_reads.last_lines(big, PAGE)) == PAGE
    assert len(asked.captured_queries) == 20
    assert _most_rows_read(asked.captured_queries) <= PAGE + 1
