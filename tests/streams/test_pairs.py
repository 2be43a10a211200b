"""Every source kind with every target kind: awkward values arrive exactly, or are set aside by name; never changed."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import json
import shutil
import sqlite3
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pyarrow.parquet as pq
import pytest
from django.conf import LazySettings

from connectors.field_numbers import not_finite_name
from connectors.field_types import decode_for_target
from connectors.models import Connector
from connectors.records import ReadRequest
from syncjobs.models import Change, SyncJob, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from tests.connectors.scripted_server import scripted_server
from tests.postgres_server import PostgresServer
from tests.streams import pair_sources
from tests.streams.conftest import counts, run
from tests.streams.pair_sources import SODA_TYPES, Filled

SOURCES = ["postgres", "sqlite", "csv", "jsonl", "parquet", "soda"]
TARGETS = ["postgres", "sqlite", "csv", "jsonl", "parquet"]
csv.field_size_limit(sys.maxsize)


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer) -> Iterator[str]:
    """One database for all pairs; its tables are dropped before they are made."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def folder(settings: LazySettings) -> Iterator[Path]:
    """The folder `pairs` in the data directory, empty."""
    path = Path(settings.SYNCDECK_DATA_DIR) / "pairs"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    yield path
    shutil.rmtree(path)


def postgres_settings(url: str) -> tuple[dict[str, Any], str]:
    parts = urlsplit(url)
    config = {"host": parts.hostname, "port": parts.port, "user": parts.username, "dbname": parts.path.strip("/")}
    return config | {"sslmode": "disable", "schema": "public"}, str(parts.password)


@pytest.fixture
def filled(request: pytest.FixtureRequest, folder: Path, transactional_db: None) -> Iterator[Filled]:
    """The source named by the parameter, with its connector saved."""
    kind = request.param
    if kind == "soda":
        records, found = pair_sources.soda_records()
        with scripted_server(lambda handler: answer(handler, records)) as server:
            found.shape.update(
                slug="source", kind="soda", config={"base_url": server.url, "datasets": {"items_in": "aaaa-bbbb"}}
            )
            save_connector(connector_from_shape(found.shape))
            yield found
        return
    if kind == "postgres":
        url = request.getfixturevalue("database")
        found = pair_sources.fill_postgres(url, *postgres_settings(url))
    else:
        found = getattr(pair_sources, f"fill_{kind}")(folder)
    save_connector(connector_from_shape(found.shape))
    yield found


def answer(handler: BaseHTTPRequestHandler, records: list[dict[str, Any]]) -> None:
    """A portal's answer: columns, a count, or the page behind an :id; numbers that are Decimals go out as they are."""
    parts = urlsplit(handler.path)
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    body: Any = records
    if parts.path.startswith("/api/views/"):
        body = {"columns": [{"fieldName": name, "dataTypeName": kind} for name, kind in SODA_TYPES.items()]}
    elif asked.get("$select") == "count(*)":
        body = [{"count": str(len(records))}]
    elif "$where" in asked:
        last = asked["$where"].rpartition("'")[0].rpartition("'")[2]
        body = [record for record in records if record[":id"] > last]
    text = json.dumps(body, default=lambda number: f"<number {number}>")
    data = text.replace('"<number ', "").replace('>"', "").encode()
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def save_target(kind: str, database: str) -> None:
    if kind == "postgres":
        config, password = postgres_settings(database)
        shape = {"slug": "target", "kind": "postgres", "config": config, "credentials": {"password": password}}
        with psycopg.connect(database, autocommit=True) as session:
            session.execute("DROP TABLE IF EXISTS items_out")
    elif kind == "sqlite":
        shape = {"slug": "target", "kind": "sqlite", "config": {"path": "pairs/out.sqlite3"}}
    else:
        shape = {"slug": "target", "kind": "files", "config": {"root": "pairs/out", "format": kind}}
    save_connector(connector_from_shape(shape))


def pair_type(*key: str, policy: str = "quarantine", **options: Any) -> SyncJobType:
    stream: dict[str, Any] = {"source": "items_in", "target": "items_out", "key": list(key) or ["id"]}
    stream |= {"mode": "upsert", "extent": "full", "on_reject": {"policy": policy}, **options}
    shape = {"slug": "pair", "source_connector": "source", "target_connector": "target", "max_retries": 0}
    return save_job_type(job_type_from_shape({**shape, "config": {"streams": [stream]}}), actor="test")


# What lies in the target, by the means of its own system.


def found_in(kind: str, folder: Path, database: str) -> dict[int, dict[str, Any]]:
    """{id: fields that have a value}, as Python objects."""
    if kind == "postgres":
        with psycopg.connect(database) as session:
            cursor = session.execute("SELECT * FROM items_out")
            names = [column.name for column in cursor.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in cursor]
    elif kind == "sqlite":
        with closing(sqlite3.connect(folder / "out.sqlite3")) as file:
            file.row_factory = sqlite3.Row
            rows = [dict(row) for row in file.execute("SELECT * FROM items_out")]
    elif kind == "csv":
        with (folder / "out" / "items_out.csv").open(newline="") as file:
            rows = [{name: text or None for name, text in row.items()} for row in csv.DictReader(file)]
    elif kind == "jsonl":
        lines = (folder / "out" / "items_out.jsonl").read_text().split("\n")
        rows = [json.loads(line) for line in lines if line]
    else:
        rows = pq.read_table(folder / "out" / "items_out.parquet").to_pylist()
    is_parsed = kind in ("postgres", "jsonl")
    return {
        int(row["id"]): {
            name: object_of(name, value, is_parsed=is_parsed)
            for name, value in row.items()
            if name != "id" and value is not None
        }
        for row in rows
    }


def named(value: Any) -> Any:
    """Numbers that are not finite by their names, since NaN equals nothing."""
    return not_finite_name(value) if isinstance(value, float | Decimal) and not_finite_name(value) else value


def object_of(name: str, value: Any, *, is_parsed: bool) -> Any:
    """The object that a system's own spelling means."""
    if name == "a_json":
        return value if is_parsed else json.loads(value)
    if name == "a_number":
        return named(Decimal(value))
    if name == "a_flag":
        return {"true": True, "false": False, 1: True, 0: False}[value]
    if name in ("a_big", "a_float"):
        return named((int if name == "a_big" else float)(value))
    if isinstance(value, str) and name in ("a_day", "a_time"):
        found = (dt.date if name == "a_day" else dt.datetime).fromisoformat(value)
        return found.replace(tzinfo=found.tzinfo or dt.UTC) if isinstance(found, dt.datetime) else found
    if isinstance(value, str) and name == "a_blob":
        return base64.b64decode(value)
    return uuid.UUID(value) if isinstance(value, str) and name == "a_uuid" else value


def read_again() -> dict[int, dict[str, Any]]:
    """The same through the target's connector, which also tells NULL from the empty text."""
    connector = Connector.objects.get(slug="target").open()
    try:
        types = {one.name: one.type for one in connector.schema("items_out").fields}
        return {
            int(row[batch.names.index("id")]): {
                name: named(decode_for_target(types[name], value))
                for name, value in zip(batch.names, row, strict=True)
                if name != "id" and value is not None
            }
            for batch in connector.read(ReadRequest("items_out"))
            for row in batch.rows
        }
    finally:
        connector.close()


def expected_in(kind: str, filled: Filled) -> dict[int, dict[str, Any]]:
    taken = {
        number: (name, value) for number, (name, value, refusing) in filled.of_some.items() if kind not in refusing
    }
    return {number: {} if value is None else {name: value} for number, (name, value) in (filled.good | taken).items()}


def refused_ids(job: SyncJob) -> list[int]:
    """2000 for each of those whose key nobody can read."""
    return sorted(int(reject.key.get("id", 2000)) for reject in job.rejects.all())


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("filled", SOURCES, indirect=True)
def test_pair_of_kinds_keeps_every_value_or_sets_its_record_aside(
    filled: Filled, kind: str, folder: Path, database: str
) -> None:
    save_target(kind, database)
    expected = expected_in(kind, filled)
    refused = [*filled.bad, *(number for number in filled.of_some if number not in expected)]
    job_type = pair_type()
    job = run(job_type)
    assert job.status == "finished", job.failure
    assert refused_ids(job) == sorted(2000 if filled.bad.get(number) == "" else number for number in refused)
    numbers = {"read": len(expected) + len(refused), "inserted": len(expected), "rejected": len(refused)}
    assert counts(job) == numbers
    fields = filled.bad | {number: name for number, (name, *_) in filled.of_some.items()}
    for reject in job.rejects.all():
        assert reject.code in ("wrong_type", "invalid_value", "broken_record"), reject.message
        assert reject.field == fields.get(int(reject.key.get("id", 2001)), reject.field), reject.message
    check(read_again(), expected)
    shown = found_in(kind, folder, database)
    if kind == "csv":
        expected = {
            number: {name: value for name, value in one.items() if value not in ("", b"")}
            for number, one in expected.items()
        }
    check(shown, expected)
    again = run(job_type)
    assert counts(again) == {"read": numbers["read"], "unchanged": numbers["inserted"], "rejected": len(refused)}
    assert not Change.objects.filter(job=again).exists()


def check(found: dict[int, dict[str, Any]], expected: dict[int, dict[str, Any]]) -> None:
    assert found.keys() == expected.keys()
    for number, fields in expected.items():
        assert found[number] == fields, f"record {number}"
        assert {name: type(value) for name, value in found[number].items() if name == "a_json"} == {
            name: type(value) for name, value in fields.items() if name == "a_json"
        }


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("filled", ["postgres"], indirect=True)
def test_records_that_are_copied_unseen_arrive_exactly_too(
    filled: Filled, kind: str, folder: Path, database: str
) -> None:
    """Between two databases of one kind, and where nothing may be set aside, records need not be looked at."""
    expected = expected_in(kind, filled)
    with psycopg.connect(database, autocommit=True) as session:
        session.execute("DELETE FROM items_in WHERE id <> ALL (%s)", [list(expected)])
    save_target(kind, database)
    job_type = pair_type(policy="stop")
    job = run(job_type)
    assert counts(job) == {"read": len(expected), "inserted": len(expected)}, job.failure
    check(read_again(), expected)
    assert counts(run(job_type)) == {"read": len(expected), "unchanged": len(expected)}


@pytest.mark.parametrize("kind", ["postgres", "csv"])
@pytest.mark.parametrize("filled", ["postgres", "sqlite"], indirect=True)
def test_window_over_times_that_are_none_sets_their_records_aside(
    filled: Filled, kind: str, folder: Path, database: str
) -> None:
    save_target(kind, database)
    job = run(pair_type(extent="window", window={"field": "a_time", "days": 30}))
    assert (job.status, counts(job)["rejected"]) == ("finished", 1), job.failure
    assert job.checkpoint["highest"] == "9999-12-31T23:59:59.999999Z"


ALIKE = [
    "a",
    "A",
    "a ",
    " a",
    "",
    "ä",
    "a\u0308",
    "🛬",
    "\u202ea",
    "ß",
    "ss",
    "0",
    "00",
    "1e0",
    "null",
    "a\nb",
    "a\r\nb",
]


@pytest.mark.parametrize("kind", TARGETS)
def test_keys_that_look_alike_stay_apart(kind: str, folder: Path, database: str, transactional_db: None) -> None:
    """And equal ones that are spelled in two ways meet: decimals and times are keys by their value."""
    with closing(sqlite3.connect(folder / "in.sqlite3")) as file, file:
        file.execute("CREATE TABLE items_in (id, code TEXT, price DECIMAL_TEXT, seen DATETIME_TEXT, note TEXT)")
        rows = [(code, price, "2026-01-01T00:00:00Z", "old") for code in ALIKE for price in ("1.5", "15")]
        file.executemany("INSERT INTO items_in VALUES (1, ?, ?, ?, ?)", rows)
    save_connector(connector_from_shape({"slug": "source", "kind": "sqlite", "config": {"path": "pairs/in.sqlite3"}}))
    save_target(kind, database)
    job_type = pair_type("code", "price", "seen")
    assert counts(run(job_type)) == {"read": 34, "inserted": 34}
    assert counts(run(job_type)) == {"read": 34, "unchanged": 34}
    with closing(sqlite3.connect(folder / "in.sqlite3")) as file, file:
        file.execute("UPDATE items_in SET price = '1.50', seen = '2026-01-01 01:00:00+01:00' WHERE price = '1.5'")
        file.execute("UPDATE items_in SET note = 'new' WHERE code = 'a '")
    job = run(job_type)
    assert counts(job) == {"read": 34, "updated": 2, "unchanged": 32}, job.failure
    assert {change.key["code"] for change in Change.objects.filter(job=job)} == {"a "}
