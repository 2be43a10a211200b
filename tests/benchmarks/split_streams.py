"""A large PostgreSQL stream split into child jobs: one worker of one process beside two such workers, and the machine.

SPLIT_ROWS records (10,000,000; with BENCH_ROUNDS=1 1,000,000) are made by the server. What the machine can give at most
is told by copying the same records through one pipe of psql and through two at once. A wrong result ends with exit 1.
With SPLIT_LINK=10 the jobs' source lies behind a link that carries 10 MB a second on each connection.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psycopg

# This starts PostgreSQL and sets Django up, which those after it need.
from tests.benchmarks.slow_link import slow_link
from tests.benchmarks.stream_stack import (
    SERVER,
    psql,
    run_pipe,
    running_stack,
    save_database,
    save_stream_type,
)

from syncjobs.models import SyncJob, SyncJobType  # isort: skip
from syncjobs.operations.job_types import run_job_type  # isort: skip
from syncjobs.statuses import FINAL, Trigger  # isort: skip
from tests.benchmarks.measured_stack import WORKER, children_of, running_worker, wait_until  # isort: skip

ROWS = int(os.environ.get("SPLIT_ROWS", "1000000" if os.environ.get("BENCH_ROUNDS") == "1" else "10000000"))
LINK_MEGABYTES = float(os.environ.get("SPLIT_LINK", "0"))  # a second and connection
CHILDREN, LONGEST_SECONDS = 4, 3600.0
TICKS = os.sysconf("SC_CLK_TCK")
DECLARED = "id bigint PRIMARY KEY, name text NOT NULL, amount numeric(12, 2), seen timestamptz, note text"
FILL = """
    INSERT INTO orders SELECT n, 'Order ' || n, n % 100000 / 100.0, '2024-01-01'::timestamptz + n * interval '1 s',
        md5(n::text) FROM generate_series(1, {rows}) AS n
"""
STREAM = {"source": "orders", "target": "orders", "key": ["id"], "split": {"children": CHILDREN, "rows": ROWS // 10}}
CHECKSUM = "SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM orders AS t"


def main() -> None:
    """Measure and tell."""
    source, target = SERVER.create_database(), SERVER.create_database()
    ask(source, f"CREATE TABLE orders ({DECLARED})", FILL.format(rows=ROWS))
    ask(source, "VACUUM ANALYZE orders")
    expected = ask(source, CHECKSUM)
    with running_stack(), slow_link(SERVER.host, SERVER.port, LINK_MEGABYTES * 1e6) as port:
        save_database("bench-source", source.replace(f":{SERVER.port}/", f":{port}/") if LINK_MEGABYTES else source)
        save_database("bench-target", target)
        job_type = save_stream_type("split", "bench-source", STREAM)
        copies = [
            measure(f"{number} pipe(s) of psql", target, expected, copying(source, target, number)) for number in (1, 2)
        ]
        jobs = [measure(f"{number} worker(s)", target, expected, working(job_type, number)) for number in (1, 2)]
    tell(f"{ROWS:,} records, checksum {expected[0][1]}: equal in each run")
    tell(f"Two workers are {jobs[0] / jobs[1]:.2f} times as fast as one; two pipes {copies[0] / copies[1]:.2f} times.")


def ask(address: str, *statements: str) -> list[tuple[object, ...]]:
    """The rows of the last statement, if it has any."""
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def measure(name: str, target: str, expected: list[tuple[object, ...]], work: Callable[[], float]) -> float:
    """Seconds of it into an empty target; exits unless all records arrived. Tells how busy the machine was."""
    ask(target, "DROP TABLE IF EXISTS orders", f"CREATE TABLE orders ({DECLARED})", "CHECKPOINT")
    busy, began = busy_seconds(), time.monotonic()
    seconds = work()
    cores = (busy_seconds() - busy) / (time.monotonic() - began)
    if (found := ask(target, CHECKSUM)) != expected:
        sys.exit(f"{name}: {found} arrived of {expected}")
    tell(f"{name}: {seconds:.1f} s, {ROWS / seconds:,.0f} records/s, {cores:.2f} of {os.cpu_count()} cores busy")
    return seconds


def copying(source: str, target: str, pipes: int) -> Callable[[], float]:
    """The same records by COPY alone, each pipe with its own range."""

    def copy(number: int) -> None:
        low, high = ROWS * number // pipes, ROWS * (number + 1) // pipes
        out = f"COPY (SELECT * FROM orders WHERE id > {low} AND id <= {high}) TO STDOUT (FORMAT binary)"  # noqa: S608
        run_pipe(psql(source, out), psql(target, "COPY orders FROM STDIN (FORMAT binary)"))

    def work() -> float:
        began = time.monotonic()
        with ThreadPoolExecutor(pipes) as pool:
            list(pool.map(copy, range(pipes)))
        return time.monotonic() - began

    return work


def working(job_type: SyncJobType, workers: int) -> Callable[[], float]:
    """A job and its children, from the parent's start to the end of the last child."""
    command = (*WORKER[:-1], "1")

    def work() -> float:
        with ExitStack() as stack:
            started = [
                stack.enter_context(running_worker(*command, "--hostname", f"w{number}@bench", processes=1))
                for number in range(workers)
            ]
            parent = run_job_type(job_type, trigger=Trigger.CLI, actor="bench")
            family = SyncJob.objects.filter(parent=parent)
            over = family.filter(status__in=FINAL)
            wait_until(lambda: over.count() == CHILDREN, "the children", 0.2, LONGEST_SECONDS)
            used = cpu_seconds(one for worker in started for one in children_of(worker))
        ended = {child.status for child in family}
        read = sum(child.counts["read"] for child in family)
        if ended != {"finished"} or read != ROWS:
            sys.exit(f"{workers} workers: the children ended {ended} and read {read:,}")
        parent.refresh_from_db()
        ends = [child.ended_at for child in family if child.ended_at is not None]
        tell(f"{workers} worker(s) used {used:.1f} s of processor time; the rest of what was busy is PostgreSQL's")
        assert parent.started_at is not None
        return (max(ends) - parent.started_at).total_seconds()

    return work


def busy_seconds() -> float:
    """Processor time of the whole machine since it started, but for idling and waiting."""
    user, nice, system, *_ = map(int, Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:])
    return (user + nice + system) / TICKS


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time of these processes so far."""
    fields = (Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split() for pid in pids)
    return sum(int(one[11]) + int(one[12]) for one in fields) / TICKS


def tell(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
