"""Columns that come or get wider at the source: the target follows where the policy says evolve, and only so far."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import LazySettings

from connectors.models import Connector
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import save_job_type
from tests.streams.conftest import counts, run
from tests.streams.people import SQLAtTarget
from tests.streams.things import Things, failure_of, history, set_policy, warnings_of

EVOLVE = {"added": "evolve", "changed": "evolve"}


def test_evolve_adds_new_columns_to_the_target_and_fills_them(things: Things) -> None:
    job_type = things.job_type(EVOLVE)
    run(job_type)
    things.sql("ALTER TABLE things ADD COLUMN colour TEXT", "UPDATE things SET colour = 'red' WHERE id = 2")
    job = run(job_type)
    assert (job.status, counts(job)) == ("finished", {"read": 2, "updated": 1, "unchanged": 1}), job.failure
    assert "adds colour (text)" in warnings_of(job)
    schema, rows = things.at_target()
    assert [row["colour"] for row in rows] == [None, "red"]
    colour = schema.get("colour")
    assert colour is not None
    assert (colour.type, colour.nullable) == ("text", True)
    assert counts(run(job_type)) == {"read": 2, "unchanged": 2}
    assert history()[-1] == (True, {"added": {"colour": "text"}})


def test_column_that_was_ignored_is_added_once_the_policy_says_so(things: Things) -> None:
    job_type = things.job_type()
    run(job_type)
    things.sql("ALTER TABLE things ADD COLUMN colour TEXT", "UPDATE things SET colour = 'red'")
    ignored = run(job_type)
    assert (counts(ignored), history()[-1][1]) == ({"read": 2, "unchanged": 2}, {"added": {"colour": "text"}})
    set_policy(job_type, **EVOLVE)
    assert counts(run(job_type)) == {"read": 2, "updated": 2}


def test_evolve_adds_of_new_columns_only_what_the_mapping_names(things: Things) -> None:
    mapping = [{"to": "id", "from": "id"}, {"to": "name", "from": "name"}]
    job_type = things.job_type(EVOLVE, mapping=mapping)
    run(job_type)
    things.sql("ALTER TABLE things ADD COLUMN colour TEXT", "ALTER TABLE things ADD COLUMN weight REAL")
    assert "new columns in source are ignored: colour, weight" in warnings_of(run(job_type))
    job_type.config["streams"][0]["mapping"] = [*mapping, {"to": "tint", "from": "colour", "type": "text"}]
    save_job_type(job_type, actor="test")
    job = run(job_type)
    assert job.status == "finished", job.failure
    assert things.at_target()[0].names == ("id", "name", "tint")


def test_dry_run_under_evolve_shows_what_would_come_and_touches_no_column(things: Things) -> None:
    job_type = things.job_type(EVOLVE)
    run(job_type)
    before = things.at_target()
    things.retype("BIGINT", "(3, 'three', 5000000000)")
    things.sql("ALTER TABLE things ADD COLUMN colour TEXT", "UPDATE things SET colour = 'red' WHERE id = 2")
    job = run(job_type, dry_run=True)
    assert (job.status, counts(job)) == ("finished", {"read": 3, "inserted": 1, "updated": 1, "unchanged": 1}), (
        job.failure
    )
    assert "a real run changes the target: it adds colour (text)" in warnings_of(job)
    assert things.at_target() == before
    assert len(history()) == 1


@pytest.mark.parametrize(("declared", "value"), [("BIGINT", 5_000_000_000), ("REAL", 2.5)], ids=["bigint", "float"])
def test_evolve_widens_a_column_without_losing_a_value(things: Things, declared: str, value: float) -> None:
    job_type = things.job_type(EVOLVE)
    run(job_type)
    things.retype(declared, f"(3, 'three', {value})")
    job = run(job_type)
    assert (job.status, counts(job)) == ("finished", {"read": 3, "inserted": 1, "unchanged": 2}), job.failure
    assert [row["size"] for row in things.at_target()[1]] == [10, 20, value]
    assert counts(run(job_type)) == {"read": 3, "unchanged": 3}


def test_evolve_widens_to_exact_decimals(things: Things) -> None:
    job_type = things.job_type(EVOLVE)
    run(job_type)
    things.retype("DECIMAL_TEXT", "(3, 'three', '12345678901234567890.125')")
    job = run(job_type)
    assert (job.status, counts(job)) == ("finished", {"read": 3, "inserted": 1, "unchanged": 2}), job.failure
    assert [Decimal(row["size"]) for row in things.at_target()[1]] == [10, 20, Decimal("12345678901234567890.125")]


@pytest.mark.parametrize("declared", ["TEXT", "JSON_TEXT"])
def test_change_that_is_no_widening_stops_under_evolve(things: Things, declared: str) -> None:
    job_type = things.job_type(EVOLVE)
    run(job_type)
    before = things.at_target()
    things.retype(declared)
    message = failure_of(run(job_type))
    assert "'size' from integer to" in message
    assert "evolve follows only to a wider type" in message
    assert things.at_target() == before


@pytest.mark.parametrize("mode", ["mirror", "replace"])
def test_mirrors_and_replacements_follow_the_source_too(things: Things, mode: str) -> None:
    job_type = things.job_type(EVOLVE, mode=mode)
    run(job_type)
    things.sql("ALTER TABLE things ADD COLUMN colour TEXT", "UPDATE things SET colour = 'red'")
    things.sql("DELETE FROM things WHERE id = 1")
    job = run(job_type)
    assert job.status == "finished", (job.failure, job.wait_reason)
    assert [(row["id"], row["colour"]) for row in things.at_target()[1]] == [(2, "red")]
    dry = run(job_type, dry_run=True)
    assert (dry.status, counts(dry)) == ("finished", {"read": 1, "unchanged": 1}), dry.failure


def test_two_targets_of_one_source_both_get_the_new_column(things: Things) -> None:
    first = things.job_type(EVOLVE)
    run(first)
    first.config["streams"][0]["target"] = "more"
    save_job_type(first, actor="test")
    run(first)
    things.sql("ALTER TABLE things ADD COLUMN colour TEXT", "UPDATE things SET colour = 'red'")
    for table in ("more", "things"):
        first.config["streams"][0]["target"] = things.stream = table
        save_job_type(first, actor="test")
        job = run(first)
        assert job.status == "finished", job.failure
        assert [row["colour"] for row in things.at_target()[1]] == ["red", "red"]


def test_target_that_may_not_be_changed_says_what_it_lacks(things: Things, sql_at_target: SQLAtTarget) -> None:
    job_type = things.job_type(EVOLVE)
    run(job_type)
    sql_at_target("CREATE VIEW seen AS SELECT size FROM things")
    things.retype("DECIMAL_TEXT")
    job = run(job_type)
    assert job.failure is not None
    assert (job.status, job.failure["code"]) == ("failed", "cannot_evolve"), job.failure
    assert "the target cannot follow the source (widens size to decimal)" in job.failure["message"]
    assert [row["size"] for row in things.at_target()[1]] == [10, 20]
    sql_at_target("DROP VIEW seen")
    assert run(job_type).status == "finished"


def test_longer_texts_of_the_source_widen_a_limited_column_of_the_target(
    things: Things, sql_at_target: SQLAtTarget
) -> None:
    connector = Connector.objects.get(slug=things.target)
    if connector.kind != "postgres":
        pytest.skip("only PostgreSQL limits the length of texts")
    sql_at_target("CREATE TABLE source (id bigint PRIMARY KEY, name varchar(5), code varchar(5))")
    sql_at_target("CREATE TABLE things (id bigint PRIMARY KEY, name varchar(5), code varchar(5))")
    sql_at_target("INSERT INTO source VALUES (1, 'short', 'short')")
    job_type = things.job_type(EVOLVE, source="source")
    job_type.source_connector = connector
    save_job_type(job_type, actor="test")
    run(job_type)
    sql_at_target("ALTER TABLE source ALTER COLUMN name TYPE varchar(20)")
    sql_at_target("INSERT INTO source VALUES (2, 'much longer', 'code')")
    job = run(job_type)
    assert (job.status, counts(job)) == ("finished", {"read": 2, "inserted": 1, "unchanged": 1}), job.failure
    assert history()[-1] == (True, {"changed": {"name": ["text(5)", "text(20)"]}})
    lengths = {field.name: field.length for field in things.at_target()[0].fields}
    assert lengths == {"id": None, "name": None, "code": 5}, "only what has grown at the source is widened"


@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
def test_file_gets_the_new_column(
    transactional_db: None, settings: LazySettings, tmp_path: Path, file_format: str
) -> None:
    directory = Path(settings.SYNCDECK_DATA_DIR)
    config = {"root": f"drift-{tmp_path.name}", "format": file_format}
    save_connector(connector_from_shape({"slug": "target", "kind": "files", "config": config}))
    things = Things(directory, "target")
    try:
        things.stream = f"things.{file_format}"
        job_type = things.job_type(EVOLVE, target=things.stream)
        run(job_type)
        things.sql("ALTER TABLE things ADD COLUMN colour TEXT", "UPDATE things SET colour = 'red' WHERE id = 2")
        before = (directory / config["root"] / things.stream).read_bytes()
        assert counts(run(job_type, dry_run=True)) == {"read": 2, "updated": 1, "unchanged": 1}
        assert (directory / config["root"] / things.stream).read_bytes() == before
        job = run(job_type)
        assert (job.status, counts(job)) == ("finished", {"read": 2, "updated": 1, "unchanged": 1}), job.failure
        assert [row["colour"] for row in things.at_target()[1]] == [None, "red"]
    finally:
        things.remove()
        shutil.rmtree(directory / config["root"])
