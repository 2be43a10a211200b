"""A deploy: workers are told to stop (SIGTERM) while jobs run, and others take over. No retry is used, nothing lost."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.faults.documents import (
    ask_for_customers,
    assert_books_are_in_order,
    assert_customers_are_synced,
    look_at_customers,
    set_up_acme,
)
from tests.faults.stack import PATIENCE_SECONDS, Stack

pytestmark = pytest.mark.slow
DOCUMENTS = 120
DONE = 'from syncjobs.models import SyncJob\nanswer = SyncJob.objects.filter(status="finished").count()'


def wait_until_done(stack: Stack, number: int) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while stack.python(DONE) < number:
        assert time.monotonic() < give_up, stack.log_text()
        time.sleep(0.02)


def test_deploy_with_document_jobs_at_work_uses_no_retry_and_loses_nothing(stack: Stack) -> None:
    set_up_acme(stack)
    stack.start_broker()
    stack.start_dispatcher()
    ask_for_customers(stack, number=DOCUMENTS)
    for done in (10, 60):
        worker = stack.start_worker(slots=2)
        wait_until_done(stack, done)
        os.kill(worker.pid, signal.SIGTERM)
        assert worker.wait(timeout=30) == 0
    stack.start_worker(slots=2)
    wait_until_done(stack, DOCUMENTS)
    assert_customers_are_synced(stack, DOCUMENTS)
    found = look_at_customers(stack)
    assert (found["retries"], found["losses"]) == (0, 0)
    assert_books_are_in_order(stack)
