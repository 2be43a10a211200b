"""Commits of which nobody hears the end, of the target and of Syncdeck's own rows: what became of them is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import get_ident
from typing import Any

import psycopg
import pytest
from django.db import connection as own

from syncjobs.clock import db_now
from syncjobs.execution import run_job
from syncjobs.lifecycle import Admitted, admit_job
from syncjobs.models import SyncJob
from syncjobs.operations.job_types import run_job_type
from syncjobs.statuses import Trigger
from syncjobs.streams import patience
from tests.postgres_server import PostgresServer
from tests.streams.test_lost_connections import Systems, assert_done, fill_systems, job_type

CLAIM = 1  # the commit before all others; a worker that dies with it has not begun
Meet = Callable[[psycopg.Connection[Any], Callable[[], Any]], Any]


@dataclass
class Commits:
    """Has something happen to the commit of a `number`, counted from the claim of a job; 0 = to none."""

    meet: Meet
    number: int = 0
    has_quit: bool = False
    thread: int = field(default_factory=get_ident)

    def is_here(self) -> bool:
        """Whether this is not the watcher's thread, which no signal interrupts."""
        return get_ident() == self.thread

    def pass_by(self, connection: psycopg.Connection[Any], commit: Callable[[], Any]) -> Any:
        if not self.is_here():
            return commit()
        self.number -= 1
        return commit() if self.number else self.meet(connection, commit)

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        execute, commit = psycopg.RawCursor.execute, psycopg.Connection.commit

        def executing(cursor: Any, query: bytes, *arguments: Any, **options: Any) -> Any:
            def go() -> Any:
                return execute(cursor, query, *arguments, **options)

            return self.pass_by(cursor.connection, go) if query == b"COMMIT" else go()

        monkeypatch.setattr(psycopg.RawCursor, "execute", executing)
        monkeypatch.setattr(psycopg.Connection, "commit", lambda one: self.pass_by(one, lambda: commit(one)))


@pytest.fixture
def systems(
    rows_on_postgresql: None, postgres_server: PostgresServer, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Systems]:
    made = fill_systems(postgres_url, postgres_server.create_database())
    monkeypatch.setattr(patience, "FIRST_PAUSE_SECONDS", 0.001)
    yield made
    postgres_server.drop_database(made.urls["target"])


def attempt(job: SyncJob, commits: Commits, number: int) -> None:
    """One attempt, as of a process that ends with it; it meets the commit of this number after the claim."""
    admitted = admit_job(job.pk, db_now())
    assert isinstance(admitted, Admitted)
    commits.number = CLAIM + number
    run_job(job.pk, admitted.dispatch_id, "worker", lambda: commits.has_quit)
    commits.number, commits.has_quit = 0, False
    own.close()
    job.refresh_from_db()


@pytest.mark.parametrize(("mode", "way"), [("upsert", "straight"), ("mirror", "one by one")])
def test_worker_that_is_told_to_quit_amid_each_commit_in_turn_gives_its_job_back_and_writes_all_once(
    systems: Systems, mode: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a signal while it waits for the answer: psycopg then breaks the statement off, or gives the connection up."""
    wait = psycopg.waiting.wait
    quits = 0

    def quit_amid(connection: psycopg.Connection[Any], commit: Callable[[], Any]) -> Any:
        def interrupted(generator: Any, *arguments: Any, **options: Any) -> Any:
            if not commits.is_here():
                return wait(generator, *arguments, **options)
            monkeypatch.setattr(psycopg.waiting, "wait", wait)
            next(generator, None)
            if quits % 2:
                connection.pgconn.finish()
            commits.has_quit = True
            raise SystemExit

        nonlocal quits
        quits += 1
        monkeypatch.setattr(psycopg.waiting, "wait", interrupted)
        return commit()

    commits = Commits(quit_amid)
    commits.watch(monkeypatch)
    job = run_job_type(job_type(mode, way), trigger=Trigger.CLI, actor="test")
    while job.status == "queued" and quits == job.attempt:
        attempt(job, commits, quits + 1)
    assert (job.status, job.retry_count) == ("finished", 0), job.failure
    assert quits > 5
    job.attempt = 1
    assert_done(systems, job, mode)


@pytest.mark.parametrize("number", [4, 5, 6, 7])
def test_own_session_that_ends_round_every_so_many_commits_costs_no_attempt_and_no_record(
    systems: Systems, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In turns before the commit and after it."""
    ends = 0

    def end_session(connection: psycopg.Connection[Any], commit: Callable[[], Any]) -> Any:
        nonlocal ends
        is_ours = connection.info.dbname == own.settings_dict["NAME"]
        commits.number = number + ends if is_ours else 1  # else the next one
        if is_ours:
            ends += 1
            if ends % 2:
                commit()
            connection.close()
        return commit()

    commits = Commits(end_session)
    commits.watch(monkeypatch)
    job = run_job_type(job_type("mirror", "one by one"), trigger=Trigger.CLI, actor="test")
    attempt(job, commits, number)
    assert ends
    assert_done(systems, job, "mirror")
