"""Asks for a sync whenever a customer is saved. AppConfig.ready connects it to Django's post_save."""

from typing import Any

from syncjobs.operations import enqueue_sync_job
from tests.acme.models import Customer


def sync_saved_customer(sender: type[Customer], instance: Customer, **_signal: Any) -> None:
    enqueue_sync_job(
        sync_job_type="sap-customer-sync",
        source_doc=instance,
        triggered_by_doc=instance,
        dedupe_key=instance.number,
    )
