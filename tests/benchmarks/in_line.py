"""PERFORMANCE §2: a target that is out of date brought in line, PostgreSQL to PostgreSQL, beside limit and peers."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

from syncjobs.clock import db_now
from syncjobs.lifecycle.cursor_ledger import append_entry
from syncjobs.models import Change, SyncJob, SyncJobType
from tests.benchmarks.flights import CHANGED, NEW, ROWS, TYPES, fingerprint, reset_target
from tests.benchmarks.full_load import STREAM
from tests.benchmarks.peers import SINCE, Peer, Way
from tests.benchmarks.results import LIMIT, Goal, Run, Table, differs
from tests.benchmarks.stream_stack import forget_changes, psql, run_in_worker, run_pipe, save_stream_type

FULL, DRY, CURSOR = "Syncdeck, full source", "Syncdeck, dry run", "Syncdeck, by cursor"
EVERY, EVERY_KEPT = "Syncdeck, every row changed, no diff", "Syncdeck, every row changed, each with its diff"
SOME = {"read": ROWS + NEW, "inserted": NEW, "updated": CHANGED, "unchanged": ROWS - CHANGED}
ALL = {"read": ROWS, "inserted": 0, "updated": ROWS, "unchanged": 0}


class InLine:
    """The contenders of one comparison; every one begins with the target as the source was before its changes."""

    def __init__(self, source: str, target: str, peers: list[Peer]) -> None:
        self.source, self.target, self.peers, self.worker = source, target, peers, 0
        self.expected = {name: fingerprint(source, name) for name in ("flights", "flights_next", "flights_all")}
        some, every = STREAM | {"source": "flights_next"}, STREAM | {"source": "flights_all"}
        cursor = some | {"extent": "incremental", "cursor": {"field": "updated_at", "overlap_seconds": 0}}
        self.some = save_stream_type("in-line", "bench-source", some)
        self.by_cursor = save_stream_type("in-line-by-cursor", "bench-source", cursor)
        self.every = save_stream_type("every-row", "bench-source", every, changes_kept=0)
        self.every_kept = save_stream_type("every-row-kept", "bench-source", every, changes_kept=2 * ROWS)
        goals = {FULL: Goal(1.05), DRY: Goal(1.0), CURSOR: Goal(0.2), EVERY_KEPT: Goal(2.2, of=EVERY)}
        self.table = Table(f"In line: 1 % of {ROWS:,} flights changed, 0.5 % new", goals)

    def run_round(self, worker: int) -> None:
        """Everybody once; Syncdeck's jobs in this worker."""
        self.worker = worker
        measure, next_ = self.table.measure, partial(self._complaint, "flights_next")
        measure(LIMIT, self._limit, next_)
        measure(FULL, partial(self._job, self.some, SOME, NEW + CHANGED), next_)
        dry_run = partial(self._job, self.some, SOME, NEW + CHANGED, dry_run=True)
        measure(DRY, dry_run, partial(self._complaint, "flights"))
        measure(CURSOR, self._job_by_cursor, next_)
        measure(EVERY, partial(self._job, self.every, ALL, 0), partial(self._complaint, "flights_all"))
        measure(EVERY_KEPT, partial(self._job, self.every_kept, ALL, ROWS), partial(self._complaint, "flights_all"))
        ways: tuple[Way, ...] = ("merge", "by cursor")
        for peer in self.peers:
            for way in ways:
                measure(f"{peer.name}, {way}", partial(self._peer, peer, way), next_)

    def _limit(self) -> Run:
        reset_target(self.target, with_rows=True)
        return merge_table(self.source, "flights_next", self.target)

    def _job(self, job_type: SyncJobType, counts: dict[str, int], changes: int, **options: Any) -> Run:
        reset_target(self.target, with_rows=True)
        forget_changes()
        job, run = run_in_worker(self.worker, job_type, **options)
        self._check(job, counts, changes)
        return run

    def _job_by_cursor(self) -> Run:
        before = datetime.fromisoformat(SINCE).astimezone(UTC).isoformat()
        append_entry(self.by_cursor.pk, "flights_next", field="updated_at", new=before, now=db_now())
        return self._job(self.by_cursor, {"read": NEW + CHANGED, "inserted": NEW, "updated": CHANGED}, NEW + CHANGED)

    def _check(self, job: SyncJob, counts: dict[str, int], changes: int) -> None:
        found = {name: job.counts[name] for name in counts}
        kept = Change.objects.filter(job=job).count()
        if found != counts or kept != changes:
            self.table.complain(f"the job counted {found} and kept {kept:,} changes")

    def _peer(self, peer: Peer, way: Way) -> Run:
        reset_target(self.target, with_rows=True)
        return peer.run(way, "flights_next")

    def _complaint(self, table: str) -> str:
        return differs(fingerprint(self.target, "flights"), self.expected[table])


def merge_table(source: str, table: str, target: str) -> Run:
    """The limit: the target's `flights` brought in line with a table of the source."""
    names = [name for name in TYPES if name != "id"]
    new, old = (", ".join(f"{side}.{name}" for name in names) for side in ("excluded", "t"))
    update = f"DO UPDATE SET ({', '.join(names)}) = ({new}) WHERE ({old}) IS DISTINCT FROM ({new})"
    return run_pipe(
        psql(source, f"COPY {table} TO STDOUT"),
        psql(
            target,
            "CREATE TEMP TABLE s (LIKE flights)",
            "COPY s FROM STDIN",
            f"INSERT INTO flights AS t SELECT * FROM s ON CONFLICT (id) {update}",  # noqa: S608 - the names are ours
        ),
    )
