"""Mirrors with soft deletes: what the source no longer has is marked, counted as deleted, unmarked once it is back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from connectors.sandbox.server import RunningSandbox
from syncjobs.clock import db_now
from syncjobs.models import Change, SyncJob, SyncJobType
from syncjobs.operations.plans import apply_plan, approve_plan
from syncjobs.operations.previews import preview_stream
from syncjobs.operations.reverting import revert_job
from syncjobs.operations.state_checks import find_breaches
from syncjobs.statuses import Trigger
from tests.streams.conftest import RECORDS, asides_at, counts, rows_of, run, run_here
from tests.streams.people import SQLAtTarget
from tests.streams.test_straight import Databases, both, was_copied
from tests.streams.test_straight import job_type as straight_type

__all__ = ["both"]

MakeItems = Callable[..., SyncJobType]
SOFT = {"policy": "soft", "field": "deleted_at"}
FLAG = {"policy": "soft", "field": "is_deleted", "type": "boolean"}


def marked(job_type: SyncJobType, field: str = "deleted_at") -> dict[str, Any]:
    """{code: mark} of the records that are marked as deleted."""
    return {code: row[field] for code, row in rows_of(job_type).items() if row[field]}


def marks_in(job: SyncJob, field: str = "deleted_at") -> dict[str, list[Any]]:
    """{code: old and new mark} of the changes that change nothing else."""
    kept = Change.objects.filter(job=job, operation="update")
    return {one.key["code"]: one.fields[field] for one in kept if one.fields.keys() == {field}}


def test_missing_record_is_marked_with_the_time_and_unmarked_when_it_is_back(
    items: MakeItems, source: RunningSandbox
) -> None:
    job_type = items(mode="mirror", deletes=SOFT, batch_size=10)
    assert counts(run(job_type)) == {"read": 25, "inserted": 25}
    assert marked(job_type) == {}
    source.delete_rows("items", ["C004", "C020"])
    source.change_rows("items", [{"code": "C003", "name": "Renamed"}])
    before = db_now()
    job = run(job_type)
    assert job.status == "finished", job.failure
    assert counts(job) == {"read": 23, "updated": 1, "unchanged": 22, "deleted": 2}
    found = marked(job_type)
    assert found.keys() == {"C004", "C020"}
    assert all(before - dt.timedelta(seconds=1) <= at <= db_now() for at in found.values())
    assert {code: old for code, (old, _) in marks_in(job).items()} == {"C004": None, "C020": None}
    assert len(rows_of(job_type)) == 25
    assert (list(find_breaches()), asides_at("target")) == ([], [])
    assert counts(run(job_type)) == {"read": 23, "unchanged": 23}
    assert marked(job_type) == found  # the time of the first run that missed them
    source.change_rows("items", [RECORDS[4]])
    back = run(job_type)
    assert counts(back) == {"read": 24, "updated": 1, "unchanged": 23}
    assert marks_in(back)["C004"][1] is None
    assert marked(job_type).keys() == {"C020"}


def test_flag_marks_records_that_were_there_before_and_have_none(
    items: MakeItems, source: RunningSandbox, sql_at_target: SQLAtTarget
) -> None:
    job_type = items(mode="mirror", deletes=FLAG)
    run(job_type)
    sql_at_target("DROP TABLE items")
    sql_at_target("CREATE TABLE items (code varchar(9) PRIMARY KEY, name text, is_deleted boolean)")
    sql_at_target("INSERT INTO items (code, name) VALUES ('OLD', 'Nobody'), ('C001', 'Name 1')")
    mapping = [{"to": name, "from": name} for name in ("code", "name")]
    job_type = items({"slug": "flagged"}, mode="mirror", deletes=FLAG, mapping=mapping)
    job = run(job_type)
    assert counts(job) == {"read": 25, "inserted": 24, "updated": 1, "deleted": 1}, job.failure
    assert marks_in(job, "is_deleted") == {"OLD": [None, True], "C001": [None, False]}
    assert marked(job_type, "is_deleted") == {"OLD": True}
    assert counts(run(job_type)) == {"read": 25, "unchanged": 25}


def test_dry_run_plan_and_revert_of_soft_deletes(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items(mode="mirror", deletes=SOFT)
    run(job_type)
    before = rows_of(job_type)
    source.delete_rows("items", ["C004", "C020"])
    source.change_rows("items", [{"code": "C003", "name": "Renamed"}])
    plan = run(job_type, dry_run=True)
    assert counts(plan) == {"read": 23, "updated": 1, "unchanged": 22, "deleted": 2}
    assert marks_in(plan).keys() == {"C004", "C020"}
    assert rows_of(job_type) == before
    approve_plan(plan.pk, actor="ann")
    applied = run_here(apply_plan(plan.pk, trigger=Trigger.CLI, actor="ann"))
    assert counts(applied) == {"read": 1, "updated": 1, "deleted": 2}, applied.failure
    assert marked(job_type).keys() == {"C004", "C020"}
    assert counts(run(job_type)) == {"read": 23, "unchanged": 23}
    reverted = run_here(revert_job(applied.pk, actor="ann"))
    assert counts(reverted) == {"read": 3, "updated": 3}, reverted.failure
    assert rows_of(job_type) == before
    assert list(find_breaches()) == []


@pytest.mark.parametrize("guards", [{"max_deletes": 2}, {"max_delete_share": 0.1}, {"max_changes": 2}])
def test_guards_hold_soft_deletes_like_hard_ones(
    items: MakeItems, source: RunningSandbox, guards: dict[str, Any]
) -> None:
    job_type = items({"guards": guards}, mode="mirror", deletes=SOFT)
    run(items({"slug": "first"}, mode="mirror", deletes=SOFT))
    source.delete_rows("items", ["C001", "C002", "C003"])
    job = run(job_type)
    assert job.status == "held", job.failure
    assert marked(job_type) == {}


def test_marked_records_are_no_part_of_what_guards_reckon_with(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items({"guards": {"max_delete_share": 0.1}}, mode="mirror", deletes=SOFT)
    run(job_type)
    for codes in (["C001", "C002"], ["C003", "C004"]):
        source.delete_rows("items", codes)
        assert counts(run(job_type))["deleted"] == 2
    source.delete_rows("items", ["C005", "C006", "C007"])  # of 21 that are left, not of 25
    assert run(job_type).status == "held"


def test_switches_for_updates_and_deletes_are_heeded(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items(mode="mirror", deletes=SOFT)
    run(job_type)
    source.delete_rows("items", ["C004"])
    assert counts(run(job_type, delete_enabled=False)) == {"read": 24, "unchanged": 24}
    assert counts(run(job_type, update_enabled=False)) == {"read": 24, "unchanged": 24, "deleted": 1}
    assert marked(job_type).keys() == {"C004"}


def test_mark_of_another_type_and_column_that_is_missing_or_taken_are_refused(
    items: MakeItems, source: RunningSandbox
) -> None:
    run(items())
    job = run(items({"slug": "missing"}, mode="mirror", deletes=SOFT))
    assert (job.status, "deleted_at" in (job.failure or {})["message"]) == ("error", True)
    taken = run(items({"slug": "taken"}, mode="mirror", deletes={"policy": "soft", "field": "seen"}))
    assert (taken.failure or {})["code"] == "mark_not_free"
    mapping = [{"to": "code", "from": "code"}]
    other = items({"slug": "other"}, mode="mirror", mapping=mapping, deletes={**FLAG, "field": "name"})
    source.delete_rows("items", ["C004"])
    assert (run(other).failure or {})["code"] == "mark_of_other_type"


def test_evolve_adds_the_column_of_the_mark(items: MakeItems, source: RunningSandbox) -> None:
    run(items())
    job_type = items({"slug": "evolving"}, mode="mirror", deletes=SOFT, schema_policy={"added": "evolve"})
    source.delete_rows("items", ["C004"])
    assert counts(run(job_type)) == {"read": 24, "unchanged": 24, "deleted": 1}
    assert [field.name for field in preview_stream(job_type).fields][-1] == "deleted_at"


def test_streams_between_databases_of_one_kind_are_marked_too(both: Databases) -> None:
    both.sql("CREATE TABLE here.things (region text, number int, note text, PRIMARY KEY (region, number))")
    both.sql("INSERT INTO here.things SELECT 'r', n, 'note' FROM generate_series(1, 9) AS n")
    job_type = straight_type(mode="mirror", deletes=SOFT)
    assert was_copied(run(job_type))
    both.sql("DELETE FROM here.things WHERE number < 3")
    job = run(job_type)
    assert (was_copied(job), counts(job)) == (True, {"read": 7, "unchanged": 7, "deleted": 2})
    both.sql("INSERT INTO here.things VALUES ('r', 1, 'back')")
    assert counts(run(job_type)) == {"read": 8, "updated": 1, "unchanged": 7}
    query = "SELECT number, note, deleted_at IS NULL FROM there.things WHERE number < 4 ORDER BY 1"
    assert both.sql(query) == [(1, "back", True), (2, "note", False), (3, "note", True)]
