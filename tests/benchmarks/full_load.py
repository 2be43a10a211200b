"""PERFORMANCE §1: all flights into an empty target, PostgreSQL to PostgreSQL on one server, beside limit and peers."""

from __future__ import annotations

from functools import partial
from typing import Any

import psycopg

from syncjobs.models import JobLog, SyncJobType
from tests.benchmarks.flights import DECLARED, ROWS, TYPES, fingerprint, reset_target
from tests.benchmarks.peers import Peer
from tests.benchmarks.results import LIMIT, Goal, Run, Table, differs
from tests.benchmarks.stream_stack import psql, run_cold, run_in_worker, run_pipe, save_stream_type

PLAIN, MAPPED = "Syncdeck, in a running worker", "Syncdeck, mapped by the source"
MAPPED_HERE, SAYS_SO = "Syncdeck, mapped in Python", "Records are mapped one by one"
COLD = "Syncdeck, cold (sync run --inline)"
WITHOUT_KEY = "the limit without a primary key"
STREAM: dict[str, Any] = {"source": "flights", "target": "flights", "key": ["id"], "mode": "upsert", "extent": "full"}
BLANK = {"op": "null_if", "values": ["n/a"], "ignore_case": True}
ONLY_PYTHON = BLANK | {"values": ["n/a", "überführt"]}  # no database is trusted with the cases of all letters
RULES: dict[str, dict[str, Any]] = {
    "carrier": {"transforms": [{"op": "strip"}, {"op": "upper"}]},
    "tailnum": {"transforms": [{"op": "collapse_spaces"}, BLANK]},
    "air_time": {"transforms": [{"op": "bounds", "min": 30, "max": 600, "outside": "null"}]},
    "origin": {"template": "{origin}-{dest}", "from": None},
}
EXPECTED = {
    "air_time": "CASE WHEN air_time BETWEEN 30 AND 600 THEN air_time END",
    "origin": "origin || '-' || dest",
}


class FullLoad:
    """The contenders of one comparison; every one begins with an empty target."""

    def __init__(self, source: str, target: str, peers: list[Peer]) -> None:
        self.source, self.target, self.peers, self.worker = source, target, peers, 0
        self.expected = fingerprint(source, "flights")
        self.expected_mapped = fingerprint(source, "flights", {name: EXPECTED.get(name, name) for name in TYPES})
        self.plain = save_stream_type("full-load", "bench-source", STREAM)
        self.mapped = save_stream_type("full-load-mapped", "bench-source", STREAM | {"mapping": _mapping(RULES)})
        only_here = RULES | {"tailnum": {"transforms": [{"op": "collapse_spaces"}, ONLY_PYTHON]}}
        self.mapped_here = save_stream_type("full-load-here", "bench-source", STREAM | {"mapping": _mapping(only_here)})
        goals = {PLAIN: Goal(1.15, megabytes=80), MAPPED_HERE: Goal(3.0)}
        self.table = Table(f"Full load of {ROWS:,} flights into an empty target", goals)

    def run_round(self, worker: int) -> None:
        """Everybody once; Syncdeck's jobs in this worker."""
        self.worker = worker
        measure = self.table.measure
        measure(LIMIT, partial(self._limit, ", PRIMARY KEY (id)"), self._complaint)
        measure(WITHOUT_KEY, partial(self._limit, ""), self._complaint)
        measure(PLAIN, partial(self._job, self.plain), self._complaint)
        measure(MAPPED, partial(self._job, self.mapped), self._complaint_of_mapped)
        measure(COLD, self._cold, self._complaint)
        measure(MAPPED_HERE, partial(self._job, self.mapped_here, is_here=True), self._complaint_of_mapped)
        for peer in self.peers:
            measure(peer.name, partial(self._peer, peer), self._complaint)

    def _limit(self, key: str) -> Run:
        reset_target(self.target, with_rows=False)
        with psycopg.connect(self.target, autocommit=True) as connection:
            connection.execute(f"CREATE TABLE flights ({DECLARED}{key})".encode())
        return copy_table(self.source, "flights", self.target)

    def _job(self, job_type: SyncJobType, *, is_here: bool = False) -> Run:
        reset_target(self.target, with_rows=False)
        job, run = run_in_worker(self.worker, job_type)
        if job.counts["inserted"] != ROWS:
            self.table.complain(f"the job counted {job.counts}")
        if JobLog.objects.filter(job=job, message__startswith=SAYS_SO).exists() != is_here:
            self.table.complain("it was mapped elsewhere")
        return run

    def _cold(self) -> Run:
        reset_target(self.target, with_rows=False)
        return run_cold(self.plain)

    def _peer(self, peer: Peer) -> Run:
        reset_target(self.target, with_rows=False)
        return peer.run("full load", "flights")

    def _complaint(self) -> str:
        return differs(fingerprint(self.target, "flights"), self.expected)

    def _complaint_of_mapped(self) -> str:
        return differs(fingerprint(self.target, "flights"), self.expected_mapped)


def copy_table(source: str, table: str, target: str) -> Run:
    """The limit: a table of the source into the target's empty `flights`."""
    return run_pipe(psql(source, f"COPY {table} TO STDOUT"), psql(target, "COPY flights FROM STDIN"))


def _mapping(rules_by_name: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    kinds = {"timestamptz": "datetime"}
    rules = []
    for name, kind in TYPES.items():
        rule = {"to": name, "from": name, "type": kinds.get(kind, kind)} | rules_by_name.get(name, {})
        rules.append({part: value for part, value in rule.items() if value is not None})
    return rules
