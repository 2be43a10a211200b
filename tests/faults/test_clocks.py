"""Workers whose clocks are two hours wrong, on PostgreSQL: leases, retries and all times shown go by the database's.

(A clock that is set back while beat runs: tests/schedules/test_beat.py.)
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.documents import assert_books_are_in_order
from tests.faults.faulty import ask_with, ended, set_up_faulty, targets, wait_for_status
from tests.faults.stack import Stack, database_urls
from tests.isolation import CHECKOUT

pytestmark = pytest.mark.slow
PLACES = ("lib/faketime", "lib/*/faketime", "local/lib/faketime", "local/lib/*/faketime")
LIBRARIES = [path for place in PLACES for path in sorted(Path("/usr").glob(f"{place}/libfaketimeMT.so.1"))]
TIMES = """
from syncjobs.clock import db_now
from syncjobs.models import Attempt, JobEvent, JobLog, SyncJob, WorkerSeen
now = db_now()
job = SyncJob.objects.get(pk={job_id})
rows = [*job.attempts.all(), *job.events.all(), *job.logs.all()]
moments = [job.created_at, job.started_at, job.heartbeat_at, job.lease_until, job.ended_at, job.retry_after]
for row in rows:
    moments += [value for name, value in vars(row).items() if name.endswith("_at")]
moments += WorkerSeen.objects.values_list("last_seen_at", flat=True)
answer = [(moment - now).total_seconds() for moment in moments if moment is not None]
"""
WORKERS = """
from syncjobs.models import Attempt
answer = list(Attempt.objects.filter(job__in={ids}).values_list("worker", flat=True))
"""


def shared_memory() -> list[Path]:
    return list(Path("/dev/shm").glob("*faketime_*"))  # noqa: S108 - libfaketime's choice


@pytest.fixture
def faketime() -> Iterator[Path]:
    """The library that gives a process another clock. Skips where it is not installed, which is an error under CI."""
    if LIBRARIES:
        before = set(shared_memory())
        yield LIBRARIES[0]
        for path in set(shared_memory()) - before:  # a process that is killed leaves its own behind
            path.unlink(missing_ok=True)
        return
    message = "NO TESTS OF WRONG CLOCKS: libfaketimeMT.so.1 is not in /usr/lib or /usr/local/lib; install libfaketime."
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def stack(request: pytest.FixtureRequest, tmp_path: Path, faketime: Path) -> Iterator[Stack]:
    running = Stack(tmp_path / "data", **database_urls("postgresql", request))
    try:
        yield running
    finally:
        running.stop()


def start_worker_with_clock(stack: Stack, faketime: Path, offset: str) -> None:
    # Only the time of day is wrong; a clock that counts from the start of the machine never jumps.
    environment = {"LD_PRELOAD": str(faketime), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    path = f"{Path(__file__).parent / 'wrong_clock'}:{CHECKOUT}"
    stack.start_worker(f"clock{offset}", 1, **environment, PYTHONPATH=path)


def test_workers_with_wrong_clocks_keep_their_leases_and_run_each_job_once(stack: Stack, faketime: Path) -> None:
    set_up_faulty(stack)
    stack.start_broker()
    stack.start_dispatcher()
    for offset in ("+2h", "-2h"):
        start_worker_with_clock(stack, faketime, offset)
    (stack.data_dir / "gate").touch()
    ids = ask_with(stack, "waiting", [{"hook": "after_sync", "wait": "python"}] * 2)
    wait_for_status(stack, ids, "started")
    assert len(set(stack.python(WORKERS.format(ids=ids)))) == 2  # each clock has one of them
    time.sleep(8)  # longer than a lease
    for job_id in ids:
        assert max(abs(seconds) for seconds in stack.python(TIMES.format(job_id=job_id))) < 60
    (stack.data_dir / "gate").unlink()
    for job in ended(stack, ids):
        assert (job["status"], job["attempts"], job["lost"], job["changes"]) == ("finished", ["finished"], 0, 1), (
            stack.job(job["id"])
        )
    assert len(targets(stack)) == 2
    (failing,) = ask_with(stack, "misbehaving", [{"fault": "exception"}], retry_delay=20, max_retries=1)
    stack.wait_for(failing, lambda job: job["status"] == "failed")  # its retry comes at once or within 20 s
    for job_id in (*ids, failing):
        assert max(abs(seconds) for seconds in stack.python(TIMES.format(job_id=job_id))) < 60
    assert_books_are_in_order(stack)
