"""Extent incremental from SQL sources: times, dates, numbers, decimals and texts, and what is no time at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import LazySettings
from django.core.exceptions import ValidationError

from connectors.models import Connector
from syncjobs.models import SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.cursors import list_cursor_entries
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from tests.acme.inventory_service import inventory_service
from tests.streams.conftest import counts, run

TABLE = (
    "CREATE TABLE notes (id integer PRIMARY KEY, seen {datetime}, day {date}, number bigint, amount {decimal},"
    " mark varchar(20))"
)
TYPES = {
    "sqlite": {"datetime": "DATETIME_TEXT", "date": "DATE_TEXT", "decimal": "DECIMAL_TEXT"},
    "postgresql": {"datetime": "timestamptz", "date": "date", "decimal": "numeric"},
}
ROWS = [
    (
        step * 10 + number,
        f"2020-01-01 00:0{step}:00+00:00",
        f"2020-01-0{step + 1}",
        step * 5,
        f"{step * 5}.5",
        f"v{step}",
    )
    for step in range(5)
    for number in range(10)
]
LATER = (50, "2020-01-01 00:04:00.000001+00:00", "2020-01-06", 21, "20.75", "v5")
BEGINS: dict[str, tuple[dict[str, Any], int, Any]] = {
    "seen": ({"overlap_seconds": 60}, 20, "2020-01-01T00:04:00.000001Z"),
    "day": ({"overlap_seconds": 60}, 20, "2020-01-06"),
    "number": ({}, 10, 21),
    "amount": ({"overlap": 5}, 20, "20.75"),
    "mark": ({}, 10, "v5"),
}
"""By each cursor: its overlap, how many of ROWS the second run reads again, and where it ends with LATER."""


class Notes:
    """A source with the table `notes`, and a target beside it."""

    def __init__(self, connection: Any, mark: str) -> None:
        self.connection, self.mark = connection, mark

    def add(self, *rows: tuple[Any, ...]) -> None:
        for row in rows:
            self.connection.execute("INSERT INTO notes VALUES (?, ?, ?, ?, ?, ?)".replace("?", self.mark), row)


@pytest.fixture(params=["sqlite", "postgresql"])
def notes(request: pytest.FixtureRequest, settings: LazySettings, transactional_db: None) -> Iterator[Notes]:
    shape: dict[str, Any] = {"slug": "source", "kind": "sqlite", "config": {"path": "notes.sqlite3"}}
    connection: Any
    if request.param == "postgresql":
        address = request.getfixturevalue("postgres_url")
        url = urlsplit(address)
        config = {"host": url.hostname, "port": url.port, "user": url.username, "dbname": url.path.strip("/")}
        shape = {"slug": "source", "kind": "postgres", "config": config, "credentials": {"password": url.password}}
        connection = psycopg.connect(address, autocommit=True)
    else:
        path = Path(settings.SYNCDECK_DATA_DIR) / "notes.sqlite3"
        connection = sqlite3.connect(path, isolation_level=None)
    save_connector(connector_from_shape(shape))
    with closing(connection):
        connection.execute(TABLE.format(**TYPES[request.param]))
        source = Notes(connection, "%s" if request.param == "postgresql" else "?")
        source.add(*ROWS)
        yield source
    for path in Path(settings.SYNCDECK_DATA_DIR).glob("notes.sqlite3*"):
        path.unlink()


def copying(**stream: Any) -> SyncJobType:
    """A type that copies `notes` beside itself."""
    whole = {"source": "notes", "target": "copied", "key": ["id"], "extent": "incremental", "batch_size": 7} | stream
    shape = {"slug": "notes", "source_connector": "source", "target_connector": "source", "max_retries": 0}
    return save_job_type(job_type_from_shape(shape | {"config": {"streams": [whole]}}), actor="test")


@pytest.mark.parametrize("field", BEGINS)
def test_second_run_reads_from_the_cursor_less_the_overlap_on(notes: Notes, field: str) -> None:
    overlap, again, end = BEGINS[field]
    job_type = copying(cursor={"field": field} | overlap)
    first = run(job_type)
    assert (first.status, counts(first)) == ("finished", {"read": 50, "inserted": 50}), first.failure
    notes.add(LATER)
    second = run(job_type)
    assert counts(second) == {"read": again + 1, "inserted": 1, "unchanged": again}
    assert list_cursor_entries(job_type, "notes")[0].new == end


def test_cursor_column_need_not_be_written(notes: Notes) -> None:
    mapping = [{"to": "id", "from": "id"}, {"to": "mark", "from": "mark"}]
    job_type = copying(cursor={"field": "seen", "overlap_seconds": 0}, mapping=mapping)
    assert counts(run(job_type)) == {"read": 50, "inserted": 50}
    assert counts(run(job_type)) == {"read": 10, "unchanged": 10}


def test_field_of_a_type_that_does_not_grow_is_refused(notes: Notes) -> None:
    notes.connection.execute("ALTER TABLE notes ADD COLUMN flag boolean")
    job = run(copying(cursor={"field": "flag"}))
    assert (job.status, (job.failure or {})["code"]) == ("failed", "bad_cursor")
    assert "of type boolean" in (job.failure or {})["message"]


def test_kind_that_knows_no_cursor_is_refused_as_source_and_by_the_job(notes: Notes) -> None:
    with inventory_service("k3y-of-the-cursor-tests") as service:
        service.add("notes", {"id": "integer", "seen": "date"}, ["id"], [{"id": 1, "seen": "2020-01-01"}])
        shape = {"slug": "lists", "kind": "acme_inventory", "config": {"base_url": service.url}}
        save_connector(connector_from_shape(shape | {"credentials": {"api_key": service.api_key}}))
        job_type = copying(cursor={"field": "seen"})
        job_type.source_connector = Connector.objects.get(slug="lists")
        with pytest.raises(ValidationError, match="'acme_inventory' can not be read in extent incremental"):
            save_job_type(job_type, actor="test")
        SyncJobType.objects.filter(pk=job_type.pk).update(source_connector=job_type.source_connector)
        job = run(SyncJobType.objects.get(pk=job_type.pk))
    assert (job.status, (job.failure or {})["code"]) == ("failed", "bad_cursor")


@pytest.mark.parametrize("mode", ["append", "upsert"])
@pytest.mark.parametrize("batch_size", [1, 7, 10])
def test_equal_values_over_the_edges_of_batches_come_once_in_order_of_the_key(
    notes: Notes, batch_size: int, mode: str
) -> None:
    key = ["id"] if mode == "upsert" else []
    job_type = copying(cursor={"field": "number", "overlap": 0}, mode=mode, key=key, batch_size=batch_size)
    assert counts(run(job_type)) == {"read": 50, "inserted": 50}
    copied = notes.connection.execute("SELECT count(*), count(DISTINCT id) FROM copied").fetchone()
    assert tuple(copied) == (50, 50)


@pytest.mark.parametrize("notes", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("overlap_seconds", "is_found"), [(120, True), (0, False)])
def test_transaction_that_commits_late_with_an_older_time_is_found_within_the_overlap(
    notes: Notes, postgres_url: str, overlap_seconds: int, is_found: bool
) -> None:
    job_type = copying(cursor={"field": "seen", "overlap_seconds": overlap_seconds})
    with psycopg.connect(postgres_url) as late:
        late.execute("INSERT INTO notes VALUES (60, '2020-01-01 00:04:30+00:00')")
        notes.add((61, "2020-01-01 00:05:00+00:00", None, None, None, None))
        first = run(job_type)
        assert (first.status, counts(first)) == ("finished", {"read": 51, "inserted": 51}), first.failure
        late.commit()
    again = run(job_type)
    assert counts(again) == ({"read": 22, "inserted": 1, "unchanged": 21} if is_found else {"read": 1, "unchanged": 1})
    late_ones = notes.connection.execute("SELECT count(*) FROM copied WHERE id = 60").fetchone()
    assert late_ones == (1 if is_found else 0,)
    job_type.config["streams"][0] |= {"extent": "full", "cursor": None}
    save_job_type(job_type, actor="test")
    assert counts(run(job_type)) == {"read": 52} | ({"unchanged": 52} if is_found else {"unchanged": 51, "inserted": 1})


@pytest.mark.parametrize("notes", ["postgresql"], indirect=True)
def test_rows_that_come_and_go_while_pages_are_read_shift_no_other_row(notes: Notes, postgres_url: str) -> None:
    """Pages go on after a key: what was there all the time is there in the end, each row once."""
    job_type = copying(extent="full", cursor=None, batch_size=5)
    notes.connection.execute("CREATE TABLE copied (id integer PRIMARY KEY, seen timestamptz)")
    notes.connection.execute(
        "CREATE FUNCTION shift() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " DELETE FROM notes WHERE id IN (SELECT id FROM notes ORDER BY id LIMIT 3);"
        " INSERT INTO notes (id) SELECT min(id) - 100 FROM notes; RETURN NULL; END $$"
    )
    notes.connection.execute("CREATE TRIGGER shifting AFTER INSERT ON copied EXECUTE FUNCTION shift()")
    job_type.config["streams"][0]["columns"] = ["id", "seen"]
    save_job_type(job_type, actor="test")
    job = run(job_type)
    assert job.status == "finished", job.failure
    stable = {row[0] for row in notes.connection.execute("SELECT id FROM notes WHERE id >= 0").fetchall()}
    copied = [row[0] for row in notes.connection.execute("SELECT id FROM copied").fetchall()]
    assert stable <= set(copied)
    assert len(copied) == len(set(copied))
