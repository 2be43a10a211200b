"""Records of a megabyte each: a job's process stays under 300 MB, however many there are and wherever they go."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from tests.connectors.scripted_server import scripted_server
from tests.faults.stack import Stack
from tests.faults.things import import_shapes, target_shape

pytestmark = pytest.mark.slow

RECORDS, MOST_BYTES = 160, 300 * 1024**2
FILL = f"""
    CREATE SCHEMA wide;
    CREATE TABLE wide.things (code int PRIMARY KEY, name text, note text);
    INSERT INTO wide.things SELECT n, 'a', repeat(md5(n::text), 32768) FROM generate_series(1, {RECORDS}) AS n
"""  # noqa: S608
RUN_MEASURED = """
from pathlib import Path
from syncjobs.models import SyncJobType
from syncjobs.operations.job_types import run_job_type
from syncjobs.operations.jobs import run_queued_job_here
from syncjobs.statuses import Trigger
Path("/proc/self/clear_refs").write_text("5")  # begins the peak anew
job = run_job_type(SyncJobType.objects.get(slug={slug!r}), trigger=Trigger.CLI, actor="test", dry_run={dry_run})
job = run_queued_job_here(job, on_wait=print)
lines = Path("/proc/self/status").read_text().splitlines()
peak = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
counts = {{name: number for name, number in job.counts.items() if number}}
rejects = list(job.rejects.values_list("key", "field", "code", "message", "is_whole"))
answer = {{"peak": peak, "status": job.status, "failure": job.failure, "counts": counts, "rejects": rejects}}
"""


def run_measured(stack: Stack, slug: str, *, dry_run: bool = False) -> dict[str, Any]:
    """Run a job of the type in a process of its own, which must stay small; what became of it."""
    found: dict[str, Any] = stack.python(RUN_MEASURED.format(slug=slug, dry_run=dry_run))
    assert found["peak"] < MOST_BYTES, f"{slug}: {found['peak'] / 1024**2:.0f} MB"
    return found


def counts_of(stack: Stack, slug: str, *, dry_run: bool = False) -> dict[str, int]:
    """The counts that are not zero of a job that must finish."""
    found = run_measured(stack, slug, dry_run=dry_run)
    assert found["status"] == "finished", found["failure"]
    counts: dict[str, int] = found["counts"]
    return counts


def type_between(source: str, target: str, slug: str, **stream: Any) -> dict[str, Any]:
    streams = [{"source": "things", "target": slug, "key": ["code"], "mode": "mirror"} | stream]
    shape = {"slug": slug, "name": slug, "source_connector": source, "target_connector": target, "max_retries": 0}
    return shape | {"timeout": 0, "config": {"streams": streams}}


@pytest.mark.parametrize("stack", ["postgresql"], indirect=True)
def test_large_records_never_fill_the_memory(stack: Stack) -> None:
    target = target_shape(stack)
    source = target | {"slug": "wide", "config": target["config"] | {"schema": "wide"}}
    file = {"slug": "file", "kind": "sqlite", "config": {"path": "wide.sqlite3"}}
    types = [
        type_between("wide", "target", "straight"),
        type_between("wide", "file", "things"),
        type_between("file", "target", "back"),
    ]
    import_shapes(stack, [source, target, file], types)
    with psycopg.connect(stack.warehouse_url, autocommit=True) as warehouse:
        warehouse.execute(FILL.encode())
        for one in types:
            assert counts_of(stack, one["slug"]) == {"read": RECORDS, "inserted": RECORDS}
        warehouse.execute(b"UPDATE wide.things SET note = repeat(md5(note), 32768) WHERE code > 50")
        warehouse.execute(b"DELETE FROM wide.things WHERE code < 50")
        expected = {"read": RECORDS - 49, "updated": RECORDS - 50, "unchanged": 1, "deleted": 49}
        assert counts_of(stack, types[0]["slug"], dry_run=True) == expected
        for one in types:
            assert counts_of(stack, one["slug"]) == expected


HUGE = 100  # MB
FILL_HUGE = f"""
    CREATE SCHEMA wide;
    CREATE TABLE wide.things (code int PRIMARY KEY, name text, note text, extra jsonb);
    INSERT INTO wide.things SELECT n, 'a', 'b', '{{}}' FROM generate_series(1, 50) AS n;
    UPDATE wide.things SET note = repeat('x', {HUGE} * 1024 * 1024) WHERE code = 30;
    UPDATE wide.things SET extra = to_jsonb(repeat('y', {HUGE} * 1024 * 1024)) WHERE code = 31
"""  # noqa: S608


@pytest.mark.parametrize("stack", ["postgresql"], indirect=True)
def test_huge_value_is_refused_by_name_before_it_is_read(stack: Stack) -> None:
    target = target_shape(stack)
    source = target | {"slug": "wide", "config": target["config"] | {"schema": "wide"}}
    file = {"slug": "file", "kind": "sqlite", "config": {"path": "wide.sqlite3"}}
    quarantine = {"on_reject": {"policy": "quarantine"}}
    types = [
        type_between("wide", "target", "straight", mode="upsert"),
        type_between("wide", "target", "aside", mode="upsert", **quarantine),
        type_between("wide", "file", "file", mode="upsert", **quarantine),
    ]
    import_shapes(stack, [source, target, file], types)
    with psycopg.connect(stack.warehouse_url, autocommit=True) as warehouse:
        warehouse.execute(FILL_HUGE.encode())
        stopped = run_measured(stack, "straight")
        assert (stopped["status"], stopped["failure"]["code"]) == ("error", "value_too_large")
        said = f"things: row code=30 column note is {HUGE}.0 MB, limit 16 MB"
        assert stopped["failure"]["message"] == said
        for slug in ("aside", "file"):
            found = run_measured(stack, slug)
            assert found["counts"] == {"read": 50, "inserted": 48, "rejected": 2}, found["failure"]
            assert [(key["code"], *why, whole) for key, *why, whole in found["rejects"]] == [
                (30, "note", "value_too_large", f"column note is {HUGE}.0 MB, limit 16 MB", False),
                (31, "extra", "value_too_large", f"column extra is {HUGE}.0 MB, limit 16 MB", False),
            ]


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_huge_value_in_an_sqlite_file_is_set_aside_by_its_size(stack: Stack) -> None:
    shapes = [{"slug": slug, "kind": "sqlite", "config": {"path": f"{slug}.sqlite3"}} for slug in ("wide", "target")]
    quarantine = {"mode": "upsert", "on_reject": {"policy": "quarantine"}}
    import_shapes(stack, shapes, [type_between("wide", "target", "aside", **quarantine)])
    with closing(sqlite3.connect(stack.data_dir / "wide.sqlite3")) as file, file:
        file.execute("CREATE TABLE things (code INTEGER PRIMARY KEY, name TEXT, note TEXT)")
        for code in range(1, 13):  # six of them are 600 MB
            file.execute("INSERT INTO things VALUES (?, 'a', 'b')", (code,))
            if code % 2:
                half = "UPDATE things SET note = replace(hex(zeroblob(? / 2)), '0', 'ä') WHERE code = ?"
                file.execute(half, (HUGE * 1024**2 // 2, code))
    found = run_measured(stack, "aside")
    assert found["counts"] == {"read": 12, "inserted": 6, "rejected": 6}, found["failure"]
    assert found["rejects"][0] == [
        {"code": 1},
        "note",
        "value_too_large",
        f"column note is {HUGE}.0 MB, limit 16 MB",
        False,
    ]


def answer_pages(handler: BaseHTTPRequestHandler) -> None:
    """A portal's: its columns, a count, or as many records of a megabyte as are asked for."""
    parts = urlsplit(handler.path)
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if parts.path.startswith("/api/views/"):
        columns = [{"fieldName": name, "dataTypeName": "text"} for name in ("name", "note")]
        body = json.dumps({"columns": [{"fieldName": "code", "dataTypeName": "number"}, *columns]}).encode()
    elif asked.get("$select") == "count(*)":
        body = json.dumps([{"count": str(RECORDS)}]).encode()
    else:
        last = int(asked["$where"].rpartition("'")[0].rpartition("'")[2]) if "$where" in asked else 0
        codes = range(last + 1, min(RECORDS, last + int(asked["$limit"])) + 1)
        body = json.dumps([{":id": f"{code:06}", **wide_record(code)} for code in codes]).encode()
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def wide_record(code: int) -> dict[str, str]:
    return {"code": str(code), "name": "a", "note": f"{code:08}" * 131_072}


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_large_records_of_a_portal_never_fill_the_memory(stack: Stack) -> None:
    target = {"slug": "target", "kind": "sqlite", "config": {"path": "target.sqlite3"}}
    with scripted_server(answer_pages) as server:
        config = {"base_url": server.url, "datasets": {"things": "aaaa-bbbb"}}
        source = {"slug": "portal", "kind": "soda", "config": config}
        import_shapes(stack, [source, target], [type_between("portal", "target", "pages")])
        assert counts_of(stack, "pages") == {"read": RECORDS, "inserted": RECORDS}
        assert counts_of(stack, "pages") == {"read": RECORDS, "unchanged": RECORDS}


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet"])
def test_large_records_of_files_never_fill_the_memory(stack: Stack, file_format: str) -> None:
    wide = {"slug": "wide", "kind": "sqlite", "config": {"path": "wide.sqlite3"}}
    files = {"slug": "files", "kind": "files", "config": {"root": "files", "format": file_format}}
    target = {"slug": "target", "kind": "sqlite", "config": {"path": "target.sqlite3"}}
    types = [type_between("wide", "files", "things"), type_between("files", "target", "back")]
    import_shapes(stack, [wide, files, target], types)
    with closing(sqlite3.connect(stack.data_dir / "wide.sqlite3")) as file, file:
        file.execute("CREATE TABLE things (code INTEGER PRIMARY KEY, name TEXT, note TEXT)")
        records = (tuple(wide_record(code).values()) for code in range(1, RECORDS + 1))
        file.executemany("INSERT INTO things VALUES (?, ?, ?)", records)
    for one in types:
        assert counts_of(stack, one["slug"]) == {"read": RECORDS, "inserted": RECORDS}
    for one in types:
        assert counts_of(stack, one["slug"]) == {"read": RECORDS, "unchanged": RECORDS}
