"""Mode mirror: what the source no longer has goes, nothing else: counts, changes, filters, switches, dry runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.models import Connector
from connectors.sandbox.server import RunningSandbox
from syncjobs.models import Change, JobBatch, JobLog, SyncJob, SyncJobType
from syncjobs.operations.jobs import retry_job
from syncjobs.operations.rejects import find_rejects, replay_rejects
from syncjobs.operations.state_checks import find_breaches
from tests.streams.conftest import asides_at, counts, rows_of, run, run_here
from tests.streams.people import MAPPING, People, SQLAtTarget, people_at

MakeItems = Callable[..., SyncJobType]
FEW = [{"field": "code", "op": "lt", "value": "C010"}]


def deletes_of(job: SyncJob) -> dict[str, dict[str, Any]]:
    """{code: old values} of the deletes that the job keeps."""
    kept = Change.objects.filter(job=job, operation="delete")
    return {change.key["code"]: {name: old for name, (old, _) in change.fields.items()} for change in kept}


def test_records_that_the_source_no_longer_has_are_deleted_and_kept_with_their_old_values(
    items: MakeItems, source: RunningSandbox
) -> None:
    job_type = items(mode="mirror", batch_size=10)
    assert counts(run(job_type)) == {"read": 25, "inserted": 25}
    source.delete_rows("items", ["C004", "C020"])
    source.change_rows("items", [{"code": "C003", "name": "Renamed"}, {"code": "NEW", "name": "Newcomer"}])
    job = run(job_type)
    assert job.status == "finished", job.failure
    assert counts(job) == {"read": 24, "inserted": 1, "updated": 1, "unchanged": 22, "deleted": 2}
    assert job.diff_summary == {"inserted": 1, "updated": 1, "deleted": 2}
    assert deletes_of(job).keys() == {"C004", "C020"}
    assert deletes_of(job)["C020"] == {
        "code": "C020",
        "name": "Name 20",
        "size": "20.5",
        "seen": "2026-11-01T08:00:00Z",
    }
    assert rows_of(job_type).keys() == {f"C{number:03d}" for number in range(25)} - {"C004", "C020"} | {"NEW"}
    assert JobBatch.objects.filter(job=job).count() == 4
    assert asides_at("target") == []
    assert list(find_breaches()) == []
    assert counts(run(job_type)) == {"read": 24, "unchanged": 24}


def test_filtered_mirror_deletes_only_what_holds_its_filters(items: MakeItems, source: RunningSandbox) -> None:
    run(items())
    job_type = items({"slug": "few"}, mode="mirror", filters=FEW)
    source.delete_rows("items", ["C004", "C020"])
    job = run(job_type)
    assert counts(job) == {"read": 9, "unchanged": 9, "deleted": 1}
    assert deletes_of(job).keys() == {"C004"}
    assert len(rows_of(job_type)) == 24


def test_window_and_range_of_a_mirror_bound_its_deletes(items: MakeItems, source: RunningSandbox) -> None:
    old = [{"code": f"C{number:03d}", "seen": "2020-02-10T10:00:00.000"} for number in range(5)]
    source.change_rows("items", old)
    job_type = items(mode="mirror", extent="window", window={"field": "seen", "days": 3650})
    run(items({"slug": "all"}))
    source.delete_rows("items", ["C001", "C007"])
    first = run(items({"slug": "some"}, mode="mirror", extent="window", window={"field": "seen", "days": 1500}))
    assert deletes_of(first).keys() == {"C007"}
    second = run(job_type, start_date="2020-02-01", end_date="2020-02-29")
    assert counts(second) == {"read": 4, "unchanged": 4, "deleted": 1}
    assert deletes_of(second).keys() == {"C001"}


def test_renamed_filter_field_is_looked_for_under_its_new_name(items: MakeItems, source: RunningSandbox) -> None:
    mapping = [{"to": "code", "from": "code"}, {"to": "label", "from": "name"}]
    job_type = items(mode="mirror", mapping=mapping, filters=[{"field": "name", "op": "like", "value": "Name 1%"}])
    assert counts(run(job_type)) == {"read": 11, "inserted": 11}
    source.delete_rows("items", ["C012"])
    assert counts(run(job_type)) == {"read": 10, "unchanged": 10, "deleted": 1}


def test_filter_field_of_another_type_in_the_target_is_refused(items: MakeItems) -> None:
    mapping = [{"to": "code", "from": "code"}, {"to": "size", "from": "size", "type": "text"}]
    job = run(items(mode="mirror", mapping=mapping, filters=[{"field": "size", "op": "gt", "value": 5}]))
    assert (job.status, (job.failure or {})["code"]) == ("failed", "filter_not_mirrored")
    assert "size" in (job.failure or {})["message"]


def test_switched_off_deletes_are_told_and_not_counted(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items(mode="mirror")
    run(job_type)
    source.delete_rows("items", ["C004"])
    job = run(job_type, delete_enabled=False)
    assert counts(job) == {"read": 24, "unchanged": 24}
    assert JobLog.objects.filter(job=job, message__contains="1 records of the target were not read").exists()
    assert len(rows_of(job_type)) == 25
    assert counts(run(job_type)) == {"read": 24, "unchanged": 24, "deleted": 1}


def test_dry_run_stores_the_deletes_and_leaves_target_and_its_neighbours_alone(
    items: MakeItems, source: RunningSandbox
) -> None:
    job_type = items(mode="mirror", batch_size=10)
    run(job_type)
    source.delete_rows("items", ["C004", "C020"])
    source.change_rows("items", [{"code": "C003", "name": "Renamed"}])
    before = rows_of(job_type)
    job = run(job_type, dry_run=True)
    assert (job.status, job.failure) == ("finished", None)
    assert counts(job) == {"read": 23, "updated": 1, "unchanged": 22, "deleted": 2}
    assert deletes_of(job)["C004"]["name"] == "Name 4"
    assert rows_of(job_type) == before
    assert asides_at("target") == []
    assert list(find_breaches()) == []


def test_dry_run_into_a_missing_table_finds_nothing_to_delete(items: MakeItems) -> None:
    job = run(items(mode="mirror", batch_size=10), dry_run=True)
    assert (job.status, counts(job)) == ("finished", {"read": 25, "inserted": 25})


@pytest.mark.parametrize("strips_key", [False, True], ids=["asked by key", "all keys read again"])
def test_record_that_is_set_aside_is_still_at_the_source_and_is_not_deleted(
    people: People, sql_at_target: SQLAtTarget, strips_key: bool
) -> None:
    people.add(*range(40))
    mapping = [
        rule | {"transforms": [{"op": "bounds", "min": 0, "outside": "null"}]}
        if strips_key and rule["to"] == "id"
        else rule
        for rule in MAPPING
    ]
    job_type = people.job_type(mode="mirror", mapping=mapping, batch_size=15)
    assert counts(run(job_type)) == {"read": 40, "inserted": 40}
    people.add(7, 33, age="n/a")
    people.add(8, note="Changed")
    sql_at_target("INSERT INTO people (id, email) VALUES (900, 'foreign@example.org')")
    job = run(job_type)
    assert counts(job) == {"read": 40, "updated": 1, "unchanged": 37, "rejected": 2, "deleted": 1}
    assert people_at(Connector.objects.get(slug="target")).keys() == set(range(40))
    assert list(find_breaches()) == []
    assert len(find_rejects(job=job)) == 2


def test_replay_of_a_mirrors_rejects_deletes_nothing(people: People) -> None:
    people.add(*range(10))
    people.add(3, age="n/a")
    job_type = people.job_type(mode="mirror")
    run(job_type)
    null_if = {"op": "null_if", "values": ["n/a"]}
    config = job_type.config["streams"][0]
    config["mapping"] = [rule | {"transforms": [null_if]} if rule["to"] == "age" else rule for rule in MAPPING]
    job_type.save()
    job = run_here(replay_rejects(job_type=job_type, actor="test"))
    assert counts(job)["inserted"] == 1, job.failure
    assert people_at(Connector.objects.get(slug="target")).keys() == set(range(10))


def test_record_with_a_composite_key_is_asked_for_by_all_of_it(people: People, sql_at_target: SQLAtTarget) -> None:
    people.put((one, f"{one}@example.org", "40", one % 3, "Note") for one in range(12))
    job_type = people.job_type(mode="mirror", key=["boss", "id"])
    assert counts(run(job_type)) == {"read": 12, "inserted": 12}
    people.put((one, f"{one}@example.org", "n/a", one % 3, "Note") for one in (5, 6, 9))
    sql_at_target("INSERT INTO people (boss, id) VALUES (2, 6)")
    sql_at_target("INSERT INTO people (boss, id) VALUES (7, 5)")
    job = run(job_type)
    assert counts(job) == {"read": 12, "unchanged": 9, "rejected": 3, "deleted": 2}
    gone = Change.objects.filter(job=job, operation="delete").values_list("key", flat=True)
    assert sorted(map(str, gone)) == sorted(map(str, [{"boss": 2, "id": 6}, {"boss": 7, "id": 5}]))


def test_referenced_record_is_not_deleted_and_the_error_names_it(
    items: MakeItems, source: RunningSandbox, sql_at_target: SQLAtTarget
) -> None:
    job_type = items(mode="mirror")
    run(job_type)
    sql_at_target("CREATE TABLE orders (id bigint PRIMARY KEY, code text REFERENCES items (code))")
    sql_at_target("INSERT INTO orders VALUES (1, 'C004')")
    source.delete_rows("items", ["C003", "C004"])
    job = run(job_type)
    assert job.status == "error"
    assert "record code=C004 is still referred to by another record" in (job.failure or {})["message"]
    assert {"C003", "C004"} <= rows_of(job_type).keys()


def test_table_that_an_ended_job_left_is_dropped_by_the_next_run_and_the_ended_job_says_restart(
    items: MakeItems, source: RunningSandbox, sql_at_target: SQLAtTarget
) -> None:
    job_type = items(mode="mirror", batch_size=10)
    run(job_type)
    sql_at_target("CREATE TABLE orders (id bigint PRIMARY KEY, code text REFERENCES items (code))")
    sql_at_target("INSERT INTO orders VALUES (1, 'C004')")
    source.delete_rows("items", ["C004"])
    failed = run(job_type)
    assert (failed.status, asides_at("target")) == ("error", [f"_syncdeck_seen_{failed.token.hex}"])
    sql_at_target("DELETE FROM orders")
    assert counts(run(job_type)) == {"read": 24, "unchanged": 24, "deleted": 1}
    assert asides_at("target") == []
    retry_job(failed.pk, actor="test")
    failed = run_here(failed)
    assert (failed.status, (failed.failure or {})["code"]) == ("failed", "aside_gone")
    assert "Restart the job" in (failed.failure or {})["hint"]
    assert len(rows_of(job_type)) == 24


def test_mirror_whose_worker_was_killed_after_its_table_of_keys_went_finishes(
    items: MakeItems, source: RunningSandbox
) -> None:
    job_type = items(mode="mirror", batch_size=10)
    run(job_type)
    source.delete_rows("items", ["C004"])
    job = run(job_type)
    before = counts(job)
    assert (before["deleted"], asides_at("target")) == (1, [])
    left = {"status": "queued", "ended_at": None, "dispatch_id": None, "sent_at": None}  # by the reaper
    SyncJob.objects.filter(pk=job.pk).update(**left)
    job = run_here(SyncJob.objects.get(pk=job.pk))
    assert (job.status, counts(job)) == ("finished", before), job.failure
