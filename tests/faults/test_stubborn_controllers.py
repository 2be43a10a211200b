"""A controller that does not stop when asked costs its process, never the worker, the job's end or the next job."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox.server import RunningSandbox
from tests.faults.stack import Stack, is_final
from tests.faults.things import ask_for, assert_all_arrived_once, import_shapes, set_up

pytestmark = pytest.mark.slow
WITHOUT_TIME_LIMIT = """
from syncjobs.models import SyncJobType
answer = SyncJobType.objects.filter(slug="stubborn").update(timeout=0)
"""


@pytest.fixture
def running(tmp_path: Path, source: RunningSandbox) -> Iterator[Stack]:
    """A Syncdeck on SQLite with the types `things` and `stubborn`; no worker yet."""
    stack = Stack(tmp_path / "data")
    stack.install_app("tests.stubborn")
    try:
        set_up(stack, source)
        stubborn = {"slug": "stubborn", "name": "Stubborn", "controller": "stubborn", "max_retries": 0}
        import_shapes(stack, [], [stubborn | {"timeout": 2}])
        stack.start_broker()
        stack.start_dispatcher()
        yield stack
    finally:
        stack.stop()


def test_endless_controller_fails_by_its_time_limit_and_the_next_job_runs(running: Stack) -> None:
    running.start_worker()
    (endless,) = ask_for(running, slug="stubborn")
    running.wait_for(endless, lambda job: job["status"] == "started")
    (after,) = ask_for(running)
    job = running.wait_for(endless, is_final)
    assert (job["status"], job["failure"]["code"], job["attempt"]) == ("failed", "timeout", 1), job
    assert_all_arrived_once(running, running.wait_for(after, is_final))


def test_endless_controller_is_canceled_within_the_grace(running: Stack) -> None:
    running.start_worker()
    running.python(WITHOUT_TIME_LIMIT)
    (endless,) = ask_for(running, slug="stubborn")
    running.wait_for(endless, lambda job: job["status"] == "started")
    started = time.monotonic()
    running.manage("sync", "cancel", str(endless))
    assert running.wait_for(endless, is_final)["status"] == "canceled"
    assert time.monotonic() - started < 15


def test_worker_with_an_endless_controller_ends_within_thirty_seconds_and_gives_the_job_back(running: Stack) -> None:
    worker = running.start_worker()
    running.python(WITHOUT_TIME_LIMIT)
    (endless,) = ask_for(running, slug="stubborn")
    running.wait_for(endless, lambda job: job["status"] == "started")
    worker.send_signal(signal.SIGTERM)
    worker.wait(timeout=30)
    job = running.wait_for(endless, lambda job: job["status"] == "queued")
    assert (job["attempt"], job["retry_count"]) == (1, 0)
