"""A hundred jobs in the same minute for a connector that takes two at once, and a few of another type behind them."""

from __future__ import annotations

import pytest

from tests.faults.documents import assert_books_are_in_order
from tests.faults.faulty import RECORDS, ask_with, ended, set_up_faulty, targets
from tests.faults.stack import Stack

pytestmark = pytest.mark.slow
HERD = 100
NARROW = """
from connectors.models import Connector
from syncjobs.models import SyncJobType
connector = Connector.objects.get(slug="target")
connector.max_concurrency = 2
connector.save()
answer = SyncJobType.objects.filter(slug="customer-record").update(target_connector=connector)
"""
AT_ONCE = """
from syncjobs.models import Attempt
moments = []
for begun, over in Attempt.objects.filter(job__in={ids}).values_list("started_at", "ended_at"):
    moments += [(begun, 1), (over, -1)]
answer = now = 0
for _, step in sorted(moments):
    now += step
    answer = max(answer, now)
"""
LAST_END = """
from syncjobs.models import SyncJob
answer = max(SyncJob.objects.filter(pk__in={ids}).values_list("ended_at", flat=True)).isoformat()
"""


@pytest.mark.parametrize("stack", ["postgresql"], indirect=True)
def test_herd_at_a_narrow_connector_runs_within_its_limit_and_starves_nobody(stack: Stack) -> None:
    set_up_faulty(stack)
    stack.python(NARROW)
    stack.start_broker()
    herd = ask_with(stack, "customer-record", [{}] * HERD)
    others = ask_with(stack, "sap-customer-sync", [{}] * 5)
    stack.start_dispatcher()
    stack.start_worker(slots=4)
    for job in ended(stack, herd + others):
        assert (job["status"], job["attempts"], job["changes"]) == ("finished", ["finished"], 1), job
    assert 1 <= stack.python(AT_ONCE.format(ids=herd)) <= 2
    assert stack.python(LAST_END.format(ids=others)) < stack.python(LAST_END.format(ids=herd))
    assert targets(stack, RECORDS) == [str(number) for number in range(HERD)]
    assert_books_are_in_order(stack)
