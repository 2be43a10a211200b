"""A large table brought in line while it is watched, paused, taken elsewhere, killed and canceled: it ends exact.

CHAOS_RECORDS is the number of records (3,000,000), CHAOS_SEED repeats a run. Memory is that of the worker's processes.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.faults.documents import assert_books_are_in_order
from tests.faults.stack import Stack, database_urls, is_final
from tests.faults.things import ask_for, import_shapes, target_shape
from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.chaos
RECORDS = int(os.environ.get("CHAOS_RECORDS", "3000000"))
SEED = int(os.environ.get("CHAOS_SEED", str(time.time_ns() % 1_000_000)))
CHANGED, MISSING = RECORDS // 100, RECORDS // 200
PORTION = max(1_000, RECORDS // 60)
MOST_MEGABYTES = 200
PATIENCE_SECONDS = 300.0
COLUMNS = "id bigint PRIMARY KEY, name text, city text, value numeric(12, 2), taken_at timestamptz"
FILL = """
    INSERT INTO readings SELECT n, 'Reading ' || n, CASE n %% 3 WHEN 0 THEN NULL ELSE 'Köln ' || n %% 100 END,
    n / 7.0, timestamptz '2026-01-01' + n * interval '1 second' FROM generate_series(1, %s) AS n
"""
CHECKSUM = "SELECT count(*), sum(hashtextextended(r::text, 0)) FROM readings AS r"
VERB = """
from syncjobs.operations.jobs import {verb}_job
answer = {verb}_job({job_id}, actor="chaos").status
"""
CHANGES = """
from syncjobs.models import Change
changes = Change.objects.filter(job={job_id})
answer = [changes.count(), changes.values("key_hash").distinct().count()]
"""


@pytest.fixture
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    running = Stack(tmp_path / "data", **database_urls("postgresql", request))
    yield running
    running.stop()


@pytest.fixture
def source_url(stack: Stack, postgres_server: PostgresServer) -> str:
    """The whole table at the source; at the target every hundredth record differs, every two hundredth is missing."""
    url = postgres_server.create_database()
    for place in (url, stack.warehouse_url):
        with psycopg.connect(place, autocommit=True) as server:
            server.execute(f"CREATE TABLE readings ({COLUMNS})")
            server.execute(FILL, [RECORDS])
    with psycopg.connect(stack.warehouse_url, autocommit=True) as server:
        server.execute("UPDATE readings SET value = value + 1 WHERE id %% 100 = 7 AND id <= %s", [RECORDS])
        server.execute("DELETE FROM readings WHERE id % 200 = 11")
        server.execute("VACUUM ANALYZE readings")
    return url


def set_up(stack: Stack, source_url: str) -> None:
    target = target_shape(stack)
    source = target | {"slug": "source", "config": target["config"] | {"dbname": source_url.rpartition("/")[2]}}
    stream = {"source": "readings", "target": "readings", "key": ["id"], "mode": "upsert", "batch_size": PORTION}
    job_type = {"slug": "things", "name": "Readings", "controller": "stream_sync", "timeout": 0, "retry_delay": 0}
    job_type |= {"source_connector": "source", "target_connector": "target", "config": {"streams": [stream]}}
    import_shapes(stack, [source, target], [job_type])


def checksum(url: str) -> tuple[Any, ...]:
    with psycopg.connect(url) as server:
        found = server.execute(CHECKSUM).fetchone()
    assert found is not None
    return found


class Watch:
    """One worker at a time, and the most memory that any process of theirs took."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._number = 0
        self.megabytes = 0.0
        self.worker = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        self._number += 1
        return self._stack.start_worker(f"worker-{self._number}")

    def look(self) -> list[int]:
        """The pool processes; notes their memory."""
        children = Path(f"/proc/{self.worker.pid}/task/{self.worker.pid}/children").read_text().split()
        for child in children:
            with suppress(OSError, StopIteration):  # it has just ended
                peak = next(line for line in Path(f"/proc/{child}/status").read_text().splitlines() if "VmHWM" in line)
                self.megabytes = max(self.megabytes, int(peak.split()[1]) / 1024)
        return [int(child) for child in children]

    def replace(self) -> None:
        """Another worker instead of this one."""
        self.look()
        self.worker.send_signal(signal.SIGTERM)
        self.worker.wait(timeout=40)
        self.worker = self._start()

    def kill(self) -> None:
        for pid in self.look():
            os.kill(pid, signal.SIGKILL)


def wait_for(stack: Stack, watch: Watch, job_id: int, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not is_so(job := stack.job(job_id)):
        assert not is_final(job), job
        assert time.monotonic() < give_up, f"{job}\n{stack.log_text()}"
        watch.look()
        time.sleep(0.05)
    return job


def has_read_more(share: float) -> Callable[[dict[str, Any]], bool]:
    return lambda job: job["status"] == "started" and job["counts"]["read"] > RECORDS * share


def assert_exact(stack: Stack, source_url: str, job: dict[str, Any], **counts: int) -> None:
    assert job["status"] == "finished", f"seed {SEED}: {job}"
    told = {name: number for name, number in job["counts"].items() if number}
    assert told == {"read": RECORDS, "unchanged": RECORDS - sum(counts.values())} | counts
    assert stack.python(CHANGES.format(job_id=job["id"])) == [sum(counts.values())] * 2
    assert checksum(stack.warehouse_url) == checksum(source_url)


def test_large_table_ends_exact_whatever_happens_on_the_way(stack: Stack, source_url: str) -> None:
    chance = random.Random(SEED)  # noqa: S311 - repeatable mischief
    set_up(stack, source_url)
    stack.start_broker()
    stack.start_dispatcher()
    watch = Watch(stack)

    (job_id,) = ask_for(stack)
    seen = [wait_for(stack, watch, job_id, has_read_more(share))["counts"]["read"] for share in (0.02, 0.1)]
    assert 0 < seen[0] < seen[1] < RECORDS
    stack.python(VERB.format(verb="pause", job_id=job_id))
    paused = wait_for(stack, watch, job_id, lambda job: job["status"] == "paused")
    watch.replace()
    stack.python(VERB.format(verb="resume", job_id=job_id))
    wait_for(stack, watch, job_id, has_read_more(max(0.2, paused["counts"]["read"] / RECORDS) + 0.1))
    time.sleep(chance.random())
    watch.kill()
    job = wait_for(stack, watch, job_id, lambda job: is_final(job) or has_read_more(0.8)(job))
    if not is_final(job):
        watch.replace()
        wait_for(stack, watch, job_id, lambda job: job["status"] == "finished")
    assert_exact(stack, source_url, stack.job(job_id), updated=CHANGED, inserted=MISSING)

    with psycopg.connect(source_url, autocommit=True) as server:
        server.execute("UPDATE readings SET city = 'Zürich' WHERE id %% 100 = 42 AND id <= %s", [RECORDS])
    (canceled_id,) = ask_for(stack)
    wait_for(stack, watch, canceled_id, has_read_more(0.1 + chance.random() / 2))
    stack.python(VERB.format(verb="cancel", job_id=canceled_id))
    canceled = wait_for(stack, watch, canceled_id, lambda job: job["status"] == "canceled")["counts"]
    assert 0 < canceled["updated"] < CHANGED
    (last_id,) = ask_for(stack)
    last = wait_for(stack, watch, last_id, lambda job: job["status"] == "finished")
    assert_exact(stack, source_url, last, updated=CHANGED - canceled["updated"])
    assert_books_are_in_order(stack)
    assert watch.megabytes <= MOST_MEGABYTES
    print(f"{RECORDS:,} records, seed {SEED}: peak {watch.megabytes:.0f} MB of a worker process")  # noqa: T201
