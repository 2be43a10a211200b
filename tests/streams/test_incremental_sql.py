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

from connectors import paths
from connectors.models import Connector
from syncjobs.models import SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.cursors import list_cursor_entries
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
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
    config = {"root": "lists", "format": "csv"}
    save_connector(connector_from_shape({"slug": "lists", "kind": "files", "config": config}))
    job_type = copying(cursor={"field": "seen"})
    lists = Connector.objects.get(slug="lists")
    job_type.source_connector = lists
    with pytest.raises(ValidationError, match="'files' can not be read in extent incremental"):
        save_job_type(job_type, actor="test")
    folder = Path(paths.checked_path("lists", directory=True))
    folder.mkdir()
    (folder / "notes.csv").write_text("id,seen\n1,2020-01-01\n", encoding="utf-8")
    SyncJobType.objects.filter(pk=job_type.pk).update(source_connector=lists)
    job = run(SyncJobType.objects.get(pk=job_type.pk))
    assert (job.status, (job.failure or {})["code"]) == ("failed", "bad_cursor")
    (folder / "notes.csv").unlink()
    folder.rmdir()
