"""Large streams split by key range into child jobs: every record once, one target, one reversal."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from syncjobs.clock import db_now
from syncjobs.lifecycle import admit_jobs, allowed_actions
from syncjobs.models import JobLog, StreamCursor, SyncJob
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, run_job_type, save_job_type
from syncjobs.operations.jobs import cancel_children
from syncjobs.operations.reverting import revert_job
from syncjobs.statuses import Trigger
from tests.lifecycle.factories import see_worker
from tests.streams.conftest import counts, run_here
from tests.streams.test_straight import Databases, both, said

__all__ = ["both"]
KEYS = {
    "integer with gaps": ("integer", "SELECT n * n * (-1) ^ n FROM generate_series(1, 60) AS n"),
    "bigint at its ends": (
        "bigint",
        "SELECT n FROM generate_series(-20, 20) AS n UNION VALUES (-9223372036854775808), (9223372036854775807)",
    ),
    "text by bytes": (
        'text COLLATE "C"',
        "SELECT chr(32 + n) || '''%\\' || chr(8000 - n) FROM generate_series(1, 90) AS n",
    ),
    "text by language": (
        'text COLLATE "und-x-icu"',
        "SELECT (ARRAY['a','Ä','B','ß','z'])[1 + n % 5] || n FROM generate_series(1, 50) AS n",
    ),
    "uuid": ("uuid", "SELECT md5(n::text)::uuid FROM generate_series(1, 50) AS n"),
    "bytes": ("bytea", "SELECT decode(md5(n::text), 'hex') FROM generate_series(1, 50) AS n"),
}


def split_type(slug: str = "split", type_: dict[str, Any] | None = None, **stream: Any) -> Any:
    stream = {"source": "things", "target": "things", "key": ["id"], "split": {"children": 3, "rows": 5}} | stream
    shape = {"slug": slug, "name": slug, "source_connector": "here", "target_connector": "there", "max_retries": 0}
    return save_job_type(job_type_from_shape(shape | {"config": {"streams": [stream]}} | (type_ or {})), actor="test")


def run_all(job_type: Any, **options: Any) -> tuple[SyncJob, list[SyncJob]]:
    """The job and its children, each run in this process in its turn."""
    parent = run_here(run_job_type(job_type, trigger=Trigger.CLI, actor="test", **options))
    return parent, run_children(parent)


def run_children(parent: SyncJob) -> list[SyncJob]:
    return [run_here(child) for child in parent.children.order_by("position")]


def sum_of(children: list[SyncJob]) -> dict[str, int]:
    names = {name for child in children for name in counts(child)}
    return {name: sum(child.counts[name] for child in children) for name in names}


def fill(both: Databases, records: int = 30) -> None:
    both.sql(
        "CREATE TABLE here.things (id integer PRIMARY KEY, name text, seen timestamptz DEFAULT now())",
        f"INSERT INTO here.things SELECT n, 'Thing ' || n FROM generate_series(1, {records}) AS n",  # noqa: S608
    )


@pytest.mark.parametrize("kind", KEYS)
def test_ranges_of_any_key_hold_every_record_once(both: Databases, kind: str) -> None:
    declared, values = KEYS[kind]
    both.sql(
        f"CREATE TABLE here.things (id {declared}, place integer, PRIMARY KEY (id, place))",
        f"INSERT INTO here.things SELECT v, p FROM ({values}) AS k (v), generate_series(1, 2) AS p",  # noqa: S608
    )
    ((records,),) = both.sql("SELECT count(*) FROM here.things")
    parent, children = run_all(split_type(key=["id", "place"], batch_size=7))
    assert (parent.status, len(children)) == ("relayed", 3), parent.failure
    assert {child.status for child in children} == {"finished"}, [child.failure for child in children]
    assert sum_of(children) == {"read": records, "inserted": records}
    assert both.things() == both.things("here")
    assert max(child.counts["read"] for child in children) <= records * 0.5
    parent, children = run_all(split_type("again", key=["id", "place"]))
    assert sum_of(children) == {"read": records, "unchanged": records}


def test_large_table_is_cut_by_a_sample_into_equal_parts(both: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.postgres.WORTH_SAMPLING", 10_000)
    monkeypatch.setattr("connectors.postgres_samples.SAMPLED", 8_000)
    fill(both, 40_000)
    both.sql("DELETE FROM here.things WHERE id BETWEEN 100 AND 20000", "VACUUM ANALYZE here.things")
    _, children = run_all(split_type(split={"children": 4, "rows": 100}))
    assert sum_of(children) == {"read": 20_099, "inserted": 20_099}
    assert all(child.counts["read"] > 2_500 for child in children), [child.counts for child in children]
    assert all(said(child, "copied as they come") for child in children)
    assert both.things() == both.things("here")


def test_first_load_stays_one_where_siblings_have_written_already(both: Databases) -> None:
    fill(both)
    _, children = run_all(split_type())
    assert all(child.checkpoint["target_was_empty"] for child in children)
    both.sql("DELETE FROM there.things WHERE id > 20", "UPDATE here.things SET name = 'new' WHERE id % 10 = 0")
    _, children = run_all(split_type("again"))
    assert not any(child.checkpoint["target_was_empty"] for child in children)
    assert sum_of(children) == {"read": 30, "inserted": 10, "updated": 2, "unchanged": 18}


def test_records_without_a_key_are_met_by_a_child_of_their_own(both: Databases) -> None:
    both.sql("CREATE TABLE here.things (id integer UNIQUE, name text)")
    both.sql("INSERT INTO here.things SELECT NULLIF(n, 7), 'Thing' FROM generate_series(1, 30) AS n")
    _, children = run_all(split_type(on_reject={"policy": "quarantine"}))
    assert [child.counts["rejected"] for child in children] == [0, 0, 0, 1]
    assert sum_of(children) == {"read": 30, "inserted": 29, "rejected": 1}


def test_source_in_sqlite_is_split_too(both: Databases, settings: LazySettings) -> None:
    path = Path(settings.SYNCDECK_DATA_DIR) / "split.sqlite3"
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("CREATE TABLE things (id TEXT PRIMARY KEY NOT NULL, name TEXT)")
        connection.executemany("INSERT INTO things VALUES (?, ?)", [(f"{n % 7}-{n}", f"Thing {n}") for n in range(40)])
    connection.close()
    save_connector(connector_from_shape({"slug": "file", "kind": "sqlite", "config": {"path": path.name}}))
    _, children = run_all(split_type(type_={"source_connector": "file"}))
    path.unlink()
    assert sum_of(children) == {"read": 40, "inserted": 40}
    assert len(both.things()) == 40


def test_few_records_are_synced_by_one_job_and_a_dry_run_always_is(both: Databases) -> None:
    fill(both)
    both.sql("CREATE TABLE there.things (id integer PRIMARY KEY, name text, seen timestamptz)")
    planned, none = run_all(split_type(), dry_run=True)
    assert (planned.status, planned.counts["inserted"], none) == ("finished", 30, [])
    small, none = run_all(split_type("small", split={"children": 4, "rows": 16}))
    assert (small.status, small.counts["inserted"], none) == ("finished", 30, [])
    assert said(small, "too few records to be split")


def test_window_is_split_inside_its_days_and_moves_no_ledger(both: Databases) -> None:
    fill(both)
    both.sql("UPDATE here.things SET seen = now() - interval '9 days' WHERE id <= 10")
    _, children = run_all(split_type(extent="window", window={"field": "seen", "days": 3}))
    assert sum_of(children) == {"read": 20, "inserted": 20}
    assert [child.counts["read"] for child in children] == [6, 7, 7]
    assert not StreamCursor.objects.exists()


def test_crash_amid_the_relay_makes_no_child_twice_and_keeps_the_ranges(both: Databases) -> None:
    fill(both)
    job = run_job_type(split_type(), trigger=Trigger.CLI, actor="test")
    parent = run_here(job)
    made = list(parent.children.values_list("pk", "config_snapshot__config__streams"))
    # As a worker leaves it that dies after the children were made; by then the source has other records.
    SyncJob.objects.filter(pk=parent.pk).update(status="queued", dispatch_id=None)
    both.sql("DELETE FROM here.things WHERE id < 15")
    children = run_children(parent)
    assert run_here(SyncJob.objects.get(pk=parent.pk)).status == "relayed"
    assert list(parent.children.values_list("pk", "config_snapshot__config__streams")) == made
    assert sum_of(children) == {"read": 16, "inserted": 16}


def test_stranger_waits_until_all_parts_are_done(both: Databases) -> None:
    fill(both)
    parent = run_here(run_job_type(split_type(), trigger=Trigger.CLI, actor="test"))
    first, *others = parent.children.order_by("position")
    stranger = run_job_type(split_type("stranger", split=None), trigger=Trigger.CLI, actor="test")
    run_here(first)
    see_worker(slots=9)
    admitted = {one.job_id for one in admit_jobs(db_now(), sends_ahead=False)}
    assert admitted == {one.pk for one in others}
    assert cancel_children(parent.pk, actor="test") == 2
    assert {one.job_id for one in admit_jobs(db_now(), sends_ahead=False)} == {stranger.pk}


def test_reverting_the_parent_brings_back_what_every_child_changed(both: Databases) -> None:
    fill(both)
    both.sql("CREATE TABLE there.things AS SELECT * FROM here.things WHERE id % 3 = 0")
    both.sql("ALTER TABLE there.things ADD PRIMARY KEY (id)", "UPDATE there.things SET name = 'old' WHERE id % 6 = 0")
    before = both.things()
    kind = split_type(type_={"verbose_logging": True})
    parent = run_here(run_job_type(kind, trigger=Trigger.CLI, actor="test"))
    assert "revert" not in allowed_actions(parent)  # its children are not over
    children = run_children(parent)
    assert sum_of(children) == {"read": 30, "inserted": 20, "updated": 5, "unchanged": 5}
    assert "revert" in allowed_actions(parent)
    reversal = run_here(revert_job(parent.pk, actor="test"))
    undone = run_children(reversal)
    assert (reversal.status, len(undone)) == ("relayed", 3), reversal.failure
    assert sum_of(undone) == {"read": 5, "updated": 5, "deleted": 20}
    assert both.things() == before


def test_first_load_that_was_split_says_why_it_can_not_be_reverted(both: Databases) -> None:
    fill(both)
    parent, _ = run_all(split_type())
    with pytest.raises(Exception, match=r"child job #\d+ can not be: it loaded an empty target"):
        revert_job(parent.pk, actor="test")


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        ({"mode": "mirror"}, "mode mirror needs one job that has read everything"),
        ({"mode": "replace"}, "mode replace needs one job that has read everything"),
        ({"extent": "incremental", "cursor": {"field": "seen"}}, "extent incremental reads by its cursor"),
        ({"query": "SELECT 1 AS id"}, "a custom query does not go with it"),
        ({"max_rows": 9}, "max_rows does not go with it"),
        ({"key": [], "mode": "append"}, "the key's first field must be copied from a column"),
        (
            {"mapping": [{"to": "id", "from": "id", "transforms": [{"op": "lower"}]}]},
            "the key's first field must be copied from a column",
        ),
    ],
)
def test_what_can_not_be_split_is_refused_by_name(both: Databases, stream: dict[str, Any], words: str) -> None:
    with pytest.raises(match=words):
        split_type(**stream)


def test_target_that_takes_one_writer_is_refused(both: Databases) -> None:
    save_connector(connector_from_shape({"slug": "file", "kind": "sqlite", "config": {"path": "split.sqlite3"}}))
    with pytest.raises(match="'sqlite' take one writer at a time"):
        split_type(type_={"target_connector": "file"})


def test_key_of_a_type_without_ranges_fails_before_anything_is_written(both: Databases) -> None:
    both.sql("CREATE TABLE here.things (id float8 PRIMARY KEY)", "INSERT INTO here.things VALUES (1), (2)")
    parent, children = run_all(split_type())
    assert (parent.status, children) == ("failed", [])
    assert parent.failure is not None
    assert parent.failure["code"] == "split_not_possible"
    assert "is of type float" in parent.failure["message"]
    assert not JobLog.objects.filter(job=parent, message__contains="Made").exists()
