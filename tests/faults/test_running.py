"""Real workers and a real broker: messages that come twice, a broker that goes away, cancels, shutdowns, lost ones."""

from __future__ import annotations

import os
import re
import signal
import time
from functools import partial
from typing import Any

import pytest

from connectors.sandbox.faults import Fault
from connectors.sandbox.server import RunningSandbox
from tests.faults.stack import Stack, is_final
from tests.faults.things import THINGS, ask_for, assert_all_arrived_once, audit, set_up

pytestmark = pytest.mark.slow

SEND_FIVE_TIMES = """
from celery import current_app
from config.celery import app
from syncjobs.clock import db_now
from syncjobs.lifecycle import admit_job
from syncjobs.models import SyncJob
admitted = admit_job({job_id}, db_now())
arguments = [admitted.job_id, str(admitted.dispatch_id), [], "of a newer sender"]
for _ in range(5):
    app.send_task("syncjobs.run_sync_job", args=arguments, kwargs={{"newer": 1}}, queue="default")
answer = True
"""
LATE_MESSAGE = """
from config.celery import app
import uuid
app.send_task("syncjobs.run_sync_job", args=[{job_id}, str(uuid.uuid4())], queue="default")
app.send_task("syncjobs.run_sync_job", args=[999999, str(uuid.uuid4())], queue="default", kwargs={{"newer": 1}})
answer = True
"""


def is_at_attempt(number: int, job: dict[str, Any]) -> bool:
    return bool(job["status"] == "started" and job["attempt"] == number)


def test_same_message_of_a_newer_sender_sent_five_times_runs_once(stack: Stack, source: RunningSandbox) -> None:
    set_up(stack, source)
    stack.start_broker()
    stack.start_worker(slots=2)
    (job_id,) = ask_for(stack)
    stack.python(SEND_FIVE_TIMES.format(job_id=job_id))
    job = stack.wait_for(job_id, is_final)
    stack.python(LATE_MESSAGE.format(job_id=job_id))
    time.sleep(2)
    assert stack.job(job_id) == job
    assert job["attempt"] == 1
    assert_all_arrived_once(stack, job)


def test_five_jobs_asked_for_without_a_broker_run_once_it_returns(stack: Stack, source: RunningSandbox) -> None:
    set_up(stack, source)
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker(slots=2)
    stack.wait_for_worker()
    stack.stop_broker()
    started = time.monotonic()
    ids = ask_for(stack, times=4)
    ids.append(stack.run_by_command("things"))
    assert time.monotonic() - started < 2 * 3 + 3, "a door waited for the broker"
    stack.wait_for(ids[0], lambda job: "broker unreachable" in (job["wait_reason"] or ""))
    stack.start_broker()
    jobs = [stack.wait_for(job_id, is_final) for job_id in ids]
    assert [job["status"] for job in jobs] == ["finished"] * 5
    assert [job["attempt"] for job in jobs] == [1] * 5
    assert sum(job["counts"]["inserted"] for job in jobs) == THINGS


def test_started_job_is_canceled_within_ten_seconds_and_keeps_its_batches(stack: Stack, source: RunningSandbox) -> None:
    set_up(stack, source)
    source.set_faults(Fault("slow", seconds=30.0, on="rows", after=3))
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker()
    (job_id,) = ask_for(stack)
    stack.wait_for(job_id, lambda job: bool(job["counts"]["read"]))
    started = time.monotonic()
    stack.manage("sync", "cancel", str(job_id))
    job = stack.wait_for(job_id, is_final)
    assert time.monotonic() - started < 12  # ten, and what our own commands take to start
    assert job["status"] == "canceled"
    books = audit(stack, job_id)
    assert len(books["rows"]) == job["counts"]["inserted"] > 0
    stack.manage("sync", "cancel", str(job_id), expect=3)


def test_worker_shutdown_gives_the_job_back_at_the_edge_of_its_batch(stack: Stack, source: RunningSandbox) -> None:
    set_up(stack, source)
    source.set_faults(Fault("slow", seconds=1.0, on="rows"))
    stack.start_broker()
    stack.start_dispatcher()
    worker = stack.start_worker("first")
    (job_id,) = ask_for(stack)
    stack.wait_for(job_id, lambda job: bool(job["counts"]["read"]))
    worker.send_signal(signal.SIGTERM)
    worker.wait(timeout=30)
    source.clear_faults()
    stack.start_worker("second")
    job = stack.wait_for(job_id, is_final)
    assert (job["status"], job["attempt"], job["retry_count"]) == ("finished", 2, 0)
    books = assert_all_arrived_once(stack, job)
    assert books["attempts"] == ["queued", "finished"]


def test_stopped_worker_that_wakes_after_its_lease_writes_nothing(stack: Stack, source: RunningSandbox) -> None:
    set_up(stack, source)
    source.set_faults(Fault("slow", seconds=0.7, on="rows"))
    stack.start_broker()
    stack.start_dispatcher()
    frozen = stack.start_worker("frozen")
    (job_id,) = ask_for(stack)
    stack.wait_for(job_id, lambda job: job["counts"]["read"] >= 1000)
    os.killpg(frozen.pid, signal.SIGSTOP)
    stack.start_worker("quick")
    source.clear_faults()
    stack.wait_for(job_id, lambda job: job["attempt"] == 2)
    os.killpg(frozen.pid, signal.SIGCONT)
    job = stack.wait_for(job_id, is_final)
    time.sleep(3)
    assert job["status"] == "finished"
    assert_all_arrived_once(stack, stack.job(job_id))


def test_worker_lost_three_times_ends_the_job_with_a_text_that_says_where(stack: Stack, source: RunningSandbox) -> None:
    set_up(stack, source)
    source.set_faults(Fault("slow", seconds=30.0, on="rows", after=2))
    stack.start_broker()
    stack.start_dispatcher()
    (job_id,) = ask_for(stack)
    for attempt in (1, 2, 3):
        worker = stack.start_worker(f"doomed{attempt}")
        stack.wait_for(job_id, partial(is_at_attempt, attempt))
        os.killpg(worker.pid, signal.SIGKILL)
    job = stack.wait_for(job_id, is_final)
    assert (job["status"], job["failure"]["code"]) == ("failed", "worker_lost")
    where = r"(last batch \d+|in phase [a-z]+)"
    assert re.fullmatch(f"worker lost 3 times, probably out of memory, {where}", job["failure"]["message"])


def test_job_that_times_out_goes_on_from_its_checkpoint_when_retried(stack: Stack, source: RunningSandbox) -> None:
    set_up(stack, source, timeout=3, max_retries=0)
    source.set_faults(Fault("slow", seconds=30.0, on="rows", after=3))
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker()
    (job_id,) = ask_for(stack)
    job = stack.wait_for(job_id, is_final)
    assert (job["status"], job["failure"]["class"], job["failure"]["code"]) == ("failed", "transient", "timeout")
    where = rf"at batch \d+, {job['counts']['read']:,} records committed"
    assert re.fullmatch(f"timed out after 3 s {where}", job["failure"]["message"])
    source.clear_faults()
    stack.manage("sync", "retry", str(job_id))
    job = stack.wait_for(job_id, lambda shape: shape["attempt"] == 2 and is_final(shape))
    assert job["status"] == "finished"
    assert_all_arrived_once(stack, job)
