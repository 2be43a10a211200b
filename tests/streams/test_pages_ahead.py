"""Jobs whose next page is mapped while the one before is written: each page counts at its turn, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from connectors.models import Connector
from syncjobs.models import JobBatch, JobLog, SyncJob, SyncJobType
from syncjobs.operations.rejects import find_rejects
from tests.connectors.scripted_server import Answer, reply, reply_json, scripted_server
from tests.connectors.test_reading_ahead import reading_threads
from tests.streams.conftest import counts, rows_of, run

Make = Callable[..., SyncJobType]
COLUMNS = reply_json(
    {"columns": [{"fieldName": "code", "dataTypeName": "text"}, {"fieldName": "size", "dataTypeName": "number"}]}
)
BOUNDS = {"op": "bounds", "max": 100, "outside": "null"}
MAPPING: list[dict[str, Any]] = [
    {"to": "code", "from": "code", "type": "text"},
    {"to": "size", "from": "size", "type": "decimal", "transforms": [BOUNDS]},
]
TWO: dict[str, Any] = {"batch_size": 2, "mapping": MAPPING}


def page(number: int, *sizes: Any) -> Answer:
    """One record for each size; their codes begin with the page's number."""
    pairs = [(f"{number}{'abc'[place]}", size) for place, size in enumerate(sizes)]
    return reply_json([{":id": f"row-{code}", "code": code, "size": size} for code, size in pairs])


def run_on(job_type: SyncJobType, *pages: Answer) -> SyncJob:
    """A job that is sent these pages."""
    connector = Connector.objects.get(slug="source")
    with scripted_server(COLUMNS, reply_json([{"count": "6"}]), *pages) as server:
        Connector.objects.filter(slug="source").update(config=connector.config | {"base_url": server.url})
        job = run(job_type)
    assert reading_threads() == []
    return job


def told(job: SyncJob, *words: str) -> Sequence[str]:
    """The lines of the job's log that begin with one of these words, in order."""
    lines = JobLog.objects.filter(job=job).order_by("pk").values_list("message", flat=True)
    return [line for line in lines if line.startswith(words)]


def test_page_that_does_not_fit_takes_nothing_from_the_page_before_it(items: Make) -> None:
    job_type = items(**TWO)
    job = run_on(job_type, page(1, "1.5", "2"), page(2, "3", "many"))
    assert (job.status, counts(job)) == ("error", {"read": 2, "inserted": 2}), job.failure
    assert job.failure is not None
    assert "code=2b: size value 'many' is not a number" in job.failure["message"]
    assert sorted(rows_of(job_type)) == ["1a", "1b"]
    assert list(JobBatch.objects.filter(job=job).values_list("batch_no", "state")) == [(1, "committed")]


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_page_that_the_portal_refuses_takes_nothing_from_the_page_before_it(items: Make) -> None:
    job_type = items(**TWO)
    job = run_on(job_type, page(1, "1.5", "2"), reply(401))
    assert (job.status, counts(job)) == ("failed", {"read": 2, "inserted": 2}), job.failure
    assert sorted(rows_of(job_type)) == ["1a", "1b"]


def test_rejects_and_nulls_are_counted_and_told_in_the_order_of_their_pages(items: Make) -> None:
    job_type = items(**TWO, on_reject={"policy": "quarantine", "max": 3, "max_share": 1.0})
    pages = (page(1, "many", "1"), page(2, "101", "102"), page(3, "few", "103"), reply_json([]))
    job = run_on(job_type, *pages)
    assert (job.status, counts(job)) == ("finished", {"read": 6, "inserted": 4, "rejected": 2}), job.failure
    assert [one.key for one in find_rejects(job=job).order_by("pk")] == [{"code": "1a"}, {"code": "3a"}]
    assert job.checkpoint["nulled"] == {"size": 3}
    assert [line.partition(":")[0] for line in told(job, "Batch", "Set")] == [
        "Batch 1",
        "Set aside 1 of its records; record code=1a",
        "Set 2 values of size to null, outside its bounds or lookup or not finite",
        "Batch 2",
        "Set 1 value of size to null, outside its bounds or lookup or not finite",
        "Batch 3",
        "Set aside 1 of its records; record code=3a",
    ]


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_pages_after_the_one_too_many_leave_no_trace(items: Make) -> None:
    job_type = items(**TWO, on_reject={"policy": "quarantine", "max": 0, "max_share": 1.0})
    job = run_on(job_type, page(1, "1", "2"), page(2, "many", "3"), page(3, "101", "few"), reply_json([]))
    assert (job.status, counts(job)) == ("error", {"read": 2, "inserted": 2}), job.failure
    assert told(job, "Set") == []
    assert not find_rejects(job=job).exists()


def test_target_that_refuses_a_record_of_a_prepared_page_still_takes_the_others(
    items: Make, sql_at_target: Any
) -> None:
    sql_at_target("CREATE TABLE items (code varchar(9) NOT NULL PRIMARY KEY, size numeric CHECK (size <> 3))")
    job_type = items(**TWO, on_reject={"policy": "quarantine", "max": 3, "max_share": 1.0})
    job = run_on(job_type, page(1, "1.5", "2"), page(2, "3", "4"), page(3, "5", "6"), reply_json([]))
    assert (job.status, counts(job)) == ("finished", {"read": 6, "inserted": 5, "rejected": 1}), job.failure
    assert sorted(rows_of(job_type)) == ["1a", "1b", "2b", "3a", "3b"]
    assert [one.key for one in find_rejects(job=job)] == [{"code": "2a"}]
