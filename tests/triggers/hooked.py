"""A type that watches customers, and what its inbox holds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from syncjobs.models import InboxEntry, SyncJob, SyncJobType
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from syncjobs.triggers.inbox import Inbox
from tests.acme.models import Customer

SHAPE: dict[str, Any] = {
    "slug": "customers",
    "name": "Customers",
    "controller": "sap_customer_sync",
    "source_document_type": "acme.Customer",
    "target_document_type": "acme.SAPCustomer",
    "watch_saves": True,
}


def watching_type(**settings: Any) -> SyncJobType:
    """A type that starts a job for each customer that is saved."""
    return save_job_type(job_type_from_shape(SHAPE | settings), actor="test")


def make_customer(number: int = 1) -> Customer:
    return Customer.objects.create(number=str(number), name=f"Customer {number}")


def last_save() -> datetime:
    """By the clock of whoever wrote it."""
    return InboxEntry.objects.order_by("-pk").values_list("saved_at", flat=True)[0]


def fold(seconds: float = 60) -> int:
    """Have a dispatcher look at the inbox so many seconds after the last save; returns how many jobs it made."""
    return Inbox().tick(last_save() + timedelta(seconds=seconds))


def hooked_jobs() -> list[SyncJob]:
    return list(SyncJob.objects.filter(trigger_type="document_hook").order_by("pk"))
