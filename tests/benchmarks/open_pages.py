"""`make bench`: whether twenty open pages that follow a job delay the worker that does it.

The same load of a table runs in a real worker again and again, in turns with and without twenty viewers of its page.
Delayed is a job whose `time_taken` is longer because somebody looks: by locks, by connections, by what its database has
to answer besides, or simply since the web server computes on cores that a sync, which is three processes, would have
used. So web server and worker share the machine, as under `up`. Only the browsers do not belong to Syncdeck; here they
are sockets that cost next to nothing. Goal: <= 1.05 times the time without them. A missed goal is only told; a wrong
result or a page that does not answer ends it with exit 1.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import psycopg

from tests.benchmarks.results import Goal, Run, Table, differs, markdown_file, tell
from tests.benchmarks.stream_stack import (
    SERVER,
    finished,
    running_pool,
    running_stack,
    save_database,
    save_stream_type,
    server_version,
)
from tests.benchmarks.viewers import OPEN_PAGES, Viewers, cpu_seconds, running_web, session_cookie

# The stack has set Django up, which those after it need.
from django.contrib.auth.models import User  # isort: skip
from django.db.models import Max  # isort: skip
from django.test import Client  # isort: skip
from syncjobs.models import JobLog, SyncJob  # isort: skip
from syncjobs.operations.job_types import run_job_type  # isort: skip
from syncjobs.statuses import Trigger  # isort: skip

TURNS = 5 if os.environ.get("BENCH_ROUNDS") == "1" else 11
ROWS = 1_500_000
ALONE, WATCHED = "nobody looks", f"{OPEN_PAGES} open pages follow it"
CHECKSUM = "SELECT count(*), sum(hashtextextended(ROW(t.*)::text, 0)) FROM {} AS t"
STREAM = {"source": "readings", "target": "kept_readings", "key": ["id"], "mode": "upsert", "extent": "full"}


class OpenPages:
    """One job type, whose jobs are timed with and without viewers."""

    def __init__(self, source: str, target: str, viewers: Viewers, web: int) -> None:
        self.target, self.viewers, self.web = target, viewers, web
        self.web_seconds = self.watched_seconds = 0.0
        with psycopg.connect(source, autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE readings (id bigint PRIMARY KEY, at timestamptz, place text, value float8)"
            )
            values = "timestamptz '2026-01-01' + n * interval '1 minute', 'place ' || n % 900, n % 9973 / 8.0"
            rows = f"SELECT n, {values} FROM generate_series(1, {ROWS}) n"  # noqa: S608 - all of it is ours
            connection.execute(f"INSERT INTO readings {rows}".encode())
            connection.execute("VACUUM ANALYZE readings")
        self.expected = _fingerprint(source, "readings")
        self.job_type = save_stream_type("readings", "bench-source", STREAM)
        self.table = Table(f"{OPEN_PAGES} open pages of a job", {WATCHED: Goal(1.05)}, limit=ALONE)

    def run_turn(self, number: int) -> None:
        """One job each way; who is first takes turns, too."""
        ways = {ALONE: self._job, WATCHED: self._watched_job}
        for name in (WATCHED, ALONE) if number % 2 else (ALONE, WATCHED):
            self.table.measure(name, partial(self._timed, ways[name]), self._complaint)

    def _timed(self, action: Callable[[], SyncJob]) -> Run:
        with psycopg.connect(self.target, autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS kept_readings")
            connection.execute("CHECKPOINT")
        job = action()
        if job.counts["inserted"] != ROWS:
            self.table.complain(f"the job counted {job.counts}")
        return Run(job.time_taken or 0.0)

    def _job(self) -> SyncJob:
        return finished(self._ask())

    def _watched_job(self) -> SyncJob:
        asked, last_line = self._ask(), JobLog.objects.aggregate(last=Max("pk"))["last"] or 0
        before, began = cpu_seconds(self.web), time.perf_counter()
        with self.viewers.looking(asked.pk, last_line):
            job = finished(asked)
        self.web_seconds += cpu_seconds(self.web) - before
        self.watched_seconds += time.perf_counter() - began
        return job

    def _ask(self) -> SyncJob:
        return run_job_type(self.job_type, trigger=Trigger.CLI, actor="bench")

    def _complaint(self) -> str:
        failures = self.viewers.failures
        return failures[0] if failures else differs(_fingerprint(self.target, "kept_readings"), self.expected)

    def tell_more(self) -> None:
        """How far the turns are apart, and what the pages cost."""
        ratios = sorted(self.table.ratios(WATCHED))
        low, _, high = statistics.quantiles(ratios, n=4)
        medians = self.table.seconds(WATCHED) / self.table.seconds(ALONE)
        spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}, the middle half {low:.2f} to {high:.2f}"
        rate, share = (found / self.watched_seconds for found in (self.viewers.answers, self.web_seconds))
        self.table.notes = [
            f"Ratios of the {len(ratios)} turns: {spread}; the ratio of the medians is {medians:.2f}.",
            f"The web server gave {rate:.0f} answers a second, for which it needed {share:.1%} of a core.",
        ]


def _fingerprint(database: str, table: str) -> tuple[int, str]:
    with psycopg.connect(database) as connection:
        row = connection.execute(CHECKSUM.format(table).encode()).fetchone()
    assert row is not None
    return int(row[0]), str(row[1])


def main() -> int:
    source, target = SERVER.create_database("bench_source"), SERVER.create_database("bench_target")
    with running_stack(), running_web() as (port, web), running_pool():
        client = Client(SERVER_NAME="localhost")
        client.force_login(User.objects.create_superuser("anna", "", "a-good-password"))
        save_database("bench-source", source)
        save_database("bench-target", target)
        viewers = Viewers(port, session_cookie(client))
        pages = OpenPages(source, target, viewers, web)
        for number in range(TURNS):
            pages.run_turn(number)
    pages.tell_more()
    return tell([pages.table], TURNS, server_version(), markdown_file())


if __name__ == "__main__":
    sys.exit(main())
