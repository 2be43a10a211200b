"""Document jobs of the example app in a Syncdeck of real processes: customers to SAP customers."""

from __future__ import annotations

from typing import Any

from tests.faults.stack import Stack

ASK = """
from django.db import transaction
from syncjobs.operations import enqueue_sync_job
from tests.acme.models import Customer
answer = []
with transaction.atomic():
    for number in range({first}, {first} + {number}):
        customer, _ = Customer.objects.get_or_create(number=str(number), defaults={{"name": f"Customer {{number}}"}})
        answer.append(enqueue_sync_job(sync_job_type="sap-customer-sync", source_doc=customer).pk)
"""
TARGETS = """
from collections import Counter
from syncjobs.models import Change, SyncJob
from tests.acme.models import Customer, SAPCustomer
jobs = SyncJob.objects.filter(job_type__slug="sap-customer-sync")
changes = Change.objects.filter(job__in=jobs)
answer = {
    "sources": sorted(Customer.objects.values_list("number", "name")),
    "targets": sorted(SAPCustomer.objects.values_list("number", "name")),
    "statuses": dict(Counter(jobs.values_list("status", flat=True))),
    "inserted": sum(job.tally.inserted for job in jobs),
    "changes": changes.count(),
    "retries": sum(job.retry_count for job in jobs),
    "losses": sum(job.lost_count for job in jobs),
}
"""


def set_up_acme(stack: Stack) -> None:
    """Install the example app with its tables and types; before any process starts."""
    stack.install_app("tests.acme")
    stack.manage("migrate", "--verbosity", "0")
    stack.python("from tests.acme.sync_job_types import make_sync_job_types\nanswer = len(make_sync_job_types())")


def ask_for_customers(stack: Stack, *, first: int = 0, number: int) -> list[int]:
    """Make so many customers, from number `first` on, and ask for a job for each; the ids of the jobs."""
    ids: list[int] = stack.python(ASK.format(first=first, number=number))
    return ids


def look_at_customers(stack: Stack) -> dict[str, Any]:
    """Sources, targets, and what the jobs say of them."""
    found: dict[str, Any] = stack.python(TARGETS)
    return found


def assert_customers_are_synced(stack: Stack, number: int) -> None:
    """Each customer is at the target once and right, each by one job that says so, with one change each."""
    found = look_at_customers(stack)
    assert len(found["sources"]) == number
    assert found["targets"] == found["sources"]
    assert found["statuses"] == {"finished": number}
    assert (found["inserted"], found["changes"]) == (number, number)


def assert_books_are_in_order(stack: Stack) -> None:
    """What `manage.py sync verify-state` proves; it fails by its exit code."""
    assert "in order" in stack.manage("sync", "verify-state")
