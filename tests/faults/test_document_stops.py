"""Cancel and pause of document jobs that wait in SQL, in Python and for an HTTP server; races, messages, refusals."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from tests.connectors.scripted_server import ScriptedServer, reply, scripted_server
from tests.faults.documents import assert_books_are_in_order
from tests.faults.faulty import ask_with, ended, look_at, set_up_faulty, targets, wait_for_status
from tests.faults.stack import Stack

pytestmark = pytest.mark.slow
VERB = """
from syncjobs.lifecycle import StatusConflict
from syncjobs.operations import jobs
answer = []
for job_id in {ids}:
    try:
        jobs.{verb}_job(job_id, actor="test")
        answer.append("")
    except StatusConflict as conflict:
        answer.append(str(conflict))
"""
SECONDS_TO_STOP = """
from syncjobs.models import SyncJob
answer = []
for job in SyncJob.objects.filter(pk__in={ids}):
    asked_at = job.cancel_requested_at or job.pause_requested_at
    stopped_at = job.events.get(old="started", new=job.status).created_at
    answer.append((stopped_at - asked_at).total_seconds())
"""
CANCEL_AT_WORK = """
import time
from syncjobs.lifecycle import StatusConflict
from syncjobs.models import SyncJob
from syncjobs.operations.jobs import cancel_job
answer, give_up = [], time.monotonic() + 60
for number, job_id in enumerate({ids}):
    while SyncJob.objects.get(pk=job_id).status == "queued" and time.monotonic() < give_up:
        pass
    time.sleep(0.004 * (number % 10))  # somewhere between the claim and the end
    try:
        answer.append(cancel_job(job_id, actor="test").status)
    except StatusConflict as conflict:
        answer.append(f"refused: {{conflict.status.value}}")
"""
SEND = """
from config.celery import app
for arguments in {messages}:
    for _ in range({times}):
        app.send_task("syncjobs.run_sync_job", args=arguments, queue="default")
answer = True
"""
ADMIT = """
from syncjobs.clock import db_now
from syncjobs.lifecycle import admit_job
answer = [[one.job_id, str(one.dispatch_id)] for one in (admit_job(pk, db_now()) for pk in {ids})]
"""


class Door:
    """What keeps the hooks waiting: a file for those in Python and SQL, an event for the HTTP server."""

    def __init__(self, stack: Stack, server: ScriptedServer, opened: threading.Event) -> None:
        self.url = server.url
        self._file = stack.data_dir / "gate"
        self._opened = opened
        self._file.touch()

    def open(self) -> None:
        self._file.unlink(missing_ok=True)
        self._opened.set()


@pytest.fixture
def door(stack: Stack) -> Iterator[Door]:
    """Shut, until it is opened."""
    opened = threading.Event()

    def answer_when_open(handler: BaseHTTPRequestHandler) -> None:
        opened.wait(60)
        reply()(handler)

    with scripted_server(answer_when_open) as server:
        shut = Door(stack, server, opened)
        yield shut
        shut.open()


def ask(stack: Stack, verb: str, ids: list[int]) -> list[str]:
    """Ask for a verb as every door does; for each job the text of the refusal, or nothing."""
    found: list[str] = stack.python(VERB.format(ids=ids, verb=verb))
    return found


def start_jobs_that_wait(stack: Stack, door: Door) -> list[int]:
    """One that waits in SQL, one in Python and one for the server; where others can write meanwhile, inside the
    target's transaction with everything written."""
    hook = "after_sync" if stack.warehouse_url else "after_start"  # a transaction on SQLite keeps everybody else out
    ids = ask_with(stack, "waiting", [{"hook": hook, "wait": how} for how in ("sql", "python")])
    return ids + ask_with(stack, "waiting-call", [{"url": door.url}])


def test_waiting_document_jobs_are_canceled_and_paused_in_time_with_nothing_half_written(
    stack: Stack, door: Door
) -> None:
    set_up_faulty(stack)
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker(slots=6)
    to_cancel, to_pause = start_jobs_that_wait(stack, door), start_jobs_that_wait(stack, door)
    wait_for_status(stack, to_cancel + to_pause, "started")
    assert all("cannot be deleted" in text for text in ask(stack, "delete", to_cancel))
    assert ask(stack, "cancel", to_cancel) + ask(stack, "pause", to_pause) == [""] * 6
    assert all(ask(stack, "cancel", to_cancel) + ask(stack, "pause", to_pause))  # asked already, or stopped by now
    wait_for_status(stack, to_pause, "paused")
    wait_for_status(stack, to_cancel, "canceled")
    assert max(stack.python(SECONDS_TO_STOP.format(ids=to_cancel))) <= 10
    assert max(stack.python(SECONDS_TO_STOP.format(ids=to_pause))) <= 5
    assert targets(stack) == []
    assert [job["changes"] for job in look_at(stack, to_cancel + to_pause)] == [0] * 6

    door.open()
    assert all("paused" in text for text in ask(stack, "pause", to_pause))
    assert ask(stack, "resume", to_pause) == ["", "", ""]
    assert all("resume" in text for text in ask(stack, "resume", to_pause))
    for job in ended(stack, to_pause):
        assert (job["status"], job["changes"], job["attempts"]) == ("finished", 1, ["paused", "finished"]), job
    assert len(targets(stack)) == 2
    assert_books_are_in_order(stack)


def test_of_cancel_and_finish_one_wins_and_messages_wake_a_job_once(stack: Stack) -> None:
    set_up_faulty(stack)
    stack.start_broker()
    dispatcher = stack.start_dispatcher()
    stack.start_worker(slots=2)
    ids = ask_with(stack, "sap-customer-sync", [{}] * 30)
    answers = stack.python(CANCEL_AT_WORK.format(ids=ids))
    jobs = ended(stack, ids)
    for answer, job in zip(answers, jobs, strict=True):
        assert job["ends"] == 1
        assert job["inserted"] == job["changes"] == (job["status"] == "finished")
        assert (answer, job["status"]) in {
            ("refused: finished", "finished"),
            ("started", "finished"),  # it was too late when its worker heard of it
            ("started", "canceled"),
        }
    synced = [job["number"] for job in jobs if job["status"] == "finished"]
    assert targets(stack) == synced

    dispatcher.terminate()
    dispatcher.wait(timeout=10)
    (queued,) = ask_with(stack, "sap-customer-sync", [{}])
    (canceled,) = ask_with(stack, "sap-customer-sync", [{}])
    messages = stack.python(ADMIT.format(ids=[queued, canceled]))
    assert ask(stack, "cancel", [canceled]) == [""]
    stack.python(SEND.format(messages=messages, times=5))
    job = ended(stack, [queued])[0]
    assert (job["status"], job["attempt"], job["changes"]) == ("finished", 1, 1)
    before = look_at(stack, [queued, canceled])
    stack.python(SEND.format(messages=messages, times=1))
    (last,) = ask_with(stack, "sap-customer-sync", [{}])
    stack.python(SEND.format(messages=stack.python(ADMIT.format(ids=[last])), times=1))
    ended(stack, [last])  # by now both late messages have been heard, too, or are being heard
    assert look_at(stack, [queued, canceled]) == before
    assert before[1]["status"] == "canceled"
    assert targets(stack) == [*synced, job["number"], look_at(stack, [last])[0]["number"]]
    assert_books_are_in_order(stack)


def told_twice(worker: subprocess.Popen[bytes]) -> None:
    worker.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(timeout=1)
    worker.send_signal(signal.SIGTERM)


def told_to_quit(worker: subprocess.Popen[bytes]) -> None:
    worker.send_signal(signal.SIGQUIT)


def killed(worker: subprocess.Popen[bytes]) -> None:
    os.killpg(worker.pid, signal.SIGKILL)


@pytest.mark.parametrize("stack", ["postgresql"], indirect=True)
def test_job_outlives_workers_that_are_told_twice_told_to_quit_or_killed(stack: Stack) -> None:
    set_up_faulty(stack)
    stack.start_broker()
    stack.start_dispatcher()
    gate = stack.data_dir / "gate"
    gate.touch()
    ids = ask_with(stack, "waiting", [{"hook": "after_sync", "wait": "python"}])
    for end in (told_twice, told_to_quit, killed):
        worker = stack.start_worker(end.__name__)
        wait_for_status(stack, ids, "started")
        end(worker)
        worker.wait(timeout=30)
        wait_for_status(stack, ids, "queued")  # by its worker, or by the reaper while there is none
        assert targets(stack) == []
    gate.unlink()
    stack.start_worker()
    (job,) = ended(stack, ids)
    assert (job["status"], job["retries"], job["changes"], job["attempt"]) == ("finished", 0, 1, 4), job
    assert targets(stack) == ["0"]
    assert_books_are_in_order(stack)
