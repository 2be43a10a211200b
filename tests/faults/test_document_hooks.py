"""Document hooks in a Syncdeck of real processes: savers and dispatchers are killed, and each save is served once."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest

from tests.faults.documents import assert_books_are_in_order, set_up_acme
from tests.faults.stack import PATIENCE_SECONDS, Stack

pytestmark = pytest.mark.slow
WATCH = """
from syncjobs.models import SyncJobType
from syncjobs.operations.job_types import save_job_type
job_type = SyncJobType.objects.get(slug="sap-customer-sync")
job_type.watch_saves, job_type.watch_quiet_seconds = True, 1
answer = save_job_type(job_type, actor="test").version
"""
# In one transaction, so that however slow the machine is, no pause between two saves is taken for quiet.
SAVE_500_TIMES = """
from django.db import transaction
from tests.acme.models import Customer
with transaction.atomic():
    customers = [Customer.objects.create(number=str(number), name="New") for number in range(20)]
    for times in range(24):
        for customer in customers:
            customer.name = f"Customer {customer.number}, saved {times} times"
            customer.save()
with transaction.atomic():
    Customer.objects.create(number="undone", name="Nobody")
    transaction.set_rollback(True)
answer = len(customers)
"""
DIE_WHILE_SAVING = """
import os, signal
from django.db.models.signals import post_save
from tests.acme.models import Customer
post_save.connect(lambda **signal_: os.kill(os.getpid(), signal.SIGKILL), sender=Customer, weak=False)
Customer.objects.create(number="killed", name="Nobody")
"""
SAVE_ONCE_MORE = """
from tests.acme.models import Customer
customer = Customer.objects.get(number="7")
customer.name = "Seven"
customer.save()
answer = customer.pk
"""
LOOK = """
from collections import Counter
from syncjobs.models import InboxEntry, SyncJob
from tests.acme.models import Customer, SAPCustomer
jobs = SyncJob.objects.filter(trigger_type="document_hook")
answer = {
    "waiting": InboxEntry.objects.filter(served_at=None).count(),
    "served": sorted(Counter(InboxEntry.objects.values_list("job", flat=True)).values()),
    "strays": [save.pk for save in InboxEntry.objects.all() if save.job.source_document_name != save.document_name],
    "statuses": dict(Counter(jobs.values_list("status", flat=True))),
    "sources": sorted(Customer.objects.values_list("number", "name")),
    "targets": sorted(SAPCustomer.objects.values_list("number", "name")),
}
"""
WAITING = "from syncjobs.models import InboxEntry\nanswer = InboxEntry.objects.filter(served_at=None).count()"


def look_when_finished(stack: Stack, jobs: int) -> dict[str, Any]:
    give_up = time.monotonic() + PATIENCE_SECONDS
    count = 'from syncjobs.models import SyncJob\nanswer = SyncJob.objects.filter(status="finished").count()'
    while stack.python(WAITING) or stack.python(count) < jobs:
        assert time.monotonic() < give_up, stack.log_text()
        time.sleep(0.1)
    found: dict[str, Any] = stack.python(LOOK)
    return found


def test_500_saves_are_served_by_20_jobs_although_savers_and_dispatchers_are_killed(stack: Stack) -> None:
    set_up_acme(stack)
    assert stack.python(WATCH) == 2
    stack.start_broker()
    stack.start_worker()
    assert stack.python(SAVE_500_TIMES) == 20
    stack.manage("shell", "-v", "0", "-c", DIE_WHILE_SAVING, expect=-signal.SIGKILL)
    points = ("before_fold_commit", "after_fold_commit")
    doomed = [stack.start_dispatcher(SYNCDECK_CRASH_AT=point) for point in points]
    assert [process.wait(timeout=60) for process in doomed] == [-signal.SIGKILL] * 2
    for _ in range(2):
        stack.start_dispatcher()

    found = look_when_finished(stack, jobs=20)
    assert (found["served"], found["strays"], found["statuses"]) == ([25] * 20, [], {"finished": 20})
    assert found["targets"] == found["sources"] == sorted([str(n), f"Customer {n}, saved 23 times"] for n in range(20))

    stack.python(SAVE_ONCE_MORE)
    found = look_when_finished(stack, jobs=21)
    assert (found["served"], found["strays"]) == ([1] + [25] * 20, [])
    assert found["targets"] == found["sources"]
    assert ["7", "Seven"] in found["targets"]
    assert_books_are_in_order(stack)
