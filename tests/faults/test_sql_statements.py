"""Databases that hang, drop connections or hold locks while a job is at work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.faults.stack import Stack, is_final
from tests.faults.things import ask_for, import_shapes
from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.slow

SLOW_VIEW = """
CREATE TABLE things (code text PRIMARY KEY, name text);
INSERT INTO things SELECT 'T' || lpad(number::text, 5, '0'), 'Thing ' || number FROM generate_series(1, 3000) number;
CREATE VIEW slow AS SELECT code, name FROM things WHERE pg_sleep(30) IS NOT NULL;
CREATE TABLE copied (code text PRIMARY KEY, name text);
CREATE VIEW keyless AS SELECT name FROM things;
CREATE TABLE appended (name text);
"""
WHERE_IT_WENT_ON = """
from syncjobs.models import JobLog
answer = list(JobLog.objects.filter(message__startswith="Goes on").values_list("message", flat=True))
"""


def connector(slug: str, address: str) -> dict[str, Any]:
    url = urlsplit(address)
    config = {"host": url.hostname, "port": url.port, "user": url.username, "dbname": url.path.strip("/")}
    config |= {"sslmode": "disable", "schema": "public"}
    return {"slug": slug, "kind": "postgres", "config": config, "credentials": {"password": url.password}}


@pytest.fixture
def database(postgres_server: PostgresServer) -> str:
    """The URL of a database that is source and target at once."""
    url = postgres_server.create_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SLOW_VIEW)
    return url


@pytest.fixture
def running(tmp_path: Path, database: str) -> Iterator[Stack]:
    """A Syncdeck with types for `things`, for a view that never answers and for one without a key; no worker yet."""
    stack = Stack(tmp_path / "data")
    types = []
    for source in ("things", "slow"):
        stream = {"source": source, "target": "copied", "key": ["code"], "mode": "upsert", "batch_size": 500}
        shape = {"slug": source, "name": source.title(), "source_connector": "source", "target_connector": "target"}
        types.append(shape | {"retry_delay": 0, "config": {"streams": [stream]}})
    keyless: dict[str, Any] = {"source": "keyless", "target": "appended", "mode": "append"}
    types.append(shape | {"slug": "keyless", "name": "Keyless", "retry_delay": 0, "config": {"streams": [keyless]}})
    query = {"query": "SELECT lower(name) AS name FROM things", "partition": {"field": "name", "rows": 400}}
    parted = keyless | query
    types.append(shape | {"slug": "ranges", "name": "Ranges", "retry_delay": 0, "config": {"streams": [parted]}})
    try:
        import_shapes(stack, [connector("source", database), connector("target", database)], types)
        stack.start_broker()
        stack.start_dispatcher()
        yield stack
    finally:
        stack.stop()


def test_cancel_ends_a_job_inside_a_long_statement_within_ten_seconds(running: Stack) -> None:
    running.start_worker()
    (job_id,) = ask_for(running, slug="slow")
    running.wait_for(job_id, lambda job: job["phase"] == "reading")
    started = time.monotonic()
    running.manage("sync", "cancel", str(job_id))
    job = running.wait_for(job_id, is_final)
    assert time.monotonic() - started < 12  # ten, and what our own commands take to start
    assert job["status"] == "canceled"


def test_target_connection_that_is_cut_mid_batch_is_made_again_and_nothing_is_double(
    running: Stack, database: str
) -> None:
    running.start_worker()
    with psycopg.connect(database) as blocker, psycopg.connect(database, autocommit=True) as administrator:
        blocker.execute("LOCK TABLE copied IN EXCLUSIVE MODE")
        (job_id,) = ask_for(running, slug="things")
        waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        give_up = time.monotonic() + 30
        while not (found := administrator.execute(waiting).fetchall()):
            assert time.monotonic() < give_up, running.log_text()
            time.sleep(0.2)
        administrator.execute("SELECT pg_terminate_backend(%s)", found[0])
        blocker.rollback()
    job = running.wait_for(job_id, is_final)
    assert (job["status"], job["attempt"]) == ("finished", 1)
    assert (job["counts"]["read"], job["counts"]["inserted"], job["counts"]["unchanged"]) == (3000, 3000, 0)
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT count(*), count(DISTINCT code) FROM copied").fetchone()
    assert row == (3000, 3000)


@pytest.mark.parametrize("point", ["before_commit", "after_target_commit"])
def test_source_without_a_key_is_appended_once_whenever_the_worker_is_killed(
    running: Stack, database: str, point: str
) -> None:
    running.start_worker(SYNCDECK_CRASH_AT=point)
    (job_id,) = ask_for(running, slug="keyless")
    job = running.wait_for(job_id, is_final)
    assert (job["status"], job["attempt"]) == ("finished", 2), running.log_text()
    assert (job["counts"]["read"], job["counts"]["inserted"]) == (3000, 3000)
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT count(*), count(DISTINCT name) FROM appended").fetchone()
    assert row == (3000, 3000)


@pytest.mark.parametrize("point", ["before_commit:3", "after_target_commit:5"])
def test_query_in_ranges_goes_on_at_its_range_when_the_worker_is_killed(
    running: Stack, database: str, point: str
) -> None:
    running.start_worker(SYNCDECK_CRASH_AT=point)
    (job_id,) = ask_for(running, slug="ranges")
    job = running.wait_for(job_id, is_final)
    assert (job["status"], job["attempt"]) == ("finished", 2), running.log_text()
    assert (job["counts"]["read"], job["counts"]["inserted"]) == (3000, 3000)
    after = {"before_commit:3": 2, "after_target_commit:5": 5}[point]
    assert running.python(WHERE_IT_WENT_ON)[0].startswith(f"Goes on after batch {after}, ")
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT count(*), count(DISTINCT name) FROM appended").fetchone()
    assert row == (3000, 3000)
