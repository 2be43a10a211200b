"""A broker that forgets everything, is full, goes away during a run, or takes connections and never answers."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from syncjobs.dispatch import BROKER_DOWN
from syncjobs.supervision.broker import socket_path
from tests.faults.documents import assert_books_are_in_order
from tests.faults.faulty import ask_with, ended, set_up_faulty, targets, wait_for_status, wait_until
from tests.faults.stack import Stack, is_final

pytestmark = pytest.mark.slow
SEE_WORKERS = """
from syncjobs.clock import db_now
from syncjobs.models import WorkerSeen
answer = WorkerSeen.objects.create(name="many@test", queues=["default"], slots=60, last_seen_at=db_now()).pk
"""
UNSENT = """
from syncjobs.models import SyncJob
answer = SyncJob.objects.filter(status="queued", sent_at__isnull=True).count()
"""
A_MINUTE_LATER = """
from datetime import timedelta
from django.db.models import F
from syncjobs.models import SyncJob, WorkerSeen
WorkerSeen.objects.filter(name="many@test").delete()
queued = SyncJob.objects.filter(status="queued", sent_at__isnull=False)
answer = queued.update(sent_at=F("sent_at") - timedelta(seconds=61))
"""


def broker_client(stack: Stack) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(socket_path(stack.data_dir)))


def assert_each_ran_once(stack: Stack, ids: list[int]) -> None:
    for job in ended(stack, ids):
        assert (job["status"], job["attempts"], job["changes"], job["ends"]) == ("finished", ["finished"], 1, 1), job


def wait_until_broker_is_missed(stack: Stack, ids: list[int]) -> None:
    for job_id in ids:
        stack.wait_for(job_id, lambda job: job["wait_reason"] == BROKER_DOWN)


def test_jobs_outlive_a_broker_that_forgets_them_is_full_or_goes_away(stack: Stack) -> None:
    set_up_faulty(stack)
    stack.start_broker()
    stack.start_dispatcher()
    stack.python(SEE_WORKERS)
    ids = ask_with(stack, "sap-customer-sync", [{}] * 50)
    wait_until(stack, lambda: not stack.python(UNSENT))
    with broker_client(stack) as client:
        assert client.llen("default") == 50
        client.flushall()
        stack.start_worker(slots=2)
        assert stack.python(A_MINUTE_LATER) == 50
        assert_each_ran_once(stack, ids)

        client.config_set("maxmemory", 1)
        more = ask_with(stack, "sap-customer-sync", [{}] * 3)
        wait_until_broker_is_missed(stack, more)
        client.config_set("maxmemory", 0)
        assert_each_ran_once(stack, more)

    (stack.data_dir / "gate").touch()
    at_work = ask_with(stack, "waiting", [{"wait": "python"}])
    wait_for_status(stack, at_work, "started")
    stack.stop_broker()
    later = ask_with(stack, "sap-customer-sync", [{}] * 3)
    wait_until_broker_is_missed(stack, later)
    (stack.data_dir / "gate").unlink()
    assert_each_ran_once(stack, at_work)  # a run needs no broker
    stack.start_broker()
    assert_each_ran_once(stack, later)
    assert targets(stack) == [str(number) for number in range(57)]
    assert_books_are_in_order(stack)


class Relay:
    """A TCP port that takes every connection; what comes in reaches the broker's socket only once it may."""

    def __init__(self, broker: Path) -> None:
        self._broker = broker
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.may_answer = threading.Event()
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def stop(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._is_over.is_set():
            if select.select([self._listener], [], [], 0.1)[0]:
                thread = threading.Thread(target=self._serve, args=(self._listener.accept()[0],))
                self._threads.append(thread)
                thread.start()

    def _serve(self, near: socket.socket) -> None:
        with near, socket.socket(socket.AF_UNIX) as far:
            while not self.may_answer.wait(0.05):
                if self._is_over.is_set():
                    return
            far.connect(str(self._broker))
            others = {near: far, far: near}
            while not self._is_over.is_set():
                for one in select.select(list(others), [], [], 0.1)[0]:
                    data = _received(one)
                    if not data:
                        return
                    others[one].sendall(data)


def _received(one: socket.socket) -> bytes:
    try:
        return one.recv(65_536)
    except ConnectionError:
        return b""


@pytest.fixture
def relay(stack: Stack) -> Iterator[Relay]:
    running = Relay(socket_path(stack.data_dir))
    yield running
    running.stop()


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_broker_that_takes_connections_and_never_answers_holds_up_no_door(stack: Stack, relay: Relay) -> None:
    stack.set_variable("CELERY_BROKER_URL", f"redis://127.0.0.1:{relay.port}/0")
    set_up_faulty(stack)
    stack.start_broker()
    stack.start_dispatcher()
    stack.python(SEE_WORKERS)
    begun = time.monotonic()
    ids = ask_with(stack, "sap-customer-sync", [{}] * 3)
    assert time.monotonic() - begun < 3, "a door waited for the broker"
    wait_until_broker_is_missed(stack, ids)
    ids.append(stack.run_by_command("many-targets", "--context", '{"targets": 1}'))
    relay.may_answer.set()
    stack.start_worker()
    assert_each_ran_once(stack, ids[:3])
    assert stack.wait_for(ids[3], is_final)["status"] == "finished"
    assert_books_are_in_order(stack)
