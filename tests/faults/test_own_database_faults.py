"""Syncdeck's own database ends sessions, goes away, finds a deadlock or is locked, while jobs are at work."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from connectors.sandbox.faults import Fault
from connectors.sandbox.server import RunningSandbox
from tests.faults.documents import assert_books_are_in_order
from tests.faults.faulty import ask_with, ended, look_at, set_up_faulty, targets, wait_for_status, wait_until
from tests.faults.stack import Stack, database_urls, is_final
from tests.faults.things import THINGS, ask_for, assert_all_arrived_once, set_up
from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.slow
END_SESSIONS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()
"""
ALLOW = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
WAITS_FOR_LOCK = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
# Refuses the first save of the customer named "serial", as SERIALIZABLE would; a sequence does not roll back.
REFUSE_ONCE = """
CREATE SEQUENCE refusals;
CREATE FUNCTION refuse_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.name = 'renamed' AND nextval('refusals') = 1 THEN
    RAISE EXCEPTION 'could not serialize access due to concurrent update' USING ERRCODE = '40001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER refuse_once BEFORE UPDATE ON acme_sapcustomer FOR EACH ROW WHEN (NEW.number = '3')
  EXECUTE FUNCTION refuse_once();
"""
TWO_ROWS = """
from syncjobs.operations import enqueue_sync_job
answer = enqueue_sync_job(sync_job_type="second-row", context={{"first": "{first}", "second": "{second}"}}).pk
"""
MAKE_ROWS = """
from tests.acme.models import SAPCustomer
answer = len([SAPCustomer.objects.create(number=str(number), name="as made") for number in range(4)])
"""
FAILURES = """
from syncjobs.models import Attempt
failures = Attempt.objects.filter(job={job_id}).order_by("number").values_list("failure", flat=True)
answer = [failure and failure["code"] for failure in failures]
"""
NAMES = """
from tests.acme.models import SAPCustomer
answer = list(SAPCustomer.objects.order_by("number").values_list("name", flat=True))
"""


class Server:
    """The PostgreSQL server behind a Stack, as its administrator sees it."""

    def __init__(self, server: PostgresServer, url: str) -> None:
        self._server = server
        self.url = url
        self._name = url.rpartition("/")[2]

    def end_sessions(self) -> int:
        with self._server.connect() as connection:
            row = connection.execute(END_SESSIONS, [self._name]).fetchone()
        assert row is not None
        return int(row[0])

    def look_for_deadlocks_after(self, *, seconds: int) -> None:
        with self._server.connect() as connection:
            text = sql.SQL("ALTER DATABASE {} SET deadlock_timeout = {}")
            connection.execute(text.format(sql.Identifier(self._name), sql.Literal(f"{seconds}s")))

    def allow_connections(self, *, allowed: bool) -> None:
        with self._server.connect() as connection:
            connection.execute(ALLOW.format(sql.Identifier(self._name), sql.Literal(allowed)))


@pytest.fixture
def server(request: pytest.FixtureRequest, postgres_server: PostgresServer) -> Server:
    return Server(postgres_server, database_urls("postgresql", request)["database_url"])


@pytest.fixture
def stack(server: Server, tmp_path: Path) -> Iterator[Stack]:
    running = Stack(tmp_path / "data", database_url=server.url)
    try:
        yield running
    finally:
        running.stop()


def start(stack: Stack, slots: int = 1) -> Path:
    """Start everything; the gate, which is shut."""
    set_up_faulty(stack)
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker(slots=slots)
    gate = stack.data_dir / "gate"
    gate.touch()
    return gate


def assert_finished_once(stack: Stack, ids: list[int]) -> None:
    for job in ended(stack, ids):
        assert (job["status"], job["changes"], job["lost"]) == ("finished", 1, 0), job


def test_document_jobs_outlive_the_end_of_every_session_and_an_outage(stack: Stack, server: Server) -> None:
    gate = start(stack, slots=2)
    hooks = ("after_start", "after_sync")
    ids = ask_with(stack, "waiting", [{"hook": hook, "wait": "python"} for hook in hooks])
    wait_for_status(stack, ids, "started")
    time.sleep(1.5)  # the watchers have their connections, too
    assert server.end_sessions() >= 4
    time.sleep(2)
    gate.unlink()
    assert_finished_once(stack, ids)
    gate.touch()
    ids = ask_with(stack, "waiting", [{"hook": hook, "wait": "python"} for hook in hooks])
    wait_for_status(stack, ids, "started")
    server.allow_connections(allowed=False)
    server.end_sessions()
    time.sleep(3)
    server.allow_connections(allowed=True)
    time.sleep(2)
    gate.unlink()
    assert_finished_once(stack, ids)
    assert targets(stack) == ["0", "1", "2", "3"]
    assert_books_are_in_order(stack)


def test_deadlock_and_serialization_failure_in_a_documents_transaction_are_retried(
    stack: Stack, server: Server
) -> None:
    server.look_for_deadlocks_after(seconds=3)
    gate = start(stack)
    stack.python(MAKE_ROWS)
    with psycopg.connect(server.url) as other:
        other.execute("SET deadlock_timeout = '60s'")  # so that the job's session notices, and is the one to give way
        other.execute("SELECT 1 FROM acme_sapcustomer WHERE number = '1' FOR UPDATE")
        job_id = stack.python(TWO_ROWS.format(first="0", second="1"))
        wait_until(stack, lambda: stack.job(job_id)["phase"] == "writing")
        with psycopg.connect(server.url, autocommit=True) as administrator:
            gate.unlink()  # now the job wants the row that we have
            wait_until(stack, lambda: administrator.execute(WAITS_FOR_LOCK).fetchone() == (1,))
        other.execute("SELECT 1 FROM acme_sapcustomer WHERE number = '0' FOR UPDATE")  # and we the one that it has
        other.commit()
    assert_finished_once(stack, [job_id])
    assert stack.python(FAILURES.format(job_id=job_id)) == ["deadlock", None]
    with psycopg.connect(server.url, autocommit=True) as administrator:
        administrator.execute(REFUSE_ONCE)
    job_id = stack.python(TWO_ROWS.format(first="2", second="3"))
    assert_finished_once(stack, [job_id])
    assert stack.python(FAILURES.format(job_id=job_id)) == ["serialization", None]
    assert stack.python(NAMES) == ["renamed"] * 4
    assert_books_are_in_order(stack)


def test_document_job_waits_for_another_writer_to_sqlite(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "data")
    try:
        gate = start(stack)
        ids = ask_with(stack, "waiting", [{"hook": "after_start", "wait": "python"}])
        wait_for_status(stack, ids, "started")
        writer = sqlite3.connect(stack.data_dir / "syncdeck.sqlite3", isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        gate.unlink()
        time.sleep(8)  # longer than a lease, so that nobody can renew it either
        writer.execute("ROLLBACK")
        writer.close()
        job = ended(stack, ids)[0]
        assert (job["status"], job["changes"], job["ends"]) == ("finished", 1, 1), job
        assert targets(stack) == ["0"]
        assert look_at(stack, ids)[0]["failure"] is None
        assert_books_are_in_order(stack)
    finally:
        stack.stop()


def test_stream_halts_while_the_database_is_away_and_goes_on_or_is_taken_over(
    stack: Stack, server: Server, source: RunningSandbox
) -> None:
    """An outage that is shorter than the lease of 6 seconds costs not even an attempt; then one that is longer."""
    set_up(stack, source, max_retries=0)
    source.set_faults(Fault("slow", seconds=0.4, on="rows"))
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker()
    (job_id,) = ask_for(stack)
    for seconds in (3.0, 9.0):
        wait_for_a_batch(stack, job_id)
        server.allow_connections(allowed=False)
        server.end_sessions()
        time.sleep(1.5)  # a batch may have been on its way to the target
        written = records_at_target(stack)
        time.sleep(seconds - 1.5)
        assert records_at_target(stack) == written < THINGS
        server.allow_connections(allowed=True)
    job = stack.wait_for(job_id, is_final)
    assert (job["status"], job["retry_count"]) == ("finished", 0), stack.log_text()
    books = assert_all_arrived_once(stack, job)
    assert books["attempts"] == ["lost", "finished"]
    assert_books_are_in_order(stack)


def wait_for_a_batch(stack: Stack, job_id: int) -> None:
    read = stack.job(job_id)["counts"]["read"]
    stack.wait_for(job_id, lambda job: bool(job["counts"]["read"] > read))


def records_at_target(stack: Stack) -> int:
    file = sqlite3.connect(stack.data_dir / "warehouse.sqlite3")
    (number,) = file.execute("SELECT count(*) FROM things").fetchone()
    file.close()
    return int(number)
