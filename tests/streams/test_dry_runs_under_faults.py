"""Whatever befalls a dry run, the target stays as it is, with its sequences and catalogue; its diff only would be."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import LazySettings
from django.db import connection
from django.db.models import F

from connectors.models import Connector
from syncjobs.clock import db_now
from syncjobs.models import Change, SyncJob, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.descriptions import status_text
from syncjobs.operations.jobs import cancel_job, pause_job, resume_job
from syncjobs.operations.state_checks import find_breaches
from syncjobs.portal.job_facts import facts_of, outcome_of
from syncjobs.streams import patience
from tests.connectors.scripted_server import scripted_server
from tests.postgres_server import PostgresServer
from tests.streams.conftest import counts, run, run_here
from tests.streams.lying_portal import ID, PAGE, Lie, LyingPortal
from tests.streams.people import SQLAtTarget
from tests.streams.test_lost_connections import (
    LOGIN,
    MISSING,
    PREPARED,
    STAGED,
    WRITTEN,
    Systems,
    fill_systems,
    job_type,
    move_target,
)
from tests.streams.test_lying_sources import LIES, make_type

TABLE = "CREATE TABLE items (code text PRIMARY KEY, name text, size numeric, place serial)"
FILL = "INSERT INTO items (code, name, size) VALUES ('C001', 'Old', 1), ('C002', 'Name 2', 2), ('GONE', 'Gone', 3)"
WOULD = {"read": 24, "inserted": 22, "updated": 1, "unchanged": 1, "deleted": 1}
EVERYTHING = """
    SELECT c.relname, c.relkind::text, c.relfilenode::text,
      (SELECT string_agg(a.attname || ' ' || a.atttypid::regtype, ',' ORDER BY a.attnum)
         FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0),
      CASE WHEN c.relkind IN ('r', 'S') THEN query_to_xml(format('SELECT * FROM %s', c.oid::regclass), true, true, '')
      END::text
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%'
      AND n.nspname NOT LIKE 'pg_temp%' ORDER BY n.nspname, c.relname
"""


def everything_at(url: str) -> list[tuple[Any, ...]]:
    """All relations of a database with their columns, rows and, of sequences, where they are."""
    with psycopg.connect(url) as session:
        return session.execute(EVERYTHING).fetchall()


def everything_in(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as file:
        return list(file.iterdump())


def assert_would(job: SyncJob, numbers: dict[str, int]) -> None:
    """It ended as a plan, all of whose changes are told as such."""
    assert (job.status, counts(job), status_text(job, db_now())) == ("finished", numbers, "Planned"), job.failure
    words = {fact.word for fact in facts_of(job, job.tally)}
    assert {"would insert", "would update"} < words
    assert not {"inserted", "updated", "deleted"} & words
    assert outcome_of(job).startswith("Would change ")
    changes = Change.objects.filter(job=job)
    changed = sum(numbers.get(name, 0) for name in ("inserted", "updated", "deleted"))
    assert (changes.count(), changes.values("key_hash").distinct().count()) == (changed, changed)


# 1. Sources that lie, records that do not fit, and people who stop the job; the target is on SQLite or PostgreSQL.


@pytest.fixture
def state(target: str, settings: LazySettings, sql_at_target: SQLAtTarget, request: pytest.FixtureRequest) -> Any:
    """Three records at the target, in a table with a counter of its own; what tells everything that there is."""
    is_postgres = Connector.objects.get(slug=target).kind == "postgres"
    sql_at_target(TABLE if is_postgres else TABLE.replace(", place serial", ""))
    sql_at_target(FILL)
    if is_postgres:
        url = request.getfixturevalue("postgres_url")
        return lambda: everything_at(url)
    return lambda: everything_in(Path(settings.SYNCDECK_DATA_DIR) / "items.sqlite3")


@pytest.fixture
def portal(target: str) -> Iterator[LyingPortal]:
    portal = LyingPortal()
    with scripted_server(portal.answer) as server:
        config = {"base_url": server.url, "datasets": {"items": ID}, "page_size": PAGE}
        save_connector(connector_from_shape({"slug": "source", "kind": "soda", "config": config}))
        yield portal


State = Callable[[], Any]


@pytest.mark.parametrize("target", ["sqlite", "postgresql"], indirect=True)
def test_sources_that_lie_to_dry_runs_change_nothing(
    portal: LyingPortal, state: State, target: str, sql_at_target: SQLAtTarget
) -> None:
    made = make_type("source", target, "code", "mirror")
    assert counts(run(made)) == WOULD
    sql_at_target("DELETE FROM items WHERE name <> 'Name 2'")
    sql_at_target(FILL.replace("('C002', 'Name 2', 2), ", ""))
    before = state()
    assert_would(run(made, dry_run=True), WOULD)
    for name, (lie, outcomes) in LIES.items():
        portal.tell(lie)
        status = outcomes["mirror"][0]
        job = run(made, dry_run=True)
        assert job.status == ("finished" if status == "held" else status), (name, job.failure)
        assert state() == before, name
    portal.tell(None)
    assert_would(run(made, dry_run=True), WOULD)
    assert state() == before
    assert list(find_breaches()) == []


@pytest.mark.parametrize("policy", ["stop", "quarantine"])
@pytest.mark.parametrize("target", ["sqlite", "postgresql"], indirect=True)
def test_bad_record_in_a_dry_run_changes_nothing(portal: LyingPortal, state: State, target: str, policy: str) -> None:
    before = state()
    portal.rows[13]["size"] = "none"
    made = make_type("source", target, "code", "mirror")
    made.config["streams"][0]["on_reject"] = {"policy": policy}
    made.save()
    job = run(made, dry_run=True)
    if policy == "quarantine":
        assert (job.status, job.counts["rejected"], job.counts["inserted"]) == ("finished", 1, 21), job.failure
    else:
        assert (job.status, job.failure and job.failure["class"]) == ("error", "data")
    assert state() == before


@pytest.fixture
def amid(portal: LyingPortal) -> Iterator[Callable[[Callable[[int], object]], None]]:
    """Has something happen to the newest job once its second page is asked for, which only then may come."""
    page, let_go = portal._page, threading.Event()
    is_over: list[bool] = []

    def at_second_page(happen: Callable[[int], object]) -> None:
        def answer(handler: BaseHTTPRequestHandler, lie: Lie, query: dict[str, str]) -> None:
            if portal._pages == 1 and not is_over:
                is_over.append(True)
                happen(SyncJob.objects.latest("pk").pk)
                connection.close()
                let_go.wait(20)
            page(handler, lie, query)

        portal._page = answer  # type: ignore[method-assign]

    yield at_second_page
    let_go.set()


@pytest.mark.parametrize("verb", [cancel_job, pause_job])
@pytest.mark.parametrize("target", ["sqlite", "postgresql"], indirect=True)
def test_dry_run_that_is_stopped_and_goes_on_changes_nothing(
    portal: LyingPortal, state: State, target: str, amid: Callable[..., None], verb: Callable[..., SyncJob]
) -> None:
    before = state()
    made = make_type("source", target, "code", "mirror")
    amid(lambda job_id: verb(job_id, actor="ann"))
    job = run(made, dry_run=True)
    assert job.status == {"cancel_job": "canceled", "pause_job": "paused"}[verb.__name__]
    assert state() == before
    if job.status == "paused":
        resume_job(job.pk, actor="ann")
        assert_would(run_here(job), WOULD)
        assert state() == before


@pytest.mark.parametrize("target", ["sqlite", "postgresql"], indirect=True)
def test_dry_run_that_was_taken_over_changes_nothing(
    portal: LyingPortal, state: State, target: str, amid: Callable[..., None]
) -> None:
    before = state()
    made = make_type("source", target, "code", "mirror")
    amid(lambda job_id: SyncJob.objects.filter(pk=job_id).update(fence=F("fence") + 1))
    job = run(made, dry_run=True)
    assert (job.status, job.fence, job.ended_at) == ("started", 2, None), "its end is no longer this worker's to write"
    assert state() == before


# 2. Connections that are lost, and a target that stays away.


@pytest.fixture
def systems(
    postgres_server: PostgresServer, postgres_url: str, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Systems]:
    made = fill_systems(postgres_url, postgres_server.create_database())
    made.watch(monkeypatch)
    monkeypatch.setattr(patience, "FIRST_PAUSE_SECONDS", 0.001)
    yield made
    postgres_server.drop_database(made.urls["target"])


@pytest.mark.parametrize("stays_away", [False, True])
@pytest.mark.parametrize(
    ("side", "place"),
    [("source", LOGIN), ("target", LOGIN), ("target", PREPARED), ("target", STAGED), ("target", MISSING)],
)
def test_dry_run_that_loses_its_connection_changes_nothing(
    systems: Systems, side: str, place: str, stays_away: bool
) -> None:
    ports: list[int] = []
    if stays_away:
        systems.on_cut = lambda: ports.append(move_target(1))
    before = everything_at(systems.urls["target"])
    systems.arm(side, place)
    made: SyncJobType = job_type("mirror", "one by one")
    job = run(made, dry_run=True)
    assert systems.was_cut
    if stays_away:
        assert (job.status, job.failure and job.failure["code"]) == ("failed", "unreachable")
    else:
        assert_would(job, WRITTEN["mirror"])
    assert everything_at(systems.urls["target"]) == before
