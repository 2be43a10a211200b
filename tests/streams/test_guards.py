"""Guards: a run that would do too much is held before it does it, says what and how much, and goes on once approved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.sandbox.server import RunningSandbox
from syncjobs.models import Change, JobLog, SyncJob, SyncJobType
from syncjobs.operations.job_types import save_job_type
from syncjobs.operations.jobs import approve_job, discard_job
from syncjobs.operations.state_checks import find_breaches
from tests.streams.conftest import RECORDS, asides_at, counts, rows_of, run, run_here

MakeItems = Callable[..., SyncJobType]
CODES = [str(record["code"]) for record in RECORDS]


def guard(job_type: SyncJobType, guards: dict[str, float]) -> None:
    """Give the type guards after its first load."""
    job_type.guards = guards
    save_job_type(job_type, actor="test")


def reason_of(job: SyncJob) -> str:
    """What the job's last event says."""
    last = job.events.order_by("-id").first()
    assert last is not None
    return last.reason


def sample_of(job: SyncJob) -> list[dict[str, Any]]:
    """The changes that the log shows of what a held job would do."""
    line = JobLog.objects.filter(job=job, message="Some of what it would do").get()
    sample: list[dict[str, Any]] = line.fields["sample"]
    return sample


@pytest.mark.parametrize(
    ("guards", "words"),
    [
        ({"max_deletes": 2}, "3 records would be deleted, more than the guard max_deletes of 2"),
        ({"max_delete_share": 0.1}, "3 of 25 records would be deleted, a share of 0.12, more than"),
        ({"min_source_rows": 23}, "the source gave 22 records, fewer than the guard min_source_rows of 23"),
        ({"min_source_share": 0.9}, "the source gave 22 records, where job #"),
        ({"max_changes": 3}, "4 records would be changed, more than the guard max_changes of 3"),
        ({"max_change_share": 0.15}, "4 of 25 records would be changed, a share of 0.16, more than"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_mirror_is_held_by_each_guard_with_a_sample_and_goes_on_once_approved(
    items: MakeItems, source: RunningSandbox, guards: dict[str, float], words: str
) -> None:
    job_type = items(mode="mirror", batch_size=10)
    run(job_type)
    guard(job_type, guards)
    source.delete_rows("items", ["C004", "C009", "C020"])
    source.change_rows("items", [{"code": "C003", "name": "Renamed"}])
    job = run(job_type)
    assert job.status == "held", job.failure
    assert words in reason_of(job)
    assert len(rows_of(job_type)) == 25
    looks_first = any("change" in name for name in guards)
    assert rows_of(job_type)["C003"]["name"] == ("Name 3" if looks_first else "Renamed")
    assert counts(job) == ({} if looks_first else {"read": 22, "updated": 1, "unchanged": 21})
    assert ("1 updates are written" in reason_of(job)) is not looks_first
    if looks_first:
        assert sample_of(job)[0]["fields"] == {"name": ["Name 3", "Renamed"]}
    else:
        assert [change["key"]["code"] for change in sample_of(job)] == ["C004", "C009", "C020"]
    approve_job(job.pk, actor="test")
    job = run_here(job)
    assert (job.status, counts(job)) == ("finished", {"read": 22, "updated": 1, "unchanged": 21, "deleted": 3})
    assert len(rows_of(job_type)) == 22
    assert asides_at("target") == []
    assert list(find_breaches()) == []


@pytest.mark.parametrize(
    "guards",
    [
        {"max_deletes": 3, "max_delete_share": 0.12, "max_changes": 4, "max_change_share": 0.16},
        {"min_source_rows": 22, "min_source_share": 0.88},
    ],
    ids=["most", "least"],
)
@pytest.mark.parametrize("mode", ["mirror", "replace"])
def test_run_that_just_keeps_its_guards_is_not_held(
    items: MakeItems, source: RunningSandbox, guards: dict[str, float], mode: str
) -> None:
    job_type = items(mode=mode)
    run(job_type)
    source.delete_rows("items", ["C004", "C009", "C020"])
    source.change_rows("items", [{"code": "C003", "name": "Renamed"}])
    guard(job_type, guards)
    job = run(job_type)
    assert job.status == "finished", reason_of(job)
    assert len(rows_of(job_type)) == 22


@pytest.mark.parametrize(
    ("guards", "words"),
    [
        ({"max_deletes": 2}, "3 records would be deleted"),
        ({"min_source_share": 0.95}, "the source gave 23 records, where job #"),
        ({"max_change_share": 0.1}, "5 of 25 records would be changed"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_replacement_is_held_before_the_swap_and_swaps_once_approved(
    items: MakeItems, source: RunningSandbox, guards: dict[str, float], words: str
) -> None:
    job_type = items(mode="replace", batch_size=10)
    run(job_type)
    guard(job_type, guards)
    before = rows_of(job_type)
    source.delete_rows("items", ["C004", "C009", "C020"])
    source.change_rows("items", [{"code": "C003", "name": "Renamed"}, {"code": "NEW", "name": "Newcomer"}])
    job = run(job_type)
    assert job.status == "held", job.failure
    assert words in reason_of(job)
    assert rows_of(job_type) == before
    assert counts(job) == {"read": 23, "skipped": 23}
    assert [change["key"]["code"] for change in sample_of(job)] == ["C004", "C009", "C020"]
    approve_job(job.pk, actor="test")
    job = run_here(job)
    assert (job.status, counts(job)) == ("finished", {"read": 23, "inserted": 23, "deleted": 25})
    assert rows_of(job_type).keys() == {*CODES, "NEW"} - {"C004", "C009", "C020"}
    assert list(find_breaches()) == []


@pytest.mark.parametrize("mode", ["mirror", "replace"])
def test_source_that_suddenly_gives_nothing_empties_no_target(
    items: MakeItems, source: RunningSandbox, mode: str
) -> None:
    job_type = items(mode=mode)
    run(job_type)
    source.delete_rows("items", CODES)
    job = run(job_type)
    assert job.status == "held"
    assert "the source gave no record, so all 25 of the target would go" in reason_of(job)
    assert len(rows_of(job_type)) == 25
    approve_job(job.pk, actor="test")
    job = run_here(job)
    assert (job.status, counts(job)) == ("finished", {"deleted": 25}), job.failure
    assert rows_of(job_type) == {}


@pytest.mark.parametrize("mode", ["mirror", "replace"])
def test_source_that_may_be_empty_empties_the_target(items: MakeItems, source: RunningSandbox, mode: str) -> None:
    job_type = items({"guards": {"min_source_rows": 0}}, mode=mode)
    run(job_type)
    source.delete_rows("items", CODES)
    job = run(job_type)
    assert (job.status, counts(job)) == ("finished", {"deleted": 25}), reason_of(job)


@pytest.mark.parametrize("mode", ["mirror", "replace"])
def test_first_load_has_no_share_to_break(items: MakeItems, mode: str) -> None:
    guards = {"max_delete_share": 0, "max_change_share": 0.01, "min_source_share": 1}
    assert counts(run(items({"guards": guards}, mode=mode))) == {"read": 25, "inserted": 25}


def test_discarded_job_has_deleted_nothing_and_the_next_is_held_again(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items({"guards": {"max_deletes": 0}}, mode="mirror")
    run(job_type)
    source.delete_rows("items", ["C004"])
    held = run(job_type)
    discard_job(held.pk, actor="test")
    held.refresh_from_db()
    assert (held.status, counts(held)) == ("canceled", {"read": 24, "unchanged": 24})
    again = run(job_type)
    assert (again.status, len(rows_of(job_type))) == ("held", 25)
    assert asides_at("target") == [f"_syncdeck_seen_{again.token.hex}"]


def test_dry_run_is_told_that_a_real_run_would_be_held_and_shows_everything(
    items: MakeItems, source: RunningSandbox
) -> None:
    job_type = items({"guards": {"max_deletes": 1}}, mode="mirror")
    run(job_type)
    source.delete_rows("items", ["C004", "C005"])
    job = run(job_type, dry_run=True)
    assert (job.status, counts(job)) == ("finished", {"read": 23, "unchanged": 23, "deleted": 2})
    assert Change.objects.filter(job=job, operation="delete").count() == 2
    assert JobLog.objects.filter(job=job, message__contains="would be held: items: 2 records would be").exists()


def test_share_of_the_source_is_not_taken_of_runs_over_a_range(items: MakeItems, source: RunningSandbox) -> None:
    window = {"extent": "full", "window": {"field": "seen", "days": 30}}
    source.change_rows("items", [{"code": "C001", "seen": "2020-02-10T10:00:00.000"}])
    job_type = items({"guards": {"min_source_share": 0.9}}, mode="mirror", **window)
    run(job_type)
    part = run(job_type, start_date="2020-02-01", end_date="2020-02-29")
    assert (part.status, counts(part)) == ("finished", {"read": 1, "unchanged": 1})
    source.delete_rows("items", ["C004", "C005", "C006"])
    assert run(job_type).status == "held", "the last whole run read 25, whatever the one over a range did"


@pytest.mark.parametrize("mode", ["upsert", "append"])
@pytest.mark.parametrize(
    ("guards", "left", "status", "words"),
    [
        ({}, 13, "finished", ""),
        ({}, 12, "error", "the source gave 12 records, where job #"),
        ({}, 0, "error", "the source gave no record, where job #"),
        ({"min_source_share": 0}, 1, "finished", ""),
        ({"min_source_share": 0.9}, 20, "error", "less than the share of 0.9 that the guard min_source_share"),
        (
            {"min_source_rows": 21},
            20,
            "error",
            "the source gave 20 records, fewer than the guard min_source_rows of 21",
        ),
        ({"min_source_rows": 0}, 0, "finished", ""),
    ],
    ids=["over half", "under half", "none", "any share", "share", "rows", "may be empty"],
)
@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_whole_source_that_shrank_is_no_success_where_nothing_is_deleted_either(
    items: MakeItems, source: RunningSandbox, mode: str, guards: dict[str, float], left: int, status: str, words: str
) -> None:
    job_type = items({"guards": guards}, mode=mode, key=["code"] if mode == "upsert" else [])
    run(job_type)
    source.delete_rows("items", CODES[left:])
    job = run(job_type)
    assert (job.status, words in reason_of(job)) == (status, True), reason_of(job)
    if status == "error":
        assert job.failure is not None
        assert "of the type lower" in job.failure["hint"]


def test_part_of_a_source_may_have_any_size(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items(filters=[{"field": "code", "op": "lt", "value": "C020"}])
    run(job_type)
    source.delete_rows("items", CODES[3:])
    assert counts(run(job_type)) == {"read": 3, "unchanged": 3}


def test_mirror_of_a_few_records_may_lose_half_of_them(items: MakeItems, source: RunningSandbox) -> None:
    source.delete_rows("items", CODES[8:])
    job_type = items(mode="mirror")
    run(job_type)
    source.delete_rows("items", CODES[4:8])
    assert counts(run(job_type)) == {"read": 4, "unchanged": 4, "deleted": 4}
