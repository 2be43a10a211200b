"""Random kills for as long as asked (`make chaos`): whatever dies and when, everything arrives exactly once.

CHAOS_ROUNDS is the number of syncs (2), CHAOS_SEED repeats a run. Not part of `make test`.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from connectors.sandbox.faults import Fault
from connectors.sandbox.server import RunningSandbox, running_sandbox
from tests.faults.stack import Stack, database_urls, is_final
from tests.faults.things import ask_for, assert_all_arrived_once, set_up, things_dataset

pytestmark = pytest.mark.chaos
THINGS = 4_000
BATCH_SIZE = 100
ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "2"))
SEED = int(os.environ.get("CHAOS_SEED", str(time.time_ns() % 1_000_000)))
LONGEST_SECONDS = 240.0


class Villain:
    """Kills what it can reach and starts it again, as an unlucky night would."""

    def __init__(self, stack: Stack, chance: random.Random) -> None:
        self.stack = stack
        self.chance = chance
        self.deeds: list[str] = []
        self.dispatcher = stack.start_dispatcher()
        self.worker = stack.start_worker()

    def strike(self) -> None:
        deed: Callable[[], None] = self.chance.choice(
            [self.kill_worker, self.kill_pool_process, self.shut_worker_down, self.kill_dispatcher, self.cut_broker]
        )
        self.deeds.append(deed.__name__)
        deed()

    def kill_worker(self) -> None:
        os.killpg(self.worker.pid, signal.SIGKILL)
        self.worker.wait()
        self.worker = self.stack.start_worker()

    def kill_pool_process(self) -> None:
        children = Path(f"/proc/{self.worker.pid}/task/{self.worker.pid}/children").read_text().split()
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)

    def shut_worker_down(self) -> None:
        self.worker.send_signal(signal.SIGTERM)
        self.worker.wait(timeout=30)
        self.worker = self.stack.start_worker()

    def kill_dispatcher(self) -> None:
        os.killpg(self.dispatcher.pid, signal.SIGKILL)
        self.dispatcher.wait()
        self.dispatcher = self.stack.start_dispatcher()

    def cut_broker(self) -> None:
        self.stack.stop_broker()
        time.sleep(self.chance.uniform(0.1, 3))
        self.stack.start_broker()


@pytest.fixture
def source(tmp_path: Path) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path / "source.sqlite3", datasets={"things": things_dataset(THINGS)}) as sandbox:
        sandbox.set_faults(Fault("slow", seconds=0.3, on="rows"))
        yield sandbox


@pytest.fixture(params=["sqlite", "postgresql"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    running = Stack(tmp_path / "data", **database_urls(request.param, request))
    yield running
    running.stop()


@pytest.mark.parametrize("number", range(ROUNDS))
def test_everything_arrives_once_whatever_is_killed(stack: Stack, source: RunningSandbox, number: int) -> None:
    set_up(stack, source, batch_size=BATCH_SIZE)
    stack.start_broker()
    villain = Villain(stack, random.Random(SEED + number))  # noqa: S311 - repeatable mischief
    (job_id,) = ask_for(stack)
    give_up = time.monotonic() + LONGEST_SECONDS
    while not is_final(job := stack.job(job_id)) or job["status"] == "failed":
        assert time.monotonic() < give_up, f"seed {SEED + number}: {villain.deeds}\n{stack.log_text()}"
        if job["status"] == "failed":
            assert job["failure"]["code"] == "worker_lost", job["failure"]
            stack.manage("sync", "retry", str(job_id))  # three losses end a job; somebody looks and retries
        time.sleep(villain.chance.uniform(0.5, 4))
        villain.strike()
    assert job["status"] == "finished", f"seed {SEED + number}: {villain.deeds}: {job['failure']}"
    assert villain.deeds, "nothing was killed"
    assert_all_arrived_once(stack, job, THINGS, BATCH_SIZE)
