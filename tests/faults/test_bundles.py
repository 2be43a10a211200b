"""A message that names several jobs: one that takes long, or a killed worker, keeps none of the others waiting."""

from __future__ import annotations

import os
import signal

import pytest

from tests.faults.documents import assert_books_are_in_order
from tests.faults.faulty import ask_with, ended, set_up_faulty, targets, wait_for_status
from tests.faults.stack import Stack

pytestmark = pytest.mark.slow
SEND_TOGETHER = """
import uuid
from config.celery import app
from syncjobs.clock import db_now
from syncjobs.models import SyncJob
turn = uuid.uuid4()
SyncJob.objects.filter(pk__in={ids}).update(dispatch_id=turn, sent_at=db_now())
app.send_task("syncjobs.run_sync_job", args=[{ids}[0], str(turn), {ids}[1:]], queue="default")
answer = True
"""
OWNER = """
from syncjobs.models import SyncJob
answer = int(SyncJob.objects.get(pk={job_id}).lease_owner.rpartition(":")[2])
"""


@pytest.mark.parametrize("is_killed", [False, True], ids=["long", "killed"])
def test_others_of_a_message_need_not_wait_for_a_long_job_nor_die_with_its_worker(
    stack: Stack, is_killed: bool
) -> None:
    set_up_faulty(stack)
    gate = stack.data_dir / "gate"
    gate.touch()
    stack.start_broker()
    ids = ask_with(stack, "waiting", [{"wait": "python"}, *[{}] * 4])
    stack.python(SEND_TOGETHER.format(ids=ids))
    stack.start_worker(slots=2)
    wait_for_status(stack, ids[:1], "started")
    if is_killed:
        os.kill(stack.python(OWNER.format(job_id=ids[0])), signal.SIGKILL)
    stack.start_dispatcher()
    for job in ended(stack, ids[1:]):
        assert (job["status"], job["attempts"], job["changes"]) == ("finished", ["finished"], 1), job
    gate.unlink()
    (long,) = ended(stack, ids[:1])
    assert (long["status"], long["lost"], long["changes"]) == ("finished", int(is_killed), 1), long
    assert len(targets(stack)) == 5
    assert_books_are_in_order(stack)
