"""Connections that are lost while a stream is synced, at every place: they cost neither a retry nor a record."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from connectors.errors import TransientError
from connectors.models import Connector
from connectors.surroundings import Surroundings
from syncjobs.models import Change, JobLog, SyncJob, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.descriptions import describe_job
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from syncjobs.operations.jobs import cancel_job, retry_job
from syncjobs.operations.plans import apply_plan, approve_plan
from syncjobs.operations.state_checks import find_breaches
from syncjobs.statuses import Trigger
from syncjobs.streams import patience
from tests.postgres_server import PostgresServer
from tests.streams.conftest import counts, run, run_here

SOURCE = (
    "CREATE TABLE things (id int PRIMARY KEY, note text)",
    "INSERT INTO things SELECT n, 'note ' || n FROM generate_series(1, 20) AS n",
    "CREATE TABLE loose AS SELECT * FROM things",
)
TARGET = (
    "CREATE TABLE things (id int PRIMARY KEY, note text)",
    "INSERT INTO things SELECT n, 'note ' || n FROM generate_series(1, 5) AS n",
    "INSERT INTO things SELECT n, 'old' FROM generate_series(6, 10) AS n",
    "INSERT INTO things SELECT n, 'gone' FROM generate_series(101, 107) AS n",
)
END_SESSIONS = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = %s"
Execute = Callable[..., Any]


@dataclass
class Systems:
    """A source and a target database. All sessions of one `side` are ended at a `place`: where statements came by that
    match its patterns, one after the other, before the last of them or right `after` it, so that its answer is lost.
    """

    urls: dict[str, str]
    side: str = ""
    place: tuple[str, ...] = ()
    after: bool = False
    on_cut: Callable[[], object] = bool

    def arm(self, side: str, *place: str, after: bool = False) -> None:
        self.side, self.place, self.after = side, place, after

    @property
    def was_cut(self) -> bool:
        return not self.place

    def sql(self, side: str, *statements: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.urls[side], autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def name(self, side: str) -> str:
        return urlsplit(self.urls[side]).path.strip("/")

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("execute", "copy", "stream"):
            monkeypatch.setattr(psycopg.RawCursor, name, self.spy(getattr(psycopg.RawCursor, name)))

    def spy(self, execute: Execute) -> Execute:
        def spying(cursor: Any, query: bytes, *arguments: Any, **options: Any) -> Any:
            side = next(one for one in self.urls if self.name(one) == cursor.connection.info.dbname)
            is_next = side == self.side and bool(self.place) and bool(re.search(self.place[0], query.decode()))
            if is_next:
                self.place = self.place[1:]
            is_now = is_next and not self.place
            if is_now and not self.after:
                self.cut()
            result = execute(cursor, query, *arguments, **options)
            if is_now and self.after:
                self.cut()
                execute(cursor, b"SELECT 1")
            return result

        return spying

    def cut(self) -> None:
        self.on_cut()
        other = next(url for side, url in self.urls.items() if side != self.side)
        with psycopg.connect(other) as administrator:
            administrator.execute(END_SESSIONS, [self.name(self.side)])


def fill_systems(source: str, target: str) -> Systems:
    """Fill two empty databases, and save their connectors."""
    made = Systems({"source": source, "target": target})
    for slug, url in made.urls.items():
        parts = urlsplit(url)
        config = {"host": parts.hostname, "port": parts.port, "user": parts.username, "dbname": made.name(slug)}
        shape = {"slug": slug, "kind": "postgres", "config": config | {"sslmode": "disable"}}
        save_connector(connector_from_shape(shape | {"credentials": {"password": parts.password}}))
    made.sql("source", *SOURCE)
    made.sql("target", *TARGET)
    return made


@pytest.fixture
def systems(
    postgres_server: PostgresServer, postgres_url: str, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Systems]:
    made = fill_systems(postgres_url, postgres_server.create_database())
    made.watch(monkeypatch)
    monkeypatch.setattr(patience, "FIRST_PAUSE_SECONDS", 0.001)
    yield made
    postgres_server.drop_database(made.urls["target"])


def job_type(mode: str, way: str, **stream: Any) -> SyncJobType:
    """A type that copies the things, looked at one by one where `way` says so."""
    stream = {"source": "things", "target": "things", "key": ["id"], "mode": mode, "batch_size": 5} | stream
    stream |= {"max_rows": 1000} if way == "one by one" else {}
    shape: dict[str, Any] = {"slug": "things", "name": "Things", "max_retries": 0, "config": {"streams": [stream]}}
    shape |= {"source_connector": "source", "target_connector": "target"}
    return save_job_type(job_type_from_shape(shape), actor="test")


WRITTEN = {
    "upsert": {"read": 20, "inserted": 10, "updated": 5, "unchanged": 5},
    "mirror": {"read": 20, "inserted": 10, "updated": 5, "unchanged": 5, "deleted": 7},
    "replace": {"read": 20, "inserted": 20, "deleted": 17},
    "append": {"read": 20, "inserted": 20},
}
BEFORE, AFTER = False, True
LOGIN, COLUMNS, COMMIT = r"^SELECT set_config", r"pg_attribute", r"^COMMIT"
PAGE, QUICK_PAGE = r'^SELECT t."id".*WHERE \("id"\) > ', r"^COPY \(SELECT"
STAGED, INSERTED, UPDATED = r"^COPY pg_temp", r'^INSERT INTO "public"."things"', r'^UPDATE "public"."things"'
SETTLED, PREPARED, DELETED = r"^UPDATE .*checkpoint", r"^SELECT 1 FROM .* LIMIT 1", r'^DELETE FROM "public"."things"'
MISSING, ASKED, NEXT_KEYS = r"^SELECT count.*NOT EXISTS", r'"id" IN ', r"GROUP BY t"
SEEN, LOADED = r"^CREATE TABLE .*_seen_", r"^CREATE TABLE .*_load_"
PLACES = [
    ("upsert", "one by one", "source", (LOGIN,), BEFORE),
    ("upsert", "one by one", "source", (COLUMNS,), AFTER),
    ("upsert", "one by one", "source", (PAGE,), BEFORE),
    ("upsert", "one by one", "source", (PAGE, PAGE), AFTER),
    ("upsert", "one by one", "target", (LOGIN,), BEFORE),
    ("upsert", "one by one", "target", (PREPARED,), BEFORE),
    ("upsert", "one by one", "target", (COMMIT,), AFTER),
    ("upsert", "one by one", "target", (SETTLED,), BEFORE),
    ("upsert", "one by one", "target", (SETTLED, COMMIT), AFTER),
    ("upsert", "one by one", "target", (STAGED, STAGED), BEFORE),
    ("upsert", "one by one", "target", (UPDATED, COMMIT), BEFORE),
    ("upsert", "one by one", "target", (UPDATED, COMMIT), AFTER),
    ("upsert", "straight", "source", (COLUMNS,), AFTER),
    ("upsert", "straight", "source", (QUICK_PAGE, QUICK_PAGE), BEFORE),
    ("upsert", "straight", "target", (INSERTED, COMMIT), AFTER),
    ("mirror", "straight", "target", (SEEN,), AFTER),
    ("mirror", "straight", "target", (MISSING,), BEFORE),
    ("mirror", "straight", "source", (ASKED,), BEFORE),
    ("mirror", "one by one", "source", (PAGE,), AFTER),
    ("mirror", "one by one", "target", (NEXT_KEYS,), BEFORE),
    ("mirror", "one by one", "target", (DELETED,), BEFORE),
    ("mirror", "one by one", "target", (DELETED, COMMIT), AFTER),
    ("mirror", "one by one", "target", (DELETED, NEXT_KEYS), BEFORE),
    ("mirror", "one by one", "target", (DELETED, DELETED, COMMIT), BEFORE),
    ("mirror", "one by one", "target", (DELETED, r"^DROP TABLE .*_seen_"), BEFORE),
    ("mirror", "one by one", "target", (DELETED, r"^DROP TABLE .*_seen_"), AFTER),
    ("replace", "straight", "target", (LOADED,), AFTER),
    ("replace", "straight", "target", (MISSING,), BEFORE),
    ("replace", "straight", "target", (DELETED,), AFTER),
    ("replace", "one by one", "source", (PAGE, PAGE), BEFORE),
    ("replace", "one by one", "target", (INSERTED, COMMIT), BEFORE),
    ("replace", "one by one", "target", (INSERTED, COMMIT), AFTER),
]


@pytest.mark.parametrize(("mode", "way", "side", "place", "after"), PLACES)
def test_lost_connection_costs_no_retry_and_no_record(
    systems: Systems, mode: str, way: str, side: str, place: tuple[str, ...], after: bool
) -> None:
    systems.arm(side, *place, after=after)
    job = run(job_type(mode, way))
    assert systems.was_cut
    assert_done(systems, job, mode)


def assert_done(systems: Systems, job: SyncJob, mode: str) -> None:
    """Each record is written, counted and kept as changed once, by the only attempt."""
    assert (job.status, job.attempt, counts(job)) == ("finished", 1, WRITTEN[mode]), job.failure
    others = systems.sql("target", "SELECT count(*) FROM things WHERE id > 20")
    assert others == [(7 if mode == "upsert" else 0,)]
    mine = "SELECT id, note FROM things WHERE id <= 20 ORDER BY id"
    assert systems.sql("target", mine) == systems.sql("source", mine)
    changes = Change.objects.filter(job=job)
    kept = 0 if mode == "replace" else sum(WRITTEN[mode].get(name, 0) for name in ("inserted", "updated", "deleted"))
    assert (changes.count(), changes.values("key_hash").distinct().count()) == (kept, kept)
    assert list(find_breaches()) == []


@pytest.mark.parametrize("way", ["straight", "one by one"])
@pytest.mark.parametrize("side", ["source", "target"])
def test_source_without_a_key_is_appended_once(systems: Systems, way: str, side: str) -> None:
    systems.arm(side, {"source": r"^FETCH", "target": COMMIT}[side], after=True)
    job = run(job_type("append", way, source="loose", target="copies", key=[]))
    assert (job.status, job.attempt, counts(job)) == ("finished", 1, {"read": 20, "inserted": 20}), job.failure
    rows = "SELECT id, note FROM {} ORDER BY id"
    assert systems.sql("target", rows.format("copies")) == systems.sql("source", rows.format("loose"))
    assert systems.was_cut


@pytest.mark.parametrize("place", [(STAGED, STAGED), (NEXT_KEYS,)])
def test_dry_run_whose_keys_went_with_its_connection_begins_anew_and_its_plan_is_applied(
    systems: Systems, place: tuple[str, ...]
) -> None:
    systems.arm("target", *place)
    before = systems.sql("target", "SELECT * FROM things ORDER BY id")
    planned = run(job_type("mirror", "one by one"), dry_run=True)
    assert (planned.status, planned.attempt, counts(planned)) == ("finished", 1, WRITTEN["mirror"]), planned.failure
    assert (planned.plan.changes, planned.plan.refusal) == (22, "")
    assert systems.sql("target", "SELECT * FROM things ORDER BY id") == before
    approve_plan(planned.pk, actor="ann")
    assert systems.was_cut
    systems.arm("target", COMMIT, after=True)
    job = run_here(apply_plan(planned.pk, trigger=Trigger.CLI, actor="ann"))
    assert systems.was_cut
    expected = {"read": 15, "inserted": 10, "updated": 5, "deleted": 7}
    assert (job.status, job.attempt, counts(job)) == ("finished", 1, expected), job.failure


def test_connection_that_is_lost_after_each_batch_is_made_anew_as_often(systems: Systems) -> None:
    def lose_again() -> None:
        cuts.append(len(cuts))
        systems.arm("target", INSERTED, COMMIT, after=True)

    cuts: list[int] = []
    systems.on_cut = lose_again
    systems.arm("target", INSERTED, COMMIT, after=True)
    job = run(job_type("upsert", "one by one", batch_size=1))
    assert len(cuts) == 10 > patience.MOST_TRIES
    assert_done(systems, job, "upsert")


def move_target(port: int) -> int:
    """Have new connections to the target go to another port; the one before."""
    connector = Connector.objects.get(slug="target")
    before, connector.config["port"] = connector.config["port"], port
    connector.save()
    return int(before)


def test_target_that_is_away_for_a_while_is_waited_for(systems: Systems, monkeypatch: pytest.MonkeyPatch) -> None:
    ports: list[int] = []
    waits: list[str] = []
    wait_after = patience.Patience.wait_after

    def come_back(one: patience.Patience, error: TransientError) -> None:
        waits.append(error.code)
        wait_after(one, error)
        if len(waits) == 3:
            move_target(ports[0])

    monkeypatch.setattr(patience.Patience, "wait_after", come_back)
    systems.on_cut = lambda: ports.append(move_target(1))
    systems.arm("target", DELETED)
    job = run(job_type("mirror", "one by one"))
    assert waits == ["connection_lost", "unreachable", "unreachable"]
    assert_done(systems, job, "mirror")
    told = [line.message for line in JobLog.objects.filter(job=job, level="WARNING") if "retry" in line.message]
    assert [bool(re.search(rf"retry {n}/8 in ", line)) for n, line in enumerate(told, 1)] == [True] * 3
    assert "cannot be reached" in told[2]
    assert job.attempts.get().phase_seconds["waiting"] > 0


@pytest.mark.parametrize("place", [(STAGED, STAGED, STAGED), (DELETED,)])
def test_target_that_stays_away_fails_the_job_and_a_retry_goes_on(systems: Systems, place: tuple[str, ...]) -> None:
    ports: list[int] = []
    systems.on_cut = lambda: ports.append(move_target(1))
    systems.arm("target", *place)
    job = run(job_type("mirror", "one by one"))
    failure = job.failure or {}
    assert (job.status, job.attempt) == ("failed", 1)
    assert (failure["class"], failure["code"], failure["retryable"]) == ("transient", "unreachable", True)
    batches = job.checkpoint["batch_no"]
    assert batches == {3: 2, 1: 4}[len(place)]
    assert JobLog.objects.filter(job=job, message__contains="retry 7/8").count() == 1
    move_target(ports[0])
    retry_job(job.pk, actor="ann")
    job = run_here(job)
    assert (job.status, job.attempt, counts(job)) == ("finished", 2, WRITTEN["mirror"]), job.failure
    assert JobLog.objects.filter(job=job, message__contains=f"Goes on after batch {batches},").exists()
    assert systems.sql("target", "SELECT * FROM things") == systems.sql("source", "SELECT * FROM things")


def test_job_that_waits_for_a_target_is_canceled_at_once(systems: Systems, monkeypatch: pytest.MonkeyPatch) -> None:
    wait = Surroundings.wait

    def cancel_amid(surroundings: Surroundings, seconds: float) -> None:
        cancel_job(SyncJob.objects.get().pk, actor="ann")
        wait(surroundings, seconds)

    monkeypatch.setattr(patience, "FIRST_PAUSE_SECONDS", 30.0)
    monkeypatch.setattr(Surroundings, "wait", cancel_amid)
    systems.arm("target", DELETED)
    started = time.monotonic()
    job = run(job_type("mirror", "one by one"))
    assert time.monotonic() - started < 10
    assert (job.status, job.counts["deleted"]) == ("canceled", 0), job.failure


@pytest.mark.parametrize("way", ["straight", "one by one"])
def test_connections_that_were_made_anew_are_counted(systems: Systems, way: str) -> None:
    systems.arm("target", COMMIT)
    job = run(job_type("upsert", way))
    assert systems.was_cut
    assert (job.reconnects, describe_job(job)["reconnects"]) == (1, 1)
    assert run(SyncJobType.objects.get()).reconnects == 0
