"""A stream sync from a real HTTP source into real databases: counts, changes, dry runs, limits and refusals."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from connectors.sandbox.faults import Fault
from connectors.sandbox.server import RunningSandbox
from syncjobs.models import Change, JobBatch, JobLog, StreamCursor, SyncJob, SyncJobType
from syncjobs.stream_specs import SpecProblems
from tests.streams.conftest import RECORDS, counts, rows_of, run

MakeItems = Callable[..., SyncJobType]


def test_first_run_inserts_all_and_the_second_finds_nothing_to_do(items: MakeItems) -> None:
    job_type = items()
    first = run(job_type)
    assert (first.status, counts(first)) == ("finished", {"read": 25, "inserted": 25}), first.error_message
    rows = rows_of(job_type)
    assert len(rows) == 25
    assert rows["C007"]["size"] == Decimal("7.5")
    again = run(job_type)
    assert (again.status, counts(again)) == ("finished", {"read": 25, "unchanged": 25})
    assert Change.objects.filter(job=again).count() == 0


def test_one_changed_one_added_and_one_removed_record_are_told_with_old_and_new(
    items: MakeItems, source: RunningSandbox
) -> None:
    job_type = items()
    run(job_type)
    source.change_rows("items", [{"code": "C003", "name": "Renamed"}, {"code": "NEW", "name": "Newcomer", "size": "1"}])
    source.delete_rows("items", ["C004"])
    job = run(job_type)
    assert counts(job) == {"read": 25, "inserted": 1, "updated": 1, "unchanged": 23}
    assert job.diff_summary == {"inserted": 1, "updated": 1}
    changes = {change.operation: change for change in Change.objects.filter(job=job)}
    assert changes["update"].key == {"code": "C003"}
    assert changes["update"].fields == {"name": ["Name 3", "Renamed"]}
    assert changes["insert"].key == {"code": "NEW"}
    assert changes["insert"].fields["name"] == [None, "Newcomer"]
    assert "C004" in rows_of(job_type), "an upsert never deletes"


def test_dry_run_keeps_the_changes_and_leaves_the_target_alone(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items()
    run(job_type)
    source.change_rows("items", [{"code": "C003", "name": "Renamed"}])
    before = rows_of(job_type)
    job = run(job_type, dry_run=True)
    assert (job.status, job.dry_run) == ("finished", True)
    assert counts(job) == {"read": 25, "updated": 1, "unchanged": 24}
    assert Change.objects.get(job=job).fields == {"name": ["Name 3", "Renamed"]}
    assert rows_of(job_type) == before


def test_dry_run_into_a_missing_table_creates_nothing(items: MakeItems) -> None:
    job_type = items()
    job = run(job_type, dry_run=True)
    assert counts(job) == {"read": 25, "inserted": 25}
    assert Change.objects.filter(job=job).count() == 25
    assert job_type.target_connector is not None
    target = job_type.target_connector.open()
    assert "items" not in [stream.name for stream in target.streams()]
    target.close()


def test_batches_are_as_large_as_asked_and_each_is_kept(items: MakeItems) -> None:
    job = run(items(batch_size=10))
    batches = JobBatch.objects.filter(job=job)
    assert [batch.state for batch in batches] == ["committed"] * 3
    assert [batch.counts["read"] for batch in batches] == [10, 10, 5]
    assert job.checkpoint["batch_no"] == 3


def test_bad_record_ends_in_error_naming_key_field_and_reason_and_keeps_earlier_batches(
    items: MakeItems, source: RunningSandbox
) -> None:
    source.change_rows("items", [{"code": "C013", "name": "sixteen"}])
    mapping = [{"to": "code", "from": "code"}, {"to": "number", "from": "name", "type": "text"}]
    mapping.append({"to": "size", "from": "size", "type": "integer"})
    job_type = items(batch_size=10, mapping=mapping)
    job = run(job_type)
    assert job.status == "error"
    assert job.failure is not None
    assert (job.failure["class"], job.failure["retryable"]) == ("data", False)
    for words in ("code=", "size", "not a whole number"):
        assert words in job.failure["message"], job.failure
    assert job.retry_after is None


def test_not_null_of_the_target_is_named_with_the_record(items: MakeItems, source: RunningSandbox) -> None:
    required = [{"to": "code", "from": "code"}, {"to": "name", "from": "name", "required": True}]
    source.change_rows("items", [{"code": "C011", "name": None}])
    job = run(items(mapping=required))
    assert job.status == "error"
    assert job.failure is not None
    assert "code=C011" in job.failure["message"]
    assert "name" in job.failure["message"]


def test_mapping_renames_types_and_cleans(items: MakeItems, source: RunningSandbox) -> None:
    source.change_rows("items", [{"code": "C001", "name": "  N/A "}, {"code": "C002", "size": "9999"}])
    strip = {"op": "strip"}
    null_if = {"op": "null_if", "values": ["N/A"]}
    bounds = {"op": "bounds", "min": 0, "max": 100, "outside": "null"}
    mapping = [
        {"to": "code", "from": "code", "type": "text", "required": True},
        {"to": "label", "from": "name", "type": "text", "transforms": [strip, null_if]},
        {"to": "size", "from": "size", "type": "float", "transforms": [bounds]},
        {"to": "origin", "value": "sandbox"},
        {"to": "title", "template": "{name} ({code})"},
        {"to": "big", "case": [{"when": {"field": "size", "op": "gt", "value": 20}, "then": "yes"}], "else": "no"},
    ]
    job_type = items(mapping=mapping)
    job = run(job_type)
    assert job.status == "finished", job.failure
    rows = rows_of(job_type)
    assert rows["C001"]["label"] is None
    assert rows["C002"]["size"] is None
    assert (rows["C005"]["size"], rows["C005"]["origin"], rows["C005"]["title"]) == (5.5, "sandbox", "Name 5 (C005)")
    assert (rows["C005"]["big"], rows["C024"]["big"]) == ("no", "yes")
    assert JobLog.objects.filter(job=job, message__contains="1 value of size to null").exists()


def test_append_adds_every_record_again(items: MakeItems) -> None:
    job_type = items(mode="append", key=[])
    assert counts(run(job_type)) == {"read": 25, "inserted": 25}
    assert counts(run(job_type)) == {"read": 25, "inserted": 25}
    assert job_type.target_connector is not None
    target = job_type.target_connector.open()
    assert target.count("items") == 50
    target.close()


def test_filters_and_columns_limit_what_is_read(items: MakeItems) -> None:
    chosen = [{"field": "code", "op": "in", "value": ["C001", "C002"]}]
    job_type = items(filters=chosen, columns=["code", "name"])
    assert counts(run(job_type)) == {"read": 2, "inserted": 2}
    assert set(rows_of(job_type)["C001"]) == {"code", "name"}


def test_window_reads_the_last_days_and_notes_how_far_it_came(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items(extent="window", window={"field": "seen", "days": 3650})
    source.change_rows("items", [{"code": "C001", "seen": "2001-01-01T00:00:00.000"}])
    source.change_rows("items", [{"code": "C002", "seen": "2026-11-05T10:30:00.000"}])
    job = run(job_type)
    assert counts(job) == {"read": 24, "inserted": 24}
    cursor = StreamCursor.objects.get(job_type=job_type)
    assert (cursor.new, cursor.rows, cursor.job) == ("2026-11-05T10:30:00Z", 24, job)


def test_explicit_range_is_a_backfill_and_moves_no_cursor(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items(extent="window", window={"field": "seen", "days": 1})
    source.change_rows("items", [{"code": "C001", "seen": "2020-02-29T23:59:00.000"}])
    job = run(job_type, start_date="2020-02-01", end_date="2020-02-29")
    assert counts(job) == {"read": 1, "inserted": 1}
    assert not StreamCursor.objects.exists()


def test_switched_off_operations_count_as_skipped(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items()
    run(job_type)
    source.change_rows("items", [{"code": "C003", "name": "Renamed"}, {"code": "NEW", "name": "Newcomer"}])
    job = run(job_type, update_enabled=False)
    assert counts(job) == {"read": 26, "inserted": 1, "unchanged": 24, "skipped": 1}
    assert rows_of(job_type)["C003"]["name"] == "Name 3"


def test_several_streams_relay_one_child_each(items: MakeItems) -> None:
    streams = [{"source": name, "target": name, "key": ["code"], "mode": "upsert"} for name in ("items", "more")]
    job_type = items(type_={"config": {"streams": streams}})
    parent = run(job_type)
    assert parent.status == "relayed"
    children = list(SyncJob.objects.filter(parent=parent).order_by("position"))
    assert [child.title for child in children] == [
        f"Items: source/{name} > target/{name}" for name in ("items", "more")
    ]
    assert [child.status for child in children] == ["queued", "queued"]
    assert {child.trigger_type for child in children} == {"relay"}


def test_endpoints_limit_the_streams_and_an_unknown_one_is_refused_with_the_list(items: MakeItems) -> None:
    streams = [{"source": name, "target": name, "key": ["code"], "mode": "upsert"} for name in ("items", "more")]
    job_type = items(type_={"config": {"streams": streams}})
    job = run(job_type, endpoints=["more"])
    assert (job.status, job.source_document_type) == ("finished", "source/more")
    with pytest.raises(SpecProblems, match="items and more"):
        run(job_type, endpoints=["mroe"])


def test_source_that_suddenly_gives_nothing_is_no_success(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items()
    run(job_type)
    source.delete_rows("items", [record["code"] for record in RECORDS])
    job = run(job_type)
    assert job.status == "error"
    assert job.failure is not None
    assert job.failure["code"] == "empty_source"
    assert len(rows_of(job_type)) == 25


def test_dropped_column_stops_the_job_before_anything_is_written(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items()
    run(job_type)
    before = rows_of(job_type)
    source.change_rows("items", [{"code": "C003", "name": "Renamed"}])
    source.set_faults(Fault("dropped_column", dataset="items", column="size"))
    job = run(job_type)
    assert job.status == "error"
    assert job.failure is not None
    assert "'size' missing in source (had: " in job.failure["message"]
    assert rows_of(job_type) == before


def test_new_column_is_ignored_with_a_warning_run_after_run(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items()
    run(job_type)
    source.set_faults(Fault("added_column", dataset="items", column="colour"))
    source.change_rows("items", [{"code": "C003", "name": "Renamed"}])
    for expected in ({"read": 25, "updated": 1, "unchanged": 24}, {"read": 25, "unchanged": 25}):
        job = run(job_type)
        assert (job.status, counts(job)) == ("finished", expected), job.failure
        assert JobLog.objects.filter(job=job, level="WARNING", message__contains="ignored: colour").exists()
    assert "colour" not in rows_of(job_type)["C003"]


def test_retyped_column_stops_the_job_and_says_from_what_to_what(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items()
    run(job_type)
    source.set_faults(Fault("retyped_column", dataset="items", column="size", type="text"))
    job = run(job_type)
    assert job.status == "error"
    assert job.failure is not None
    assert "'size' from decimal to text" in job.failure["message"]


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault("rate_limited", times=2, retry_after=1), "finished", None),
        (Fault("server_error", times=2, status=503), "finished", None),
        (Fault("truncated", times=1), "finished", None),
        (Fault("html"), "failed", "protocol"),
        (Fault("error_object", on="rows"), "failed", "protocol"),
    ],
    ids=lambda value: getattr(value, "kind", value),
)
def test_faults_of_the_source_end_as_promised(
    items: MakeItems, source: RunningSandbox, fault: Fault, status: str, code: str | None
) -> None:
    job_type = items()
    source.set_faults(fault)
    job = run(job_type)
    assert (job.status, (job.failure or {}).get("code")) == (status, code), job.failure
    if status == "finished":
        assert len(rows_of(job_type)) == 25
