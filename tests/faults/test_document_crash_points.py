"""Kill -9 at each crash point of FAULTS §1.12 under document jobs, with two dispatchers, and so two reapers."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.faults.documents import assert_books_are_in_order
from tests.faults.faulty import MODELS, RECORDS, ask_with, ended, set_up_faulty, targets
from tests.faults.stack import Stack

pytestmark = pytest.mark.slow
POINTS = ("after_claim", "after_read", "before_commit", "after_target_commit")
JOBS = 5
MAKE_BUNDLE = """
from tests.acme.models import Bundle
from syncjobs.operations import enqueue_sync_job
bundle = Bundle.objects.create(number="B-1")
for number in range(30):
    bundle.items.create(article=f"A-{number}", weight=1)
answer = enqueue_sync_job(sync_job_type="sap-bundle-sync", source_doc=bundle).pk
"""
ARTICLES = """
from tests.acme.models import SAPArticle
answer = list(SAPArticle.objects.values_list("number", flat=True))
"""


def killed_at(stack: Stack) -> set[str]:
    """The points where a process was killed since the last question; each may kill again from now on."""
    found = set()
    for path in stack.data_dir.glob("crashed-*"):
        found.add(path.name.removeprefix("crashed-"))
        path.unlink()
    return found


def assert_each_is_synced_once(jobs: list[dict[str, Any]], losses: int) -> None:
    assert sum(job["lost"] for job in jobs) == losses
    for job in jobs:
        assert (job["status"], job["inserted"], job["changes"], job["ends"]) == ("finished", 1, 1, 1)
        assert job["attempts"] == ["lost"] * job["lost"] + ["finished"]


def test_document_jobs_killed_at_every_point_sync_each_document_once(stack: Stack) -> None:
    set_up_faulty(stack)
    stack.start_broker()
    doomed = [stack.start_dispatcher(SYNCDECK_CRASH_AT=point) for point in ("before_send", "after_send")]
    stack.start_worker(SYNCDECK_CRASH_AT=",".join((*POINTS, "mid_relay:15")))
    ids = ask_with(stack, "sap-customer-sync", [{}] * JOBS)
    relay = stack.python(MAKE_BUNDLE)
    assert [process.wait(timeout=60) for process in doomed] == [-signal.SIGKILL] * 2
    for _ in range(2):
        stack.start_dispatcher()

    assert_each_is_synced_once(ended(stack, ids), losses=3)  # at the target's commit the job ends, too
    parent = stack.wait_for(relay, lambda job: (job["children_summary"] or {}).get("done") == 30)
    assert (parent["status"], parent["children_summary"]["total"]) == ("relayed", 30)
    assert sorted(stack.python(ARTICLES)) == sorted(f"A-{number}" for number in range(30))
    assert killed_at(stack) == {*POINTS, "mid_relay", "before_send", "after_send"}
    assert targets(stack, MODELS) == [str(number) for number in range(JOBS)]

    ids = ask_with(stack, "customer-record", [{}] * JOBS)
    assert_each_is_synced_once(ended(stack, ids), losses=4)
    assert killed_at(stack) == set(POINTS)
    assert targets(stack, RECORDS) == [str(number) for number in range(JOBS, 2 * JOBS)]

    ids = ask_with(stack, "sap-customer-sync", [{}] * JOBS, dry_run=True)
    ids += ask_with(stack, "customer-record", [{}] * JOBS, dry_run=True)
    assert_each_is_synced_once(ended(stack, ids), losses=3)
    assert killed_at(stack) == set(POINTS)
    assert targets(stack, MODELS) == [str(number) for number in range(JOBS)]
    assert targets(stack, RECORDS) == [str(number) for number in range(JOBS, 2 * JOBS)]
    assert_books_are_in_order(stack)
