"""Workers that are told to quit while the target is to commit: nobody knows whether it did, until it is asked again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from subprocess import Popen

import pytest

from connectors.sandbox.faults import Fault
from connectors.sandbox.server import RunningSandbox
from tests.faults.commit_proxy import CommitProxy, How
from tests.faults.documents import assert_books_are_in_order
from tests.faults.stack import Stack, is_final
from tests.faults.test_document_stops import told_to_quit
from tests.faults.things import ask_for, assert_all_arrived_once, set_up

pytestmark = pytest.mark.slow
COUNTED = """
from syncjobs.models import JobLog
answer = JobLog.objects.filter(job={job_id}, message__contains="had reached the target").count()
"""


def told_with_its_children(worker: Popen[bytes]) -> None:
    """As a service manager stops a service: every process of it gets the signal."""
    os.killpg(worker.pid, signal.SIGTERM)


@pytest.fixture
def proxy(stack: Stack) -> Iterator[CommitProxy]:
    """In front of the stack's target."""
    made = CommitProxy(stack.warehouse_url)
    stack.warehouse_url = made.url
    yield made
    made.close()


@pytest.mark.parametrize("stack", ["postgresql"], indirect=True)
def test_worker_that_is_told_to_quit_amid_the_targets_commit_leaves_nothing_lost_or_double(
    stack: Stack, proxy: CommitProxy, source: RunningSandbox
) -> None:
    set_up(stack, source)
    source.set_faults(Fault("slow", seconds=0.2, on="rows"))
    stack.start_broker()
    stack.start_dispatcher()
    (job_id,) = ask_for(stack)

    def end_amid_commit(how: How, end: Callable[[Popen[bytes]], None]) -> None:
        read = stack.job(job_id)["counts"]["read"]
        worker = stack.start_worker(how)
        stack.wait_for(job_id, lambda job: job["counts"]["read"] > read)
        proxy.hold_next(how)
        assert proxy.holds.wait(30), stack.log_text()
        end(worker)
        worker.wait(timeout=30)
        stack.wait_for(job_id, lambda job: job["status"] == "queued")

    end_amid_commit("unanswered", told_to_quit)
    end_amid_commit("late", told_with_its_children)
    source.clear_faults()
    stack.start_worker("last")
    stack.wait_for(job_id, lambda job: job["attempt"] == 3)
    proxy.release()
    job = stack.wait_for(job_id, is_final)
    assert (job["status"], job["retry_count"]) == ("finished", 0), stack.log_text()
    books = assert_all_arrived_once(stack, job)
    assert books["attempts"] == ["queued", "queued", "finished"]
    assert stack.python(COUNTED.format(job_id=job_id)) == 2
    assert_books_are_in_order(stack)
