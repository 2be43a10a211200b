"""Extent incremental: what a run reads again and what not, equal values, late records, and when the cursor moves."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from connectors.sandbox.faults import Fault
from connectors.sandbox.server import RunningSandbox
from syncjobs.models import JobLog, StreamCursor, SyncJob, SyncJobType
from syncjobs.operations.cursors import (
    RewindRefused,
    list_cursor_entries,
    list_streams,
    restart_job_type,
    rewind_cursor,
)
from syncjobs.operations.job_types import run_job_type, save_job_type
from syncjobs.operations.jobs import cancel_job, restart_job, retry_job, run_queued_job_here
from syncjobs.statuses import Trigger
from tests.streams.conftest import counts, rows_of, run

MakeItems = Callable[..., SyncJobType]
BY_SEEN: dict[str, Any] = {"extent": "incremental", "cursor": {"field": "seen", "overlap_seconds": 300}}
FIRST = "2020-11-01T08:00:00Z"


@pytest.fixture(autouse=True)
def long_past(source: RunningSandbox) -> None:
    """All 25 records were seen at one time, which no clock of a test machine has before it."""
    moment = FIRST.replace("Z", ".000")
    source.change_rows("items", [{"code": f"C{number:03d}", "seen": moment} for number in range(25)])


def see(source: RunningSandbox, code: str, seen: str | None, **values: object) -> None:
    source.change_rows("items", [{"code": code, "seen": seen} | values])


def standing(job_type: SyncJobType) -> Any:
    """Where the cursor of the stream stands."""
    return list_cursor_entries(job_type, "items")[0].new


def warned(job: SyncJob, text: str) -> bool:
    return JobLog.objects.filter(job=job, level="WARNING", message__contains=text).exists()


def run_on(job: SyncJob) -> SyncJob:
    return run_queued_job_here(job, on_wait=pytest.fail)


def test_first_run_reads_all_and_the_next_only_what_is_new_or_late(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items(**BY_SEEN)
    first = run(job_type)
    assert (first.status, counts(first)) == ("finished", {"read": 25, "inserted": 25}), first.failure
    (entry,) = list_cursor_entries(job_type, "items")
    assert (entry.field, entry.old, entry.new, entry.rows, entry.job) == ("seen", None, FIRST, 25, first)
    see(source, "C001", "2020-11-01T09:00:00.000", name="Later")
    see(source, "LATE", "2020-11-01T07:56:00.000", name="Committed late, within the overlap")
    see(source, "LOST", "2020-11-01T07:54:59.000", name="Too late for the overlap")
    second = run(job_type)
    assert counts(second) == {"read": 26, "inserted": 1, "updated": 1, "unchanged": 24}
    assert rows_of(job_type).keys() >= {"LATE", "C001"}
    assert "LOST" not in rows_of(job_type)
    third = run(job_type)
    assert counts(third) == {"read": 1, "unchanged": 1}
    assert [entry.new for entry in list_cursor_entries(job_type, "items")] == ["2020-11-01T09:00:00Z", FIRST]


def test_estimate_counts_only_what_will_be_read(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items(**BY_SEEN)
    assert run(job_type).total_estimate == 25
    see(source, "C001", "2020-11-01T09:00:00.000")
    run(job_type)
    assert run(job_type).total_estimate == 1


@pytest.mark.parametrize("batch_size", [1, 4, 25])
def test_equal_values_over_the_edges_of_batches_are_neither_lost_nor_doubled(
    items: MakeItems, source: RunningSandbox, batch_size: int
) -> None:
    see(source, "C024", "2020-11-01T08:00:01.000")
    job_type = items(**BY_SEEN, batch_size=batch_size, mode="append", key=[])
    assert counts(run(job_type)) == {"read": 25, "inserted": 25}
    assert len(rows_of(job_type)) == 25
    assert standing(job_type) == "2020-11-01T08:00:01Z"


def test_reading_nothing_new_is_well_and_moves_nothing(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items(**BY_SEEN)
    run(job_type)
    source.delete_rows("items", [f"C{number:03d}" for number in range(25)])
    job = run(job_type)
    assert (job.status, counts(job)) == ("finished", {})
    assert StreamCursor.objects.filter(job_type=job_type).count() == 1


def test_cursor_never_moves_back(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items(**BY_SEEN)
    see(source, "C001", "2020-11-01T08:04:00.000")
    run(job_type)
    source.delete_rows("items", ["C001"])
    job = run(job_type)
    assert counts(job) == {"read": 24, "unchanged": 24}
    assert standing(job_type) == "2020-11-01T08:04:00Z"
    assert StreamCursor.objects.filter(job_type=job_type).count() == 1


def test_records_without_a_value_are_left_to_full_runs_and_told_of(items: MakeItems, source: RunningSandbox) -> None:
    see(source, "C001", None)
    see(source, "C002", None)
    job_type = items(**BY_SEEN)
    job = run(job_type)
    assert counts(job) == {"read": 23, "inserted": 23}
    assert warned(job, "2 records have no seen")
    assert counts(run(items(extent="full", type_={"slug": "whole"})))["read"] == 25


def test_append_takes_only_what_lies_behind_the_cursor(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items(**BY_SEEN, mode="append", key=[])
    run(job_type)
    assert counts(run(job_type)) == {}
    see(source, "C001", "2020-11-01T08:00:00.001")
    assert counts(run(job_type)) == {"read": 1, "inserted": 1}
    assert job_type.target_connector is not None
    target = job_type.target_connector.open()
    assert target.count("items") == 26
    target.close()


def test_numbers_and_texts_can_be_cursors_with_an_overlap_in_their_own_unit(
    items: MakeItems, source: RunningSandbox
) -> None:
    by_size = items(extent="incremental", cursor={"field": "size", "overlap": 1.5})
    run(by_size)
    assert standing(by_size) == "24.5"
    see(source, "C001", None, size="100")
    assert counts(run(by_size)) == {"read": 3, "updated": 1, "unchanged": 2}
    by_code = items(type_={"slug": "by-code"}, extent="incremental", cursor={"field": "code"})
    run(by_code)
    assert standing(by_code) == "C024"
    see(source, "C025", None)
    assert counts(run(by_code)) == {"read": 2, "inserted": 1, "unchanged": 1}


def test_time_to_come_does_not_carry_the_cursor_away(items: MakeItems, source: RunningSandbox) -> None:
    see(source, "C001", "2120-01-01T00:00:00.000")
    job_type = items(**BY_SEEN)
    job = run(job_type)
    assert counts(job) == {"read": 25, "inserted": 25}
    assert warned(job, "lies in the future")
    assert FIRST < standing(job_type) < "2120"
    assert counts(run(job_type)) == {"read": 1, "unchanged": 1}, "it is read again, and is the same"


def test_dry_run_and_backfill_move_nothing_and_a_backfill_begins_at_its_own_start(
    items: MakeItems, source: RunningSandbox
) -> None:
    job_type = items(**BY_SEEN, window={"field": "seen", "days": 1})
    assert counts(run(job_type, dry_run=True)) == {"read": 25, "inserted": 25}
    assert not StreamCursor.objects.exists()
    run(job_type)
    see(source, "OLD", "2019-05-05T00:00:00.000")
    see(source, "NEW", "2020-12-01T00:00:00.000")
    assert counts(run(job_type, dry_run=True))["inserted"] == 1
    assert counts(run(job_type, start_date="2019-01-01", end_date="2019-12-31")) == {"read": 1, "inserted": 1}
    assert standing(job_type) == FIRST
    assert StreamCursor.objects.count() == 1


def test_failed_job_leaves_the_cursor_and_its_retry_goes_on(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items(**BY_SEEN, batch_size=10)
    pages_before = 2
    source.set_faults(Fault("html", on="rows", after=4))  # two counts and two pages pass
    job = run(job_type)
    assert (job.status, counts(job)) == ("failed", {"read": pages_before * 10, "inserted": 20}), job.failure
    assert not StreamCursor.objects.exists()
    source.clear_faults()
    job = run_on(retry_job(job.pk, actor="test"))
    assert (job.status, counts(job)) == ("finished", {"read": 25, "inserted": 25})
    assert (standing(job_type), job.batches.count()) == (FIRST, 3)


def test_new_job_after_a_failed_one_begins_at_the_stored_cursor_again(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items(**BY_SEEN, batch_size=10)
    source.set_faults(Fault("html", on="rows", after=4))
    failed = run(job_type)
    source.clear_faults()
    assert counts(run(job_type)) == {"read": 25, "inserted": 5, "unchanged": 20}
    assert standing(job_type) == FIRST
    see(source, "C001", "2020-11-01T09:00:00.000")
    run(job_type)
    stale = run_on(retry_job(failed.pk, actor="test"))
    assert stale.status == "finished"
    assert warned(stale, "The cursor stays")
    assert standing(job_type) == "2020-11-01T09:00:00Z"


def test_run_that_skips_what_its_type_would_write_leaves_the_cursor(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items(**BY_SEEN)
    run(job_type)
    see(source, "C001", "2020-11-01T09:00:00.000", name="Changed")
    job = run(job_type, update_enabled=False)
    assert warned(job, "The cursor stays")
    assert counts(run(job_type)) == {"read": 25, "updated": 1, "unchanged": 24}
    assert standing(job_type) == "2020-11-01T09:00:00Z"


def test_cursor_of_another_field_is_not_used(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items(**BY_SEEN)
    run(job_type)
    job_type.config["streams"][0]["cursor"] = {"field": "size"}
    save_job_type(job_type, actor="test")
    job = run(job_type)
    assert counts(job) == {"read": 25, "unchanged": 25}
    assert warned(job, "no run has gone by size yet")
    assert [(entry.field, entry.old) for entry in list_cursor_entries(job_type, "items")] == [
        ("size", None),
        ("seen", None),
    ]


def test_window_that_became_incremental_begins_at_the_beginning(items: MakeItems, source: RunningSandbox) -> None:
    see(source, "C001", "2001-01-01T00:00:00.000")
    job_type = items(extent="window", window={"field": "seen", "days": 6000})
    assert counts(run(job_type))["read"] == 24
    job_type.config["streams"][0] |= BY_SEEN
    save_job_type(job_type, actor="test")
    assert counts(run(job_type)) == {"read": 25, "inserted": 1, "unchanged": 24}


@pytest.mark.parametrize("field", ["sene", "name"])
def test_field_that_is_missing_or_has_changed_its_type_is_named(
    items: MakeItems, source: RunningSandbox, field: str
) -> None:
    job_type = items(extent="incremental", cursor={"field": field})
    if field == "name":
        StreamCursor.objects.create(job_type=job_type, stream="items", field="name", new="x", created_at=FIRST)
        source.set_faults(Fault("retyped_column", dataset="items", column="name", type="number"))
    job = run(job_type)
    assert (job.status, (job.failure or {})["code"]) == ("failed", "bad_cursor")
    assert field in (job.failure or {})["message"]


def test_emptied_target_is_told_that_older_records_do_not_come_again(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items(**BY_SEEN)
    run(job_type)
    job_type.config["streams"][0]["target"] = "elsewhere"
    save_job_type(job_type, actor="test")
    see(source, "NEW", "2020-12-01T00:00:00.000")
    job = run(job_type)
    assert counts(job) == {"read": 26, "inserted": 26}
    assert warned(job, "The target is empty")


# Rewind and restart


def test_rewind_lets_the_next_run_begin_at_an_earlier_entry(
    items: MakeItems, source: RunningSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    job_type = items(**BY_SEEN)
    run(job_type)
    see(source, "C001", "2020-12-01T00:00:00.000")
    run(job_type)
    earlier = list_cursor_entries(job_type, "items")[-1]
    with caplog.at_level(logging.INFO, "syncjobs.cursors"):
        added = rewind_cursor(job_type, "items", earlier.pk, actor="ann", reason="late batch at the source")
    assert (added.old, added.new, added.job) == ("2020-12-01T00:00:00Z", FIRST, None)
    assert "by ann: late batch at the source" in caplog.text
    assert counts(run(job_type)) == {"read": 25, "unchanged": 25}
    assert counts(run(job_type)) == {"read": 1, "unchanged": 1}
    rewind_cursor(job_type, "items", None, actor="ann")
    assert standing(job_type) is None
    see(source, "OLD", "1990-01-01T00:00:00.000")
    assert counts(run(job_type)) == {"read": 26, "inserted": 1, "unchanged": 25}


def test_rewind_is_refused_while_a_job_is_active_and_for_what_there_is_not(items: MakeItems) -> None:
    job_type = items(**BY_SEEN)
    run(job_type)
    waiting = run_job_type(job_type, trigger=Trigger.CLI, actor="test")
    with pytest.raises(RewindRefused, match=f"#{waiting.pk} of items is queued"):
        rewind_cursor(job_type, "items", None, actor="ann")
    cancel_job(waiting.pk, actor="test")
    with pytest.raises(RewindRefused, match="no incremental stream 'more'"):
        rewind_cursor(job_type, "more", None, actor="ann")
    with pytest.raises(RewindRefused, match="no entry 999999"):
        rewind_cursor(job_type, "items", 999_999, actor="ann")
    other = StreamCursor.objects.create(job_type=job_type, stream="items", field="", new=FIRST, created_at=FIRST)
    with pytest.raises(RewindRefused, match="of a window"):
        rewind_cursor(job_type, "items", other.pk, actor="ann")
    assert list_streams(job_type) == ["items"]


def test_retry_of_a_job_from_before_a_rewind_does_not_undo_it(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items(**BY_SEEN, batch_size=10)
    run(job_type)
    for number in range(5, 25):
        see(source, f"C{number:03d}", "2020-12-01T00:00:00.000")
    source.set_faults(Fault("html", on="rows", after=3))
    failed = run(job_type)
    assert failed.status == "failed"
    assert counts(failed)
    source.clear_faults()
    rewind_cursor(job_type, "items", None, actor="ann")
    assert run_on(retry_job(failed.pk, actor="test")).status == "finished"
    assert standing(job_type) is None


def test_restart_of_a_job_and_of_a_type_read_everything_again(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items(**BY_SEEN)
    first = run(job_type)
    see(source, "OLD", "1990-01-01T00:00:00.000")
    assert counts(run_on(restart_job(first.pk, actor="ann"))) == {"read": 26, "inserted": 1, "unchanged": 25}
    assert [entry.new for entry in list_cursor_entries(job_type, "items")] == [FIRST, None, FIRST]
    again = restart_job_type(job_type, trigger=Trigger.CLI, actor="ann")
    assert standing(job_type) is None
    assert counts(run_on(again)) == {"read": 26, "unchanged": 26}


def test_restart_of_a_dry_run_or_a_backfill_leaves_the_cursor(items: MakeItems) -> None:
    job_type = items(**BY_SEEN, window={"field": "seen", "days": 1})
    run(job_type)
    for options in ({"dry_run": True}, {"start_date": "2020-01-01"}):
        restart_job(run(job_type, **options).pk, actor="ann")
    assert standing(job_type) == FIRST
