"""A relay of 10,000 targets whose worker is killed midway: every place is taken once, and all of it can be canceled."""

from __future__ import annotations

import pytest

from tests.faults.documents import assert_books_are_in_order
from tests.faults.faulty import set_up_faulty, wait_until
from tests.faults.stack import Stack

pytestmark = pytest.mark.slow
TARGETS = 10_000
ASK_FOR_MANY = """
from syncjobs.operations import enqueue_sync_job
answer = enqueue_sync_job(sync_job_type="many-targets", context={{"targets": {targets}}}).pk
"""
CANCEL = """
from syncjobs.operations.jobs import cancel_children
answer = cancel_children({parent}, actor="test")
"""
CHILDREN = """
from collections import Counter
from syncjobs.models import SyncJob
from tests.acme.models import SAPCustomer
children = SyncJob.objects.filter(parent={parent}).order_by("position")
answer = {{
    "places": list(children.values_list("position", flat=True)),
    "numbers": [context["number"] for context in children.values_list("context", flat=True)],
    "statuses": dict(Counter(children.values_list("status", flat=True))),
    "synced": SAPCustomer.objects.count(),
    "attempts": list(SyncJob.objects.get(pk={parent}).attempts.values_list("outcome", flat=True)),
}}
"""


def test_ten_thousand_targets_are_relayed_once_each_although_the_worker_dies_midway(stack: Stack) -> None:
    set_up_faulty(stack)
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker(SYNCDECK_CRASH_AT="mid_relay:1500")
    parent = stack.python(ASK_FOR_MANY.format(targets=TARGETS))
    stack.wait_for(parent, lambda job: job["status"] == "relayed")
    assert stack.python(CANCEL.format(parent=parent)) > TARGETS / 2
    wait_until(stack, lambda: not stack.job(parent)["children_summary"]["running"])
    found = stack.python(CHILDREN.format(parent=parent))
    assert found["attempts"] == ["lost", "relayed"]
    assert found["places"] == list(range(TARGETS))
    assert found["numbers"] == [str(1_000_000 + place) for place in range(TARGETS)]
    assert set(found["statuses"]) <= {"finished", "canceled"}
    assert found["synced"] == found["statuses"].get("finished", 0)
    assert_books_are_in_order(stack)
