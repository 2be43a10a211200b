"""Document jobs while their workers are killed at random: every job ends, every target is right, each document once.

CHAOS_DOCUMENT_SECONDS is how long (180), CHAOS_DOCUMENTS how many jobs (2,000), CHAOS_SEED repeats a run.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.faults.documents import (
    ask_for_customers,
    assert_books_are_in_order,
    assert_customers_are_synced,
    set_up_acme,
)
from tests.faults.stack import Stack, database_urls

pytestmark = pytest.mark.chaos
SECONDS = float(os.environ.get("CHAOS_DOCUMENT_SECONDS", "180"))
DOCUMENTS = int(os.environ.get("CHAOS_DOCUMENTS", "2000"))
SEED = int(os.environ.get("CHAOS_SEED", str(time.time_ns() % 1_000_000)))
AT_ONCE = 20  # documents asked for in one request
LONGEST_AFTERWARDS_SECONDS = 120.0
RETRY_LOST = """
from syncjobs.models import SyncJob
from syncjobs.operations.bulk_actions import act_on_jobs
lost = SyncJob.objects.filter(status="failed", retry_after=None, failure__code="worker_lost")
answer = len(act_on_jobs(list(lost.values_list("pk", flat=True)), "retry", actor="chaos").done)
"""
UNFINISHED = """
from syncjobs.models import SyncJob
answer = SyncJob.objects.exclude(status__in=["finished", "skipped"]).count()
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    running = Stack(tmp_path / "data", **database_urls(request.param, request))
    yield running
    running.stop()


class Butcher:
    """Two workers of two processes each; kills one process or one whole worker, and starts what is gone."""

    def __init__(self, stack: Stack, chance: random.Random) -> None:
        self._stack = stack
        self._chance = chance
        self._workers = {name: self._start(name) for name in ("left", "right")}
        self.kills = 0

    def strike(self) -> None:
        name, worker = self._chance.choice(sorted(self._workers.items(), key=lambda item: item[0]))
        children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
        if children and self._chance.random() < 0.7:
            with suppress(ProcessLookupError):
                os.kill(int(self._chance.choice(children)), signal.SIGKILL)
        else:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
            self._workers[name] = self._start(name)
        self.kills += 1

    def _start(self, name: str) -> subprocess.Popen[Any]:
        return self._stack.start_worker(name, slots=2)


def test_documents_arrive_once_while_workers_are_killed(stack: Stack) -> None:
    set_up_acme(stack)
    stack.start_broker()
    stack.start_dispatcher()
    chance = random.Random(SEED)  # noqa: S311 - repeatable mischief
    butcher = Butcher(stack, chance)
    asked, began = 0, time.monotonic()
    while (passed := time.monotonic() - began) < SECONDS or asked < DOCUMENTS:
        while asked < min(DOCUMENTS, DOCUMENTS * passed / SECONDS):
            ask_for_customers(stack, first=asked, number=AT_ONCE)
            asked += AT_ONCE
        time.sleep(chance.uniform(0.1, 1.5))
        if passed < SECONDS:
            butcher.strike()
    give_up = time.monotonic() + LONGEST_AFTERWARDS_SECONDS
    while stack.python(UNFINISHED):
        stack.python(RETRY_LOST)  # three losses end a job; somebody looks and retries
        assert time.monotonic() < give_up, f"seed {SEED}, {butcher.kills} kills\n{stack.log_text()}"
        time.sleep(0.5)
    sys.stdout.write(f"seed {SEED}: {asked:,} documents, {butcher.kills} kills\n")
    assert_customers_are_synced(stack, asked)
    assert_books_are_in_order(stack)
