"""Copies a customer, and waits in the hook that the context names, in the way that it names."""

from typing import Any

from syncjobs.controllers.base import JobHandle
from tests.acme.models import Customer, SAPCustomer
from tests.faulty.gate import wait_in


def after_start(sync_job: JobHandle, source_doc: Customer) -> None:
    wait_if_told(sync_job, "after_start")


def get_target_document(sync_job: JobHandle, source_doc: Customer) -> dict[str, Any]:
    return {"operation": "insert"}


def update_target_doc(sync_job: JobHandle, source_doc: Customer, target_doc: SAPCustomer) -> None:
    target_doc.number, target_doc.name = source_doc.number, source_doc.name


def after_sync(sync_job: JobHandle, source_doc: Customer, target_doc: SAPCustomer) -> None:
    wait_if_told(sync_job, "after_sync")  # written, and not committed


def wait_if_told(sync_job: JobHandle, hook: str) -> None:
    context = sync_job.get_context()
    if context.get("hook", "after_start") == hook:
        wait_in(context.get("wait", ""))
