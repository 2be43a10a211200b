"""Every pair of kinds in every mode and extent: run, changed at the source, run again; rows and counts are exact."""

from __future__ import annotations

import csv
import datetime as dt
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import LazySettings
from django.core.exceptions import ValidationError

from connectors.models import Connector
from connectors.records import ReadRequest
from connectors.sandbox.datasets import DatasetSpec, four_by_four
from connectors.sandbox.server import running_sandbox
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from syncjobs.operations.state_checks import find_breaches
from syncjobs.stream_specs import SpecProblems
from tests.postgres_server import PostgresServer
from tests.streams.conftest import counts, run
from tests.streams.test_pairs import postgres_settings

Row = tuple[int, str, str]
Put = Callable[[list[Row]], None]
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
PAIRS = [
    (one, other) for one in ("postgres", "sqlite", "files") for other in ("postgres", "sqlite", "files") if one != other
]
PAIRS += [("soda", other) for other in ("postgres", "sqlite", "files")]
DAY = {"old": 100, "new": 5}


def row(number: int, name: str, age: str, minutes: int = 0) -> Row:
    seen = NOW - dt.timedelta(days=DAY[age]) + dt.timedelta(minutes=number + minutes)
    return number, name, seen.strftime("%Y-%m-%dT%H:%M:%S")


OLD = [row(number, f"name {number}", "old") for number in range(1, 5)]
NEW = [row(number, f"name {number}", "new") for number in range(5, 13)]
BEFORE = OLD + NEW
# Of both ages one is gone, one has another name and time, and one has come.
AFTER = [OLD[0], row(2, "other", "old", 30), OLD[3], row(20, "late", "old", 40)]
AFTER += [NEW[0], row(6, "other", "new", 30), *NEW[3:], row(21, "late", "new", 40)]
"""What is read of the old and of the new ones in the second run: 4 of 4, and 8 of 8."""
RANGE = {
    "start_date": (NOW - dt.timedelta(days=DAY["old"] + 2)).date().isoformat(),
    "end_date": (NOW - dt.timedelta(days=DAY["old"] - 2)).date().isoformat(),
}
READS = {"full": ("old", "new"), "window": ("new",), "backfill": ("old",), "incremental": ("old", "new")}
EXTENTS = {"append": tuple(READS), "upsert": tuple(READS), "mirror": ("full", "window", "backfill")}
EXTENTS["replace"] = ("full", "window")


def read_of(rows: list[Row], extent: str) -> list[Row]:
    """Those that a run with this extent reads."""
    limit = (NOW - dt.timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%S")
    return [one for one in rows if ("new" if one[2] > limit else "old") in READS[extent]]


def read_again(mode: str, extent: str) -> list[Row]:
    """Those that the second run reads; by a cursor only what is behind it, or at it where that adds nothing twice."""
    last = max(seen for _, _, seen in BEFORE)
    rows = [one for one in read_of(AFTER, extent) if extent != "incremental" or one[2] >= last]
    return [one for one in rows if one not in BEFORE] if (mode, extent) == ("append", "incremental") else rows


def expected(mode: str, extent: str) -> tuple[dict[str, int], list[Row]]:
    """The counts of the second run, and what is at the target after it."""
    before, read = read_of(BEFORE, extent), read_again(mode, extent)
    found = {"read": len(read)}
    if mode == "append":
        return found | {"inserted": len(read)}, before + read
    if mode == "replace":
        return found | {"inserted": len(read), "deleted": len(before)}, read
    known, keys = {one[0]: one for one in before}, {one[0] for one in read}
    found |= {"inserted": len(keys - known.keys()), "unchanged": len(set(read) & set(before))}
    found["updated"] = len(read) - found["inserted"] - found["unchanged"]
    kept = [one for one in before if one[0] not in keys]
    if mode == "mirror":
        return found | {"deleted": len(kept)}, read
    return found, kept + read


# The sources: a connector, and what puts rows there in place of all others.


@pytest.fixture
def folder(settings: LazySettings, transactional_db: None) -> Iterator[Path]:
    path = Path(settings.SYNCDECK_DATA_DIR) / "modes"
    path.mkdir()
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer) -> Iterator[str]:
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def put(request: pytest.FixtureRequest, folder: Path) -> Iterator[Put]:
    """The source of the kind of the parameter, empty."""
    kind = request.param
    if kind == "soda":
        yield from soda_source(folder)
    elif kind == "files":
        columns = {"items": {"id": "bigint", "seen": "datetime"}}
        config: dict[str, Any] = {"root": "modes/in", "format": "csv", "columns": columns}
        save_connector(connector_from_shape({"slug": "source", "kind": "files", "config": config}))
        yield lambda rows: put_file(folder / "in" / "items.csv", rows)
    elif kind == "sqlite":
        save_connector(
            connector_from_shape({"slug": "source", "kind": "sqlite", "config": {"path": "modes/in.sqlite3"}})
        )
        yield lambda rows: put_sqlite(folder / "in.sqlite3", rows)
    else:
        url = request.getfixturevalue("database")
        save_postgres("source", url, "public")
        yield lambda rows: put_postgres(url, rows)


def soda_source(folder: Path) -> Iterator[Put]:
    dataset = DatasetSpec(key=("id",), columns={"id": "number", "name": "text", "seen": "calendar_date"}, rows=[])
    with running_sandbox(folder / "portal.sqlite3", datasets={"items": dataset}) as portal:
        config = {"base_url": portal.url.rstrip("/"), "datasets": {"items": four_by_four("items")}}
        save_connector(connector_from_shape({"slug": "source", "kind": "soda", "config": config}))

        def put(rows: list[Row]) -> None:
            portal.delete_rows("items", {one[0] for one in BEFORE + AFTER} - {one[0] for one in rows})
            portal.change_rows("items", [{"id": one[0], "name": one[1], "seen": f"{one[2]}.000"} for one in rows])

        yield put


def put_file(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "name", "seen"])
        writer.writerows((number, name, f"{seen}Z") for number, name, seen in rows)


def put_sqlite(path: Path, rows: list[Row]) -> None:
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("DROP TABLE IF EXISTS items")
        file.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, seen DATETIME_TEXT)")
        file.executemany("INSERT INTO items VALUES (?, ?, ?)", [(one[0], one[1], f"{one[2]}Z") for one in rows])


def put_postgres(url: str, rows: list[Row]) -> None:
    with psycopg.connect(url) as session:
        session.execute("DROP TABLE IF EXISTS items")
        session.execute("CREATE TABLE items (id bigint PRIMARY KEY, name text, seen timestamptz)")
        session.cursor().executemany(
            "INSERT INTO items VALUES (%s, %s, %s)", [(*one[:2], f"{one[2]}Z") for one in rows]
        )


def save_postgres(slug: str, url: str, schema: str) -> None:
    config, password = postgres_settings(url)
    shape = {"slug": slug, "kind": "postgres", "config": config | {"schema": schema}}
    save_connector(connector_from_shape(shape | {"credentials": {"password": password}}))


def save_target(kind: str, request: pytest.FixtureRequest) -> None:
    if kind == "postgres":
        url = request.getfixturevalue("database")
        with psycopg.connect(url) as session:
            session.execute("DROP SCHEMA IF EXISTS out CASCADE")
            session.execute("CREATE SCHEMA out")
        save_postgres("target", url, "out")
        return
    config = {"sqlite": {"path": "modes/out.sqlite3"}, "files": {"root": "modes/out", "format": "jsonl"}}[kind]
    save_connector(connector_from_shape({"slug": "target", "kind": kind, "config": config}))


def make_type(mode: str, extent: str) -> SyncJobType:
    name = f"{mode}_{extent}"
    stream: dict[str, Any] = {"source": "items", "target": name, "mode": mode, "batch_size": 5}
    stream |= {"key": [] if mode == "append" else ["id"], "window": {"field": "seen", "days": 30}}
    stream |= {"extent": "full" if extent == "backfill" else extent}
    if extent == "incremental":
        stream |= {"cursor": {"field": "seen", "overlap_seconds": 0}}
        del stream["window"]
    shape = {"slug": name.replace("_", "-"), "source_connector": "source", "target_connector": "target"}
    guards = {"min_source_share": 0}
    config = {"config": {"streams": [stream]}, "guards": guards, "max_retries": 0}
    return save_job_type(job_type_from_shape(shape | config), actor="test")


def rows_at_target(stream: str) -> Counter[Row]:
    target = Connector.objects.get(slug="target").open()
    try:
        pages = list(target.read(ReadRequest(stream)))
    finally:
        target.close()
    rows = [dict(zip(page.names, values, strict=True)) for page in pages for values in page.rows]
    return Counter((int(one["id"]), one["name"], str(one["seen"]).replace(" ", "T")[:19]) for one in rows)


@pytest.mark.parametrize("mode", EXTENTS)
@pytest.mark.parametrize(("put", "kind"), PAIRS, indirect=["put"])
def test_pair_of_kinds_does_each_mode_with_each_extent_exactly(
    put: Put, kind: str, mode: str, request: pytest.FixtureRequest
) -> None:
    save_target(kind, request)
    put(BEFORE)
    types = {extent: make_type(mode, extent) for extent in EXTENTS[mode]}
    for extent, job_type in types.items():
        job = run(job_type, **(RANGE if extent == "backfill" else {}))
        read = read_of(BEFORE, extent)
        assert (job.status, counts(job)) == ("finished", {"read": len(read), "inserted": len(read)}), (
            extent,
            job.failure,
        )
        assert rows_at_target(f"{mode}_{extent}") == Counter(read)
    put(AFTER)
    for extent, job_type in types.items():
        job = run(job_type, **(RANGE if extent == "backfill" else {}))
        numbers, rows = expected(mode, extent)
        assert (job.status, counts(job)) == ("finished", numbers), (extent, job.failure)
        assert rows_at_target(f"{mode}_{extent}") == Counter(rows), extent
    assert list(find_breaches()) == []


@pytest.mark.parametrize("mode", ["mirror", "replace"])
@pytest.mark.parametrize("put", ["sqlite"], indirect=True)
def test_mode_that_needs_all_records_is_refused_with_a_cursor(
    put: Put, mode: str, request: pytest.FixtureRequest
) -> None:
    save_target("files", request)
    words = f"mode {mode} has to read everything, so extent incremental does not go with it; choose extent full, or"
    with pytest.raises(ValidationError, match=words):
        make_type(mode, "incremental")
    assert not SyncJobType.objects.exists()


@pytest.mark.parametrize("put", ["sqlite"], indirect=True)
def test_replacement_of_a_range_is_refused_before_there_is_a_job(put: Put, request: pytest.FixtureRequest) -> None:
    save_target("files", request)
    with pytest.raises(SpecProblems, match="leave the dates out, or use mode mirror or upsert"):
        run(make_type("replace", "full"), **RANGE)
    assert not SyncJob.objects.exists()


@pytest.mark.parametrize("put", ["soda"], indirect=True)
def test_target_that_can_only_be_read_is_refused(put: Put) -> None:
    portal = Connector.objects.get(slug="source")
    save_connector(connector_from_shape({"slug": "target", "kind": "soda", "config": portal.config}))
    with pytest.raises(ValidationError, match="Connectors of kind 'soda' can only be read from"):
        make_type("upsert", "full")
