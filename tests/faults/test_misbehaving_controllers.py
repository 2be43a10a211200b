"""Controllers that raise what nobody catches, leave, hang, kill their process, flood the log or answer nonsense."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.documents import assert_books_are_in_order
from tests.faults.faulty import ask_with, ended, look_at, set_up_faulty, targets, wait_until
from tests.faults.stack import Stack

pytestmark = pytest.mark.slow
LOG = """
from syncjobs.models import JobLog
lines = JobLog.objects.filter(job={job_id})
answer = [lines.count(), [line.message for line in lines if "suppressed" in line.message]]
"""
RESTART = """
from syncjobs.operations.jobs import restart_job
answer = restart_job({job_id}, actor="test").pk
"""


def ask_for_faults(stack: Stack, *faults: str, **options: Any) -> list[int]:
    return ask_with(stack, "misbehaving", [{"fault": fault} for fault in faults], **options)


def test_misbehaving_controllers_fail_their_own_job_and_nothing_else(stack: Stack) -> None:
    set_up_faulty(stack)
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker(slots=2)
    raising = ask_for_faults(stack, "base_exception", "exit", "no_dict")
    (poison,) = ask_for_faults(stack, "kill")
    (flood,) = ask_for_faults(stack, "flood")

    failures = [stack.wait_for(job["id"], lambda _: True)["failure"] for job in ended(stack, raising)]
    assert [(failure["class"], failure["code"]) for failure in failures] == [
        ("internal", "controller_bug"),
        ("internal", "controller_bug"),
        ("internal", "controller_contract"),
    ]
    assert "Unheard: nobody catches me" in failures[0]["message"]
    assert "SystemExit: 3" in failures[1]["message"]
    assert "get_target_document must return" in failures[2]["message"]
    assert "int" in failures[2]["message"]

    assert ended(stack, [flood])[0]["status"] == "finished"
    wait_until(stack, lambda: stack.python(LOG.format(job_id=flood))[1])  # written when the job is over
    lines, (note,) = stack.python(LOG.format(job_id=flood))
    assert lines < 8_000
    assert int(note.split()[1]) + lines > 20_000

    killed = ended(stack, [poison])[0]
    assert (killed["status"], killed["failure"]) == ("failed", ["internal", "worker_lost"])
    assert killed["attempts"] == ["lost"] * 3
    assert "worker lost 3 times" in stack.job(poison)["failure"]["message"]

    again = stack.python(RESTART.format(job_id=raising[0]))
    assert stack.job(raising[0])["failure"] == failures[0]  # the old one is kept; the new one does the same again
    assert look_at(stack, raising)[0]["status"] == "canceled"
    assert ended(stack, [again])[0]["failure"] == ["internal", "controller_bug"]
    assert len(targets(stack)) == 1  # of the flood

    (endless,) = ask_for_faults(stack, "endless", timeout=2, max_retries=0)
    (after,) = ask_with(stack, "sap-customer-sync", [{}])
    job, next_job = ended(stack, [endless, after])
    assert (job["status"], job["failure"], job["attempts"]) == ("failed", ["transient", "timeout"], ["failed"]), job
    assert next_job["status"] == "finished"
    assert len(targets(stack)) == 2
    assert_books_are_in_order(stack)
