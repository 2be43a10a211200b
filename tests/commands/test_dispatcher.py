"""The dispatcher as a process: woken by nudges, patient in outages, gone at once when told to stop."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg.sql
import pytest

from tests.both_databases import BOTH_DATABASES
from tests.commands.conftest import House
from tests.faults.stack import database_urls
from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.slow

SEE_WORKER = """
from syncjobs.clock import db_now
from datetime import timedelta
from syncjobs.models import WorkerSeen
seen = {"queues": ["default", "long"], "slots": 9, "last_seen_at": db_now() + timedelta(hours=1)}
WorkerSeen.objects.update_or_create(name="worker@test", defaults=seen)
answer = True
"""
# Asks from a process that is already running, so that only the dispatcher's own quickness is measured.
ASK_AND_MEASURE = """
import time
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.job_types import run_job_type
from syncjobs.statuses import Trigger
job = run_job_type(SyncJobType.objects.get(slug="last_30_days_people"), trigger=Trigger.API, actor="test", dry_run=True)
asked = time.monotonic()
while SyncJob.objects.filter(pk=job.pk, {condition}).exists() and time.monotonic() - asked < 30:
    time.sleep(0.01)
answer = [job.pk, time.monotonic() - asked]
"""
UNSENT = "sent_at__isnull=True"
ALLOW = psycopg.sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"


@pytest.fixture(params=BOTH_DATABASES)
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """Default jobs, and a worker that says it is there but never takes anything."""
    running = House(tmp_path / "data", **database_urls(request.param, request))
    try:
        running.manage("seed_defaults")
        running.python(SEE_WORKER)
        yield running
    finally:
        running.stop()


def wait_for_text(stack: House, text: str, times: int = 1) -> None:
    wait_until(lambda: stack.log_text().count(text) >= times, stack)


def wait_until(is_so: Callable[[], Any], stack: House) -> None:
    give_up = time.monotonic() + 40
    while not is_so():
        assert time.monotonic() < give_up, stack.log_text()
        time.sleep(0.2)


def stop(dispatcher: subprocess.Popen[bytes]) -> float:
    """Tell it to stop; how many seconds that took."""
    begun = time.monotonic()
    dispatcher.send_signal(signal.SIGTERM)
    assert dispatcher.wait(timeout=10) == 0
    return time.monotonic() - begun


def test_a_nudge_wakes_an_idle_dispatcher_at_once_and_sigterm_ends_it(stack: House) -> None:
    stack.start_broker()
    dispatcher = stack.start_dispatcher()
    wait_for_text(stack, "The dispatcher is at work")
    time.sleep(1.5)  # by now it has found nothing to do and sleeps for five seconds
    _, seconds = stack.python(ASK_AND_MEASURE.format(condition=UNSENT))
    assert seconds < 3.0
    assert stop(dispatcher) < 3.0
    assert "Traceback" not in stack.log_text()
    assert not (stack.data_dir / "dispatcher.sock").exists()


def test_a_job_asked_for_without_a_broker_warns_and_is_sent_when_it_returns(stack: House) -> None:
    dispatcher = stack.start_dispatcher()
    wait_for_text(stack, "The dispatcher is at work")
    begun = time.monotonic()
    done = stack.ask("sync", "run", "last_30_days_people", "--json", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - begun < 8  # the start of the process, and at most a second of looking
    job_id = json.loads(done.stdout)["id"]
    expected = "broker unreachable, will be sent when it returns"
    assert stack.wait_for(job_id, lambda job: job["wait_reason"] == expected)["status"] == "queued"
    warned = stack.ask("sync", "run", "last_30_days_people", "--dry-run")
    assert (warned.returncode, warned.stderr.startswith("Warning: job #")) == (0, True), warned.stderr
    assert expected in warned.stderr
    stack.start_broker()
    stack.wait_for(job_id, lambda job: job["wait_reason"] is None)
    assert stop(dispatcher) < 3.0
    log = stack.log_text()
    assert log.count("The broker is unreachable") == 1
    assert log.count("The broker answers again") == 1


def test_one_round_admits_and_ends(stack: House) -> None:
    stack.start_broker()
    job_id = json.loads(stack.ask("sync", "run", "last_30_days_people", "--json").stdout)["id"]
    assert stack.ask("dispatcher", "--once").returncode == 0
    answer = stack.python(f"from syncjobs.models import SyncJob\nanswer = SyncJob.objects.get(pk={job_id}).sent_at")
    assert answer is not None


def test_two_dispatchers_do_not_disturb_each_other(stack: House) -> None:
    stack.start_broker()
    first, second = stack.start_dispatcher(), stack.start_dispatcher()
    wait_for_text(stack, "The dispatcher is at work", times=2)
    assert stop(first) < 3.0
    _, seconds = stack.python(ASK_AND_MEASURE.format(condition=UNSENT))
    assert seconds < 7.0
    assert stop(second) < 3.0
    assert "Traceback" not in stack.log_text()


def test_a_database_that_goes_away_is_waited_for_and_told_once(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    urls = database_urls("postgresql", request)
    stack = House(tmp_path / "data", **urls)
    name = urls["database_url"].rpartition("/")[2]
    database = psycopg.sql.Identifier(name)
    try:
        stack.manage("seed_defaults")
        stack.python(SEE_WORKER)
        stack.start_broker()
        dispatcher = stack.start_dispatcher()
        wait_for_text(stack, "The dispatcher is at work")
        time.sleep(1)
        with postgres_server.connect() as connection:
            connection.execute(ALLOW.format(database, psycopg.sql.SQL("false")))
            connection.execute(END_ALL, [name])
            wait_for_text(stack, "The dispatcher waits until its database answers again")
            time.sleep(3)
            connection.execute(ALLOW.format(database, psycopg.sql.SQL("true")))
        wait_for_text(stack, "The dispatcher goes on")
        wait_for_text(stack, "The dispatcher hears nudges again")
        time.sleep(1.5)
        _, seconds = stack.python(ASK_AND_MEASURE.format(condition=UNSENT))
        assert seconds < 3.0
        assert stop(dispatcher) < 3.0
        assert stack.log_text().count("The dispatcher waits until its database answers again") == 1
        assert "Traceback" not in stack.log_text()
    finally:
        stack.stop()
