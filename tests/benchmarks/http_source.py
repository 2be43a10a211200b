"""`make bench`: an HTTP source into PostgreSQL in a running worker, beside the limit measured in the same rounds.

PERFORMANCE §3 has the goals. The limit downloads the same pages, looks at none of them, and loads a CSV that was
ready before. Every result is compared with that table; a wrong one ends it with exit 1.
"""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
import requests

from tests.benchmarks.page_server import ALL, EVERY, FEW, FIRST, KINDS, NEXT, RECORDS, Record, changed, records
from tests.benchmarks.peers import PageWay, Peer, installed_peers
from tests.benchmarks.results import LIMIT, Goal, Run, Table, differs, markdown_file, tell
from tests.benchmarks.stream_stack import (
    SERVER,
    run_in_worker,
    running_pool,
    running_stack,
    save_database,
    save_stream_type,
    server_version,
)

# The module before has set Django up, which those after it need.
from connectors.field_types import TYPES  # isort: skip
from connectors.soql import field_type  # isort: skip
from syncjobs.models import SyncJobType  # isort: skip
from syncjobs.operations.connectors import connector_from_shape, save_connector  # isort: skip
from syncjobs.operations.default_jobs import mapping_of  # isort: skip

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
PAGE = 10_000
PLAIN, SHORT = "Syncdeck, into an empty target", f"Syncdeck, only {FEW // PAGE} pages, for its memory"
MAPPED, FULL = "Syncdeck, mapped, into an empty target", "Syncdeck, mapped, compared with a full target"
MAPPING = [rule for rule in mapping_of("crashes") if rule["to"] in KINDS]
GOALS = {PLAIN: Goal(1.6, megabytes=150), FULL: Goal(2.2, megabytes=150)}
UPDATED = RECORDS // EVERY
# What the peers are told of the columns, so that their table is like ours.
PEER_HINTS: dict[str, dict[str, Any]] = {
    "number": {"data_type": "decimal", "precision": 38, "scale": 12},
    "calendar_date": {"data_type": "timestamp"},
    "text": {"data_type": "text"},
}


class HttpSource:
    """The contenders of one comparison; `crashes_*` are the tables that each result must equal."""

    def __init__(self, url: str, target: str, peers: list[Peer]) -> None:
        self.url, self.target, self.peers, self.worker = url, target, peers, 0
        kept = list(records())
        self.blocks = list(_csv_blocks(kept))
        self._load("crashes_all", self.blocks)
        self._load("crashes_next", _csv_blocks([changed(record, number) for number, record in enumerate(kept)]))
        stream = {"target": "crashes", "key": ["crash_record_id"], "mode": "upsert", "extent": "full"}
        self.plain = save_stream_type("http-plain", "bench-http", stream | {"source": "all"})
        self.short = save_stream_type("http-short", "bench-http", stream | {"source": "first"})
        mapped = stream | {"target": "cleaned", "mapping": MAPPING}
        self.mapped = save_stream_type("http-mapped", "bench-http", mapped | {"source": "all"})
        self.next = save_stream_type("http-next", "bench-http", mapped | {"source": "next"})
        self.table = Table(f"HTTP source: {RECORDS:,} records of {len(KINDS)} fields, pages of {PAGE:,}", GOALS)

    def run_round(self, worker: int) -> None:
        """Everybody once, Syncdeck's jobs in this worker; the last one finds what the one before has written."""
        self.worker = worker
        self._drop("crashes", "cleaned")
        measure = self.table.measure
        measure(LIMIT, self._limit, partial(self._complaint, "plain", "crashes_all"))
        measure(SHORT, partial(self._job, self.short, {"inserted": FEW}), str)
        self._drop("crashes")
        measure(
            PLAIN,
            partial(self._job, self.plain, {"inserted": RECORDS}),
            partial(self._complaint, "crashes", "crashes_all"),
        )
        measure(
            MAPPED,
            partial(self._job, self.mapped, {"inserted": RECORDS}),
            partial(self._complaint_of_mapped, "crashes_all"),
        )
        counts = {"updated": UPDATED, "unchanged": RECORDS - UPDATED}
        measure(FULL, partial(self._job, self.next, counts), partial(self._complaint_of_mapped, "crashes_next"))
        ways: tuple[PageWay, ...] = ("Parquet", "default")
        for peer in self.peers:
            for way in ways:
                measure(f"{peer.name}, rest_api, {way}", partial(self._peer, peer, way), self._complaint_of_peer)

    def _limit(self) -> Run:
        self._drop("plain")
        began = time.perf_counter()
        self._load("plain", self._blocks_with_pages())
        return Run(time.perf_counter() - began)

    def _blocks_with_pages(self) -> Iterator[bytes]:
        """The ready blocks, one after each page that was downloaded."""
        last = -1
        with requests.Session() as session:
            for block in self.blocks:
                query = {"$select": ":id," + ",".join(KINDS), "$order": ":id", "$limit": str(PAGE)}
                if last >= 0:
                    query["$where"] = f"(:id > 'row-{last:08d}')"
                session.get(f"{self.url}/resource/{ALL}.json", params=query, timeout=60).raise_for_status()
                last += PAGE
                yield block

    def _load(self, table: str, blocks: Iterator[bytes] | list[bytes]) -> None:
        with psycopg.connect(self.target, autocommit=True) as connection:
            connection.execute(f"CREATE TABLE {table} ({_declared()}, PRIMARY KEY (crash_record_id))".encode())
            with connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT csv)".encode()) as copy:
                for block in blocks:
                    copy.write(block)

    def _job(self, job_type: SyncJobType, counts: dict[str, int]) -> Run:
        job, run = run_in_worker(self.worker, job_type)
        if (found := {name: job.counts[name] for name in counts}) != counts:
            self.table.complain(f"the job counted {found}")
        return run

    def _peer(self, peer: Peer, way: PageWay) -> Run:
        self._drop("crashes")
        return peer.run_pages(way, PAGE, {name: PEER_HINTS[kind] for name, kind in KINDS.items()})

    def _drop(self, *tables: str) -> None:
        with psycopg.connect(self.target, autocommit=True) as connection:
            for table in tables:
                connection.execute(f"DROP TABLE IF EXISTS {table}".encode())
            connection.execute("CHECKPOINT")

    def _complaint(self, table: str, expected: str) -> str:
        return differs(self._fingerprint(table, KINDS), self._fingerprint(expected, KINDS))

    def _complaint_of_mapped(self, expected: str) -> str:
        cleaned = [_cleaned(name, kind) for name, kind in KINDS.items()]
        return differs(self._fingerprint("cleaned", KINDS), self._fingerprint(expected, cleaned))

    def _complaint_of_peer(self) -> str:
        """Its numbers have a fixed number of places."""
        numbers = [f"trim_scale({name})" if kind == "number" else name for name, kind in KINDS.items()]
        return differs(self._fingerprint("crashes", numbers), self._fingerprint("crashes_all", numbers))

    def _fingerprint(self, table: str, values: Any) -> tuple[int, str]:
        query = f"SELECT count(*), sum(hashtextextended(ROW({', '.join(values)})::text, 0)) FROM {table}"  # noqa: S608
        with psycopg.connect(self.target) as connection:
            row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0]), str(row[1])


def _csv_blocks(kept: list[Record]) -> Iterator[bytes]:
    """The records as CSV, one block a page."""
    for begin in range(0, len(kept), PAGE):
        text = io.StringIO()
        csv.DictWriter(text, list(KINDS)).writerows(kept[begin : begin + PAGE])
        yield text.getvalue().encode()


def _declared() -> str:
    """The columns as Syncdeck creates them."""
    columns = (f"{name} {TYPES[field_type(kind)].postgres}" for name, kind in KINDS.items())
    return ", ".join(columns).replace("crash_record_id text", 'crash_record_id text COLLATE "C"')


def _cleaned(name: str, kind: str) -> str:
    """What the mapping makes of a column, as SQL says it."""
    limits = {"latitude": (41.6, 42.1), "longitude": (-87.95, -87.5)}
    if name in limits:
        low, high = limits[name]
        return f"CASE WHEN {name} BETWEEN {low} AND {high} THEN {name}::float8 END"
    if kind == "text":
        text = f"btrim(regexp_replace({name}, '\\s+', ' ', 'g'))"
        return f"CASE WHEN upper({text}) NOT IN ('', 'NULL', 'N/A', 'UNKNOWN', 'UNK') THEN {text} END"
    return f"{name}::integer" if kind == "number" else name


@contextmanager
def running_pages() -> Iterator[str]:
    """The portal's address."""
    command = [sys.executable, "-m", "tests.benchmarks.page_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def main() -> int:
    target = SERVER.create_database("bench_target")
    with running_pages() as url, running_stack():
        datasets = {"all": ALL, "next": NEXT, "first": FIRST}
        shape = {"slug": "bench-http", "kind": "soda", "config": {"base_url": url, "datasets": datasets}}
        save_connector(connector_from_shape(shape))
        save_database("bench-target", target)
        with installed_peers(f"{url}/resource/{ALL}.json", target, ["dlt"]) as peers:
            comparison = HttpSource(url, target, peers)
            for _ in range(ROUNDS):
                with running_pool() as worker:
                    comparison.run_round(worker)
    return tell([comparison.table], ROUNDS, server_version(), markdown_file())


if __name__ == "__main__":
    sys.exit(main())
