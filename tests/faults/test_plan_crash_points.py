"""Kill -9 amid applying a plan and amid a reversal: then each change is made once, and the books agree."""

from __future__ import annotations

import pytest

from connectors.sandbox.server import RunningSandbox
from tests.faults.stack import Stack, is_final
from tests.faults.test_mode_crash_points import GONE, LEFT, assert_only_what_is_left, stream
from tests.faults.things import ask_for, assert_all_arrived_once, set_up

pytestmark = pytest.mark.slow

APPLY = """
from syncjobs.operations.plans import apply_plan, approve_plan
from syncjobs.statuses import Trigger
approve_plan({job_id}, actor="test")
answer = apply_plan({job_id}, trigger=Trigger.API, actor="test").pk
"""
REVERT = """
from syncjobs.operations.reverting import revert_job
answer = revert_job({job_id}, actor="test").pk
"""


# A first load is six batches, the dry run of a mirror three and three of deletes; its plan is applied in three.
def test_plan_and_reversal_that_are_killed_make_each_change_once(stack: Stack, source: RunningSandbox) -> None:
    set_up(stack, source, **stream("mirror"))
    stack.start_broker()
    stack.start_dispatcher()
    worker = stack.start_worker(SYNCDECK_CRASH_AT="after_target_commit:14")
    (first,) = ask_for(stack)
    assert_all_arrived_once(stack, stack.wait_for(first, is_final))
    source.delete_rows("things", GONE)
    (planned,) = ask_for(stack, dry_run=True)
    assert stack.wait_for(planned, is_final)["counts"]["deleted"] == len(GONE)
    job = stack.wait_for(stack.python(APPLY.format(job_id=planned)), is_final)
    assert (job["status"], job["attempt"], job["counts"]["deleted"]) == ("finished", 2, len(GONE)), stack.log_text()
    books = assert_only_what_is_left(stack, job)
    assert (books["changes"], books["change_keys"], len(books["rows"])) == (len(GONE), len(GONE), LEFT)
    worker.terminate()
    worker.wait(timeout=30)
    stack.start_worker("second", SYNCDECK_CRASH_AT="before_commit:2")
    job = stack.wait_for(stack.python(REVERT.format(job_id=job["id"])), is_final)
    assert (job["status"], job["attempt"]) == ("finished", 2), stack.log_text()
    assert (job["counts"]["inserted"], job["counts"]["skipped"]) == (len(GONE), 0)
    assert_all_arrived_once(stack, stack.wait_for(first, is_final))
