"""Mode replace: all or nothing, in one moment, with or without a key; refused where something is in the way."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from django.conf import LazySettings

from connectors.models import Connector
from connectors.sandbox.server import RunningSandbox
from syncjobs.models import Change, JobLog, SyncJobType
from syncjobs.operations.state_checks import find_breaches
from tests.streams.conftest import asides_at, counts, rows_of, run
from tests.streams.people import People, SQLAtTarget

MakeItems = Callable[..., SyncJobType]


def count_at_target(slug: str, stream: str) -> int:
    target = Connector.objects.get(slug=slug).open()
    try:
        return target.count(stream)
    finally:
        target.close()


def test_target_holds_what_the_source_holds_and_nothing_else(
    items: MakeItems, source: RunningSandbox, sql_at_target: SQLAtTarget
) -> None:
    job_type = items(mode="replace", batch_size=10)
    assert counts(run(job_type)) == {"read": 25, "inserted": 25}
    sql_at_target("INSERT INTO items (code, name) VALUES ('MINE', 'Not from there')")
    source.delete_rows("items", ["C004"])
    source.change_rows("items", [{"code": "C003", "name": "Renamed"}])
    job = run(job_type)
    assert (job.status, counts(job)) == ("finished", {"read": 24, "inserted": 24, "deleted": 26}), job.failure
    assert job.diff_summary == {"inserted": 24, "deleted": 26}
    rows = rows_of(job_type)
    assert rows.keys() == {f"C{number:03d}" for number in range(25)} - {"C004"}
    assert rows["C003"]["name"] == "Renamed"
    assert asides_at("target") == []
    assert not Change.objects.filter(job=job).exists()
    assert JobLog.objects.filter(job=job, message__contains="not kept record by record").exists()
    assert list(find_breaches()) == []


def test_key_that_comes_in_two_batches_is_a_duplicate_and_the_last_one_counts(people: People) -> None:
    people.put((one, "same@example.org" if one in (3, 33) else f"{one}@x.org", "40", None, "Note") for one in range(40))
    mapping = [{"to": "email", "from": "email", "type": "text"}, {"to": "number", "from": "id", "type": "bigint"}]
    job = run(people.job_type(mode="replace", key=["email"], mapping=mapping, batch_size=10))
    assert counts(job) == {"read": 40, "inserted": 39, "duplicates": 1}
    target = Connector.objects.get(slug="target").open()
    record = target.get("people", {"email": "same@example.org"})
    target.close()
    assert record is not None
    assert record["number"] == 33


def test_stream_without_a_key_can_be_replaced(people: People) -> None:
    people.add(*range(30))
    mapping = [{"to": "age", "from": "age", "type": "integer"}, {"to": "note", "from": "note"}]
    job_type = people.job_type(mode="replace", key=[], mapping=mapping, on_reject={"policy": "stop"})
    assert counts(run(job_type)) == {"read": 30, "inserted": 30}
    people.add(30)
    told = run(job_type, dry_run=True)
    assert counts(told) == {"read": 31, "inserted": 31, "deleted": 30}
    assert count_at_target("target", "people") == 30
    assert counts(run(job_type)) == {"read": 31, "inserted": 31, "deleted": 30}
    assert count_at_target("target", "people") == 31


def test_dry_run_shows_the_differences_record_by_record_and_writes_nothing(
    items: MakeItems, source: RunningSandbox
) -> None:
    job_type = items(mode="replace", batch_size=10)
    run(job_type)
    source.delete_rows("items", ["C004"])
    source.change_rows("items", [{"code": "C003", "name": "Renamed"}])
    before = rows_of(job_type)
    job = run(job_type, dry_run=True)
    assert counts(job) == {"read": 24, "updated": 1, "unchanged": 23, "deleted": 1}
    operations = Change.objects.filter(job=job).order_by("operation").values_list("operation", "key")
    assert list(operations) == [("delete", {"code": "C004"}), ("update", {"code": "C003"})]
    assert rows_of(job_type) == before
    assert asides_at("target") == []


def test_foreign_key_in_the_way_is_a_config_failure_that_says_use_mirror(
    items: MakeItems, source: RunningSandbox, sql_at_target: SQLAtTarget
) -> None:
    run(items())
    sql_at_target("CREATE TABLE orders (id bigint PRIMARY KEY, code text REFERENCES items (code) ON DELETE CASCADE)")
    sql_at_target("INSERT INTO orders VALUES (1, 'C004')")
    job_type = items({"slug": "whole"}, mode="replace")
    job = run(job_type)
    assert (job.status, (job.failure or {})["code"]) == ("failed", "foreign_key_in_the_way")
    assert "orders" in (job.failure or {})["message"]
    assert "Use mode mirror" in (job.failure or {})["hint"]
    assert (len(rows_of(job_type)), count_at_target("target", "orders"), counts(job)) == (25, 1, {})


@pytest.mark.parametrize("switch", ["insert_enabled", "update_enabled", "delete_enabled"])
def test_replacement_is_refused_where_a_part_of_it_is_switched_off(items: MakeItems, switch: str) -> None:
    job = run(items(mode="replace"), **{switch: False})
    assert (job.status, (job.failure or {})["code"]) == ("failed", "replace_needs_all")
    assert f"{switch.removesuffix('_enabled')}s are switched off" in (job.failure or {})["message"]


def test_bad_record_leaves_the_target_as_it_was(people: People) -> None:
    people.add(*range(30))
    job_type = people.job_type(mode="replace", batch_size=10, on_reject={"policy": "stop"})
    run(job_type)
    people.add(25, age="n/a")
    people.add(3, note="Changed")
    job = run(job_type)
    assert (job.status, counts(job)) == ("error", {"read": 20, "skipped": 20})
    assert "id=25" in (job.failure or {})["message"]
    target = Connector.objects.get(slug="target").open()
    record = target.get("people", {"id": 3})
    target.close()
    assert record is not None
    assert record["note"] == "Person 3"
    people.add(25)
    assert counts(run(job_type)) == {"read": 30, "inserted": 30, "deleted": 30}
    assert asides_at("target") == []


def test_others_never_see_the_target_empty_or_half_full(
    items: MakeItems, source: RunningSandbox, settings: LazySettings
) -> None:
    job_type = items({"guards": {"min_source_share": 0}}, mode="replace", batch_size=10)
    run(job_type)
    source.delete_rows("items", [f"C{number:03d}" for number in range(10, 25)])
    seen: set[int] = set()
    stop = threading.Event()
    connector = Connector.objects.get(slug="target")
    reader = threading.Thread(target=watch_rows, args=(connector, Path(settings.SYNCDECK_DATA_DIR), seen, stop))
    reader.start()
    try:
        jobs = [run(job_type) for _ in range(3)]
    finally:
        stop.set()
        reader.join()
    assert [counts(job)["inserted"] for job in jobs] == [10, 10, 10]
    assert seen <= {25, 10}
    assert 10 in seen


def watch_rows(connector: Connector, data_dir: Path, seen: set[int], stop: threading.Event) -> None:
    """Count the target's rows again and again, as any other program would."""
    config = connector.config
    if connector.kind == "sqlite":
        file = sqlite3.connect(data_dir / config["path"])
        while not stop.is_set():
            seen.add(file.execute("SELECT count(*) FROM items").fetchone()[0])
        seen.add(file.execute("SELECT count(*) FROM items").fetchone()[0])
        file.close()
        return
    password = connector.credentials.reveal()["password"]
    with psycopg.connect(
        host=config["host"], port=config["port"], user=config["user"], dbname=config["dbname"], password=password
    ) as session:
        session.autocommit = True
        while not stop.is_set():
            seen.update(row[0] for row in session.execute("SELECT count(*) FROM items").fetchall())
        seen.update(row[0] for row in session.execute("SELECT count(*) FROM items").fetchall())
