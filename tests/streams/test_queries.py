"""Streams that read custom queries and ranges, from end to end: every mode and extent, resumes, and limits."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.records import ReadRequest
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.cursors import list_cursor_entries
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from syncjobs.operations.jobs import retry_job
from tests.streams.conftest import counts, run, run_here
from tests.streams.test_incremental_sql import LATER, Notes, notes

__all__ = ["notes"]
ALL = "SELECT id, seen, day, number, amount, mark FROM notes"
BY_MARK = "SELECT mark, count(*) AS notes, min(id) AS first, max(seen) AS newest FROM notes GROUP BY mark"
AS_NUMBER = [{"to": "id", "from": "id", "type": "integer"}, {"to": "size", "from": "mark", "type": "integer"}]


def querying(type_: dict[str, Any] | None = None, **stream: Any) -> SyncJobType:
    """A type that copies a query on `notes` beside them."""
    whole = {"source": "my notes", "query": ALL, "target": "copied", "key": ["id"], "batch_size": 7} | stream
    shape = {"slug": "notes", "source_connector": "source", "target_connector": "source", "max_retries": 0}
    shape |= {"config": {"streams": [whole]}}
    return save_job_type(job_type_from_shape(shape | (type_ or {})), actor="test")


def copied(job_type: SyncJobType, *names: str) -> list[tuple[Any, ...]]:
    assert job_type.target_connector is not None
    connector = job_type.target_connector.open()
    try:
        return sorted(row for page in connector.read(ReadRequest("copied", columns=names)) for row in page.rows)
    finally:
        connector.close()


def failure(job: SyncJob) -> tuple[str, str]:
    found = job.failure or {}
    return found["class"], found["code"]


def test_an_aggregate_is_kept_up_to_date_and_mirrored(notes: Notes) -> None:
    job_type = querying(query=BY_MARK, key=["mark"], mode="mirror", batch_size=2)
    first = run(job_type)
    assert (first.status, counts(first)) == ("finished", {"read": 5, "inserted": 5}), first.failure
    assert copied(job_type, "mark", "notes", "first") == [(f"v{n}", 10, n * 10) for n in range(5)]
    assert counts(run(job_type)) == {"read": 5, "unchanged": 5}
    notes.connection.execute("DELETE FROM notes WHERE mark = 'v1'")
    notes.connection.execute("DELETE FROM notes WHERE id = 25")
    assert counts(run(job_type)) == {"read": 4, "updated": 1, "unchanged": 3, "deleted": 1}


def test_a_query_with_a_renaming_mapping_is_paged_by_the_columns_of_its_key(notes: Notes) -> None:
    mapping = [{"to": "number", "from": "id"}, {"to": "letter", "from": "mark", "transforms": [{"op": "upper"}]}]
    job_type = querying(key=["number", "letter"], mapping=mapping)
    job = run(job_type)
    assert counts(job) == {"read": 50, "inserted": 50}
    assert job.batches.count() == 8
    assert copied(job_type, "number", "letter")[-1] == (49, "V4")


def test_a_query_is_replaced_and_filtered_as_a_whole(notes: Notes) -> None:
    job_type = querying(mode="replace", filters=[{"field": "number", "op": "ge", "value": 10}], columns=["id", "seen"])
    assert counts(run(job_type)) == {"read": 30, "inserted": 30}
    notes.connection.execute("DELETE FROM notes WHERE id < 30")
    assert counts(run(job_type)) == {"read": 20, "inserted": 20, "deleted": 30}


def test_extent_incremental_works_on_a_query_with_equal_values_across_its_batches(notes: Notes) -> None:
    query = "SELECT id, seen, mark || '!' AS mark FROM notes WHERE id >= 0"
    job_type = querying(
        query=query, extent="incremental", cursor={"field": "seen", "overlap_seconds": 60}, batch_size=3
    )
    assert counts(run(job_type)) == {"read": 50, "inserted": 50}
    notes.add(LATER)
    assert counts(run(job_type)) == {"read": 21, "inserted": 1, "unchanged": 20}
    assert list_cursor_entries(job_type, "my notes")[0].new == "2020-01-01T00:04:00.000001Z"
    assert (50, "v5!") in copied(job_type, "id", "mark")


def test_a_dry_run_of_a_query_writes_nothing(notes: Notes) -> None:
    job = run(querying(), dry_run=True)
    assert (job.status, counts(job)) == ("finished", {"read": 50, "inserted": 50})
    assert counts(run(SyncJobType.objects.get())) == {"read": 50, "inserted": 50}


def test_without_a_key_a_query_is_one_batch_and_with_a_partition_it_is_many(notes: Notes) -> None:
    whole = run(querying(key=[], mode="append", target="one"))
    assert (whole.batches.count(), counts(whole)) == (1, {"read": 50, "inserted": 50})
    notes.add(
        *[(number, "2021-01-01 00:00:00+00:00", "2021-01-01", number, "1.5", "late") for number in range(100, 450)]
    )
    partition = {"field": "number", "rows": 100}
    parted = run(querying({"slug": "parted"}, key=[], mode="append", partition=partition))
    assert (parted.status, counts(parted)) == ("finished", {"read": 400, "inserted": 400}), parted.failure
    assert parted.batches.count() >= 4


@pytest.mark.parametrize("key", [["id"], []], ids=["key", "no_key"])
@pytest.mark.parametrize("is_query", [True, False], ids=["query", "table"])
def test_a_job_that_stops_between_ranges_goes_on_in_each_of_them(notes: Notes, key: list[str], is_query: bool) -> None:
    """A bad record in every third range stops it; when that is mended the next attempt goes on from there."""
    bad = (150, 350, 520)
    notes.connection.execute("BEGIN")
    notes.connection.execute("DELETE FROM notes")
    notes.add(*[(n, None, None, n // 3, None, "bad" if n in bad else str(n)) for n in range(600)])
    notes.connection.execute("COMMIT")
    own: dict[str, Any] = {} if is_query else {"source": "notes", "query": None}
    stream: dict[str, Any] = {
        "key": key,
        "mode": "upsert" if key else "append",
        "partition": {"field": "number", "rows": 100},
    }
    job_type = querying(**stream, mapping=AS_NUMBER, batch_size=40, **own)
    job = run(job_type)
    for number in bad:
        assert job.status == "error", job.failure
        assert 0 < job.counts["read"] < number + 5
        notes.connection.execute(f"UPDATE notes SET mark = '{number}' WHERE id = {number}")  # noqa: S608 - our number
        job = run_here(retry_job(job.pk, actor="test"))
    assert (job.status, counts(job)) == ("finished", {"read": 600, "inserted": 600}), job.failure
    assert copied(job_type, "id", "size") == [(n, n) for n in range(600)]


@pytest.mark.parametrize("own", [{}, {"source": "notes", "query": None}], ids=["query", "table"])
@pytest.mark.parametrize("mode", ["upsert", "mirror", "replace"])
def test_more_records_than_the_limit_end_in_error_before_they_are_written(
    notes: Notes, mode: str, own: dict[str, Any]
) -> None:
    job_type = querying(mode=mode, batch_size=10, **own)
    assert counts(run(job_type)) == {"read": 50, "inserted": 50}
    notes.connection.execute("UPDATE notes SET mark = 'changed'")
    notes.connection.execute("DELETE FROM notes WHERE id = 0")
    job_type.config["streams"][0]["max_rows"] = 25
    save_job_type(job_type, actor="test")
    job = run(SyncJobType.objects.get())
    assert (job.status, failure(job)) == ("error", ("data", "limit"))
    assert job.failure is not None
    name = own.get("source", "my notes")
    said = f"{name}: the source has more than 25 records, which is the most for one run (max_rows)"
    assert job.failure["message"] == said
    assert not job.failure["retryable"]
    assert "deleted" not in counts(job)
    changed = [mark for _, mark in copied(job_type, "id", "mark") if mark == "changed"]
    assert len(changed) == (0 if mode == "replace" else 20)
    assert len(copied(job_type, "id")) == 50
    says = {"upsert": "are written", "mirror": "Nothing was deleted", "replace": "The target is as it was"}[mode]
    assert says in job.failure["hint"]


def test_more_bytes_than_the_limit_end_in_error_too(notes: Notes) -> None:
    job = run(querying(max_bytes=400))
    assert (job.status, failure(job)) == ("error", ("data", "limit"))
    assert "max_bytes" in (job.failure or {})["message"]
    assert job.counts["read"] in (7, 14)


@pytest.mark.parametrize("source", [{}, {"source": "notes", "query": None}], ids=["query", "table"])
def test_one_value_over_the_limit_is_named(notes: Notes, source: dict[str, Any]) -> None:
    if notes.mark == "%s":
        notes.connection.execute("ALTER TABLE notes ALTER COLUMN mark TYPE text")
    notes.connection.execute("UPDATE notes SET mark = '" + "é" * 1_100_000 + "' WHERE id = 30")
    job = run(querying(max_value_bytes=2 * 1024**2, **source))
    assert (job.status, failure(job)) == ("error", ("data", "value_too_large"))
    name = source.get("source", "my notes")
    assert (job.failure or {})["message"] == f"{name}: row id=30 column mark is 2.1 MB, limit 2 MB"
    assert job.counts["read"] in (21, 28)  # a value that the server keeps back ends what was fetched with it


@pytest.mark.parametrize(
    ("query", "code"),
    [("SELECT id, seen FROM elsewhere", "query_failed"), ("SELECT mark FROM notes", "column_mismatch")],
    ids=["table", "key"],
)
def test_a_query_that_can_not_be_run_fails_at_once_and_is_not_retried(notes: Notes, query: str, code: str) -> None:
    job = run(querying({"max_retries": 3}, query=query, target_schema="create"))
    assert job.status in ("failed", "error")
    assert (failure(job)[1], job.retry_count, job.retry_after) == (code, 0, None)
    assert job.started_at is not None


def test_a_query_that_takes_too_long_fails_as_configuration(notes: Notes) -> None:
    job_type = querying({"max_retries": 3})
    connector = job_type.source_connector
    assert connector is not None
    connector.config["query_seconds"] = 1
    connector.save()
    endless = {
        "%s": "SELECT id, pg_sleep(30)::text AS seen FROM notes",
        "?": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) SELECT max(n) AS id, 1 AS seen FROM s",
    }
    job_type.config["streams"][0]["query"] = endless[notes.mark]
    save_job_type(job_type, actor="test")
    job = run(SyncJobType.objects.get())
    assert (job.status, failure(job), job.retry_after) == ("failed", ("config", "query_timeout"), None)
    assert "longer than 1 s" in (job.failure or {})["message"]
