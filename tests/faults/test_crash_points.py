"""Kill -9 at each crash point of FAULTS §1.12, with real workers: after healing everything is there, exactly once."""

from __future__ import annotations

import os
import signal
import time
from typing import Any
from urllib.parse import unquote

import pytest

from connectors.sandbox.faults import Fault
from connectors.sandbox.server import RunningSandbox
from tests.faults.stack import Stack, is_final
from tests.faults.things import ask_for, assert_all_arrived_once, audit, set_up

pytestmark = pytest.mark.slow


def has_committed_two_batches(job: dict[str, Any]) -> bool:
    return bool(job["counts"]["read"] >= 1000)


def positions_read(source: RunningSandbox) -> list[str]:
    """The query of each page of records that was asked for."""
    targets = (unquote(request.target) for request in source.requests)
    return [target for target in targets if "/resource/" in target and "count(" not in target and "limit=500" in target]


@pytest.mark.parametrize("point", ["after_read:3", "before_commit:3", "after_target_commit:3", "before_checkpoint:3"])
def test_worker_killed_between_batches_leaves_nothing_lost_or_double(
    stack: Stack, source: RunningSandbox, point: str
) -> None:
    set_up(stack, source)
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker(SYNCDECK_CRASH_AT=point)
    (job_id,) = ask_for(stack)
    job = stack.wait_for(job_id, is_final)
    assert (job["status"], job["attempt"]) == ("finished", 2), stack.log_text()
    books = assert_all_arrived_once(stack, job)
    assert books["attempts"] == ["lost", "finished"]
    assert books["moves"][1:] == ["queued>started", "started>queued", "queued>started", "started>finished"]
    pages = positions_read(source)
    # Again came the batch in hand, and the page after it if that was being fetched ahead; none that was written.
    in_hand = point.startswith(("after_read", "before_commit"))
    assert in_hand <= len(pages) - len(set(pages)) <= in_hand + 1, pages


def test_worker_killed_before_its_first_batch_is_taken_over(stack: Stack, source: RunningSandbox) -> None:
    set_up(stack, source)
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker(SYNCDECK_CRASH_AT="after_claim")
    (job_id,) = ask_for(stack)
    job = stack.wait_for(job_id, is_final)
    assert (job["status"], job["attempt"]) == ("finished", 2)
    assert_all_arrived_once(stack, job)


@pytest.mark.parametrize("point", ["before_send", "after_send"])
def test_dispatcher_killed_round_the_sending_loses_no_job(stack: Stack, source: RunningSandbox, point: str) -> None:
    set_up(stack, source)
    stack.start_broker()
    stack.start_worker()
    first = stack.start_dispatcher(SYNCDECK_CRASH_AT=point)
    (job_id,) = ask_for(stack)
    assert first.wait(timeout=30) == -signal.SIGKILL
    stack.start_dispatcher()
    job = stack.wait_for(job_id, is_final)
    assert (job["status"], job["attempt"]) == ("finished", 1)
    assert_all_arrived_once(stack, job)


def test_worker_killed_mid_relay_makes_no_child_twice(stack: Stack, source: RunningSandbox) -> None:
    stream = {"key": ["code"], "mode": "upsert", "extent": "full"}
    streams = [stream | {"source": name, "target": name} for name in ("things", "others")]
    set_up(stack, source, config={"streams": streams})
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker(SYNCDECK_CRASH_AT="mid_relay")
    (job_id,) = ask_for(stack)
    job = stack.wait_for(
        job_id, lambda shape: bool(shape["children_summary"]) and not shape["children_summary"]["running"]
    )
    assert (job["status"], job["attempt"]) == ("relayed", 2)
    summary = job["children_summary"]
    assert (summary["total"], summary["done"], summary["counts"]["inserted"]) == (2, 2, 2610)


def test_whole_worker_killed_after_two_batches_resumes_on_another(stack: Stack, source: RunningSandbox) -> None:
    set_up(stack, source)
    source.set_faults(Fault("slow", seconds=0.7))
    stack.start_broker()
    stack.start_dispatcher()
    worker = stack.start_worker("first")
    (job_id,) = ask_for(stack)
    stack.wait_for(job_id, has_committed_two_batches)
    os.killpg(worker.pid, signal.SIGKILL)
    time.sleep(0.5)
    at_death = audit(stack, job_id)
    assert at_death["committed_batches"] < 6, "the worker was killed too late to prove anything"
    source.clear_faults()
    stack.start_worker("second")
    job = stack.wait_for(job_id, is_final)
    assert (job["status"], job["attempt"]) == ("finished", 2)
    books = assert_all_arrived_once(stack, job)
    assert books["attempts"] == ["lost", "finished"]
