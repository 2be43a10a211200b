"""Revert brings back what each record was before a job, where it is still as the job left it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.models import Connector
from connectors.sandbox.server import RunningSandbox
from syncjobs.lifecycle import StatusConflict, allowed_actions
from syncjobs.models import Change, Conflict, JobBatch, SyncJob, SyncJobType
from syncjobs.operations.job_types import save_job_type
from syncjobs.operations.jobs import retry_job
from syncjobs.operations.plans import apply_plan, approve_plan
from syncjobs.operations.reverting import reversals_of, revert_job
from syncjobs.operations.state_checks import find_breaches
from syncjobs.statuses import Trigger
from syncjobs.streams import exactly_once
from tests.streams.conftest import counts, rows_of, run, run_here
from tests.streams.people import MAPPING, People, SQLAtTarget, people_at

MakeItems = Callable[..., SyncJobType]


def revert(job: SyncJob) -> SyncJob:
    return run_here(revert_job(job.pk, actor="ann"))


def refusal(job: SyncJob) -> str:
    """Why the job can not be reverted."""
    with pytest.raises(StatusConflict) as raised:
        revert_job(job.pk, actor="ann")
    assert "revert" not in raised.value.allowed_actions
    return str(raised.value)


@pytest.fixture
def second(items: MakeItems, source: RunningSandbox) -> SyncJob:
    """The second run of a mirror: an insert, two updates and a delete."""
    job_type = items(mode="mirror", batch_size=10)
    run(job_type)
    source.delete_rows("items", ["C004"])
    source.change_rows("items", [{"code": "C003", "name": "Renamed", "size": None}, {"code": "C007", "name": "Moved"}])
    source.change_rows("items", [{"code": "NEW", "name": "Newcomer", "size": "1.50"}])
    return run(job_type)


def test_second_run_is_undone_record_by_record(second: SyncJob) -> None:
    assert "revert" in allowed_actions(second)
    job = revert(second)
    assert (job.status, job.failure, job.trigger_type) == ("finished", None, "revert")
    assert counts(job) == {"read": 3, "inserted": 1, "updated": 2, "deleted": 1}
    rows = rows_of(second.job_type)
    assert rows.keys() == {f"C{number:03d}" for number in range(25)}
    for code, row in rows.items():
        number = int(code[1:])
        assert (row["name"], float(row["size"]), row["seen"]) == (f"Name {number}", number + 0.5, rows["C000"]["seen"])
    assert reversals_of(second) == [job.pk]
    assert list(find_breaches()) == []
    kept = {one.key["code"]: one for one in Change.objects.filter(job=job)}
    assert kept["C003"].fields == {"name": ["Renamed", "Name 3"], "size": [None, "3.5"]}
    again = revert(job)  # which is a job like any other, so it can be undone, too
    assert counts(again) == {"read": 3, "inserted": 1, "updated": 2, "deleted": 1}
    assert counts(run(second.job_type)) == {"read": 25, "unchanged": 25}


def test_records_that_changed_since_are_conflicts_and_left_alone(second: SyncJob, sql_at_target: SQLAtTarget) -> None:
    sql_at_target("UPDATE items SET name = 'Foreign' WHERE code IN ('C003', 'NEW')")
    sql_at_target("UPDATE items SET size = 9 WHERE code = 'C007'")  # of which the job had changed the name
    sql_at_target("INSERT INTO items (code, name) VALUES ('C004', 'Back again')")
    job = revert(second)
    assert counts(job) == {"read": 4, "updated": 1, "skipped": 3}
    found = {one.key["code"]: (one.operation, one.reason) for one in Conflict.objects.filter(job=job)}
    assert found == {"NEW": ("delete", "changed"), "C003": ("update", "changed"), "C004": ("insert", "exists")}
    rows = rows_of(second.job_type)
    assert {rows[code]["name"] for code in ("C003", "NEW")} == {"Foreign"}
    assert (rows["C004"]["name"], rows["C007"]["name"], float(rows["C007"]["size"])) == ("Back again", "Name 7", 9.0)


def test_field_that_was_empty_when_inserted_and_is_not_now_is_a_change_since(
    items: MakeItems, source: RunningSandbox, sql_at_target: SQLAtTarget
) -> None:
    job_type = items()
    run(job_type)
    source.change_rows("items", [{"code": "NEW", "name": "Newcomer"}, {"code": "SECOND", "name": "Another"}])
    job = run(job_type)
    sql_at_target("UPDATE items SET size = 3 WHERE code = 'NEW'")
    reverted = revert(job)
    assert counts(reverted) == {"read": 1, "deleted": 1, "skipped": 1}
    assert Conflict.objects.get(job=reverted).fields == {"size": [None, "3"]}
    assert {"NEW", "SECOND"} & rows_of(job_type).keys() == {"NEW"}


def test_applied_plan_is_undone_like_a_run(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items(mode="mirror")
    run(job_type)
    before = rows_of(job_type)
    source.delete_rows("items", ["C004"])
    source.change_rows("items", [{"code": "NEW", "name": "Newcomer"}, {"code": "C003", "name": None}])
    planned = run(job_type, dry_run=True)
    approve_plan(planned.pk, actor="ann")
    job = run_here(apply_plan(planned.pk, trigger=Trigger.CLI, actor="ann"))
    assert counts(revert(job)) == {"read": 2, "inserted": 1, "updated": 1, "deleted": 1}
    assert rows_of(job_type) == before


def test_record_that_a_job_changed_twice_comes_back_as_it_was_at_first(people: People, target: str) -> None:
    people.put((one, f"{one}@example.org", "40", None, "first") for one in range(6))
    job_type = people.job_type(key=["email"], batch_size=2)
    run(job_type)
    before = people_at(Connector.objects.get(slug=target))
    people.put((one, "3@example.org", str(one), None, f"again {one}") for one in range(6))
    job = run(job_type)
    assert Change.objects.filter(job=job, operation="update").count() == 3
    assert counts(revert(job)) == {"read": 3, "updated": 3}
    assert people_at(Connector.objects.get(slug=target)) == before


@pytest.mark.parametrize(
    ("stream", "type_", "options", "told"),
    [
        ({}, {}, {}, "a first load"),
        ({}, {"verbose_logging": True, "changes_kept": 4}, {}, "kept 4 of its 25 changes; more than 4 (changes_kept)"),
        ({"mode": "replace"}, {"verbose_logging": True}, {}, "mode replace keeps no changes"),
        ({"mode": "append", "key": []}, {"verbose_logging": True}, {}, "no key"),
        ({}, {}, {"dry_run": True}, "a dry run writes nothing"),
        (
            {"filters": [{"field": "code", "op": "eq", "value": "C001"}]},
            {},
            {"insert_enabled": False},
            "changed nothing",
        ),
    ],
    ids=["first load", "too many", "replace", "no key", "dry run", "nothing"],
)
def test_job_that_can_not_be_reverted_says_why(
    items: MakeItems, stream: dict[str, Any], type_: dict[str, Any], options: dict[str, Any], told: str
) -> None:
    job = run(items(type_, **stream), **options)
    assert job.status == "finished", job.failure
    assert told.replace("a first load", "it loaded an empty target") in refusal(job)


def test_first_load_that_kept_its_values_is_undone_too(items: MakeItems) -> None:
    job_type = items({"verbose_logging": True})
    job = run(job_type)
    assert counts(revert(job)) == {"deleted": 25}
    assert rows_of(job_type) == {}


def test_masked_fields_keep_a_job_from_being_reverted(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items()
    job_type.config["masked_fields"] = ["name"]
    save_job_type(job_type, actor="test")
    run(job_type)
    source.change_rows("items", [{"code": "C003", "name": "Renamed"}])
    assert "the values of masked fields are not kept: name" in refusal(run(job_type))


def test_failed_job_is_canceled_and_what_it_wrote_is_undone(people: People, target: str) -> None:
    people.add(*range(20))
    mapping = [rule | {"required": True} if rule["to"] == "email" else rule for rule in MAPPING]
    job_type = people.job_type(batch_size=5, mapping=mapping, on_reject={"policy": "stop"})
    run(job_type)
    before = people_at(Connector.objects.get(slug=target))
    people.add(*range(20), note="Changed")
    people.add(13, email=None)
    failed = run(job_type)
    assert (failed.status, failed.counts["updated"]) == ("error", 10)
    job = revert(failed)
    assert counts(job) == {"read": 10, "updated": 10}
    assert people_at(Connector.objects.get(slug=target)) == before
    failed.refresh_from_db()
    assert (failed.status, failed.cancel_reason) == ("canceled", f"reverted as #{job.pk}")
    with pytest.raises(StatusConflict):
        retry_job(failed.pk, actor="ann")


class Died(BaseException):
    """The process is no more."""


def die_at(monkeypatch: pytest.MonkeyPatch, point: str, number: int) -> None:
    """End the attempt when it comes to the point for that time, as if its process had died there."""
    reached: list[str] = []

    def crash(here: str) -> None:
        reached.append(here)
        if here == point and reached.count(point) == number:
            raise Died

    monkeypatch.setattr(exactly_once, "crash_here", crash)


@pytest.mark.parametrize("point", ["before_commit", "after_target_commit"])
def test_reversal_that_dies_amid_its_batches_goes_on_and_makes_each_change_once(
    people: People, target: str, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    people.add(*range(20))
    job_type = people.job_type(batch_size=5)
    run(job_type)
    before = people_at(Connector.objects.get(slug=target))
    people.add(*range(30), note="Changed")
    second = run(job_type)
    assert counts(second) == {"read": 30, "inserted": 10, "updated": 20}
    die_at(monkeypatch, point, 3)
    job = revert(second)
    assert (job.status, JobBatch.objects.filter(job=job, state="open").count()) == ("failed", 1)
    retry_job(job.pk, actor="ann")
    job = run_here(job)
    assert (job.status, job.attempt, counts(job)) == ("finished", 2, {"read": 20, "updated": 20, "deleted": 10})
    assert people_at(Connector.objects.get(slug=target)) == before
    assert Change.objects.filter(job=job).values("key_hash").distinct().count() == 30
    assert list(find_breaches()) == []


@pytest.mark.parametrize(("point", "written"), [("before_commit", 5), ("after_target_commit", 10)])
def test_batch_that_a_dead_job_left_open_is_undone_if_the_target_has_it(
    people: People, target: str, monkeypatch: pytest.MonkeyPatch, point: str, written: int
) -> None:
    people.add(*range(20))
    job_type = people.job_type(batch_size=5)
    run(job_type)
    before = people_at(Connector.objects.get(slug=target))
    people.add(*range(20), note="Changed")
    die_at(monkeypatch, point, 2)
    dead = run(job_type)
    assert (dead.status, dead.counts["updated"]) == ("failed", 5)
    assert sum(row["note"] == "Changed" for row in people_at(Connector.objects.get(slug=target)).values()) == written
    assert counts(revert(dead)) == {"read": written, "updated": written}
    assert people_at(Connector.objects.get(slug=target)) == before


def test_column_that_the_target_computes_is_compared_and_never_written(
    items: MakeItems, source: RunningSandbox, sql_at_target: SQLAtTarget
) -> None:
    computed = "loud text GENERATED ALWAYS AS (upper(name)) STORED"
    sql_at_target(f"CREATE TABLE items (code text PRIMARY KEY, name text, {computed})")
    job_type = items(mode="mirror", columns=["code", "name"])
    run(job_type)
    before = rows_of(job_type)
    assert before["C004"]["loud"] == "NAME 4"
    source.delete_rows("items", ["C004"])
    source.change_rows("items", [{"code": "C003", "name": "Renamed"}])
    job = revert(run(job_type))
    assert counts(job) == {"read": 2, "inserted": 1, "updated": 1}, job.failure
    assert rows_of(job_type) == before


def test_letters_that_look_like_an_escape_come_back_as_they_were(items: MakeItems, source: RunningSandbox) -> None:
    name = "a\\u0000b"  # a backslash, and no NUL
    source.change_rows("items", [{"code": "C003", "name": name}])
    job_type = items()
    run(job_type)
    source.change_rows("items", [{"code": "C003", "name": "Renamed"}])
    job = run(job_type)
    assert job.status == "finished", job.failure
    assert counts(revert(job)) == {"read": 1, "updated": 1}
    assert rows_of(job_type)["C003"]["name"] == name


@pytest.mark.parametrize("target", ["postgresql"], indirect=True)
def test_connection_that_is_lost_amid_a_reversal_is_made_anew_and_the_batch_redone(
    people: People, target: str, sql_at_target: SQLAtTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.add(*range(20))
    job_type = people.job_type(batch_size=5)
    run(job_type)
    before = people_at(Connector.objects.get(slug=target))
    people.add(*range(20), note="Changed")
    second = run(job_type)
    reached: list[str] = []

    def cut_off(here: str) -> None:
        reached.append(here)
        if here == "before_commit" and reached.count(here) == 2:
            others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            sql_at_target(f"SELECT pg_terminate_backend(pid) {others}")

    monkeypatch.setattr(exactly_once, "crash_here", cut_off)
    job = revert(second)
    assert (job.status, job.attempt, counts(job)) == ("finished", 1, {"read": 20, "updated": 20}), job.failure
    assert people_at(Connector.objects.get(slug=target)) == before
    assert Change.objects.filter(job=job).count() == 20
