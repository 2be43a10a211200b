"""Relays to as many SAP customers as the context says, numbered from a million on."""

from typing import Any

from syncjobs.controllers.base import JobHandle
from tests.acme.models import SAPCustomer


def get_multiple_target_documents(sync_job: JobHandle, source_doc: None) -> list[dict[str, Any]]:
    number = sync_job.get_context()["targets"]
    return [{"operation": "insert", "context": {"number": str(1_000_000 + one)}} for one in range(number)]


def update_target_doc(sync_job: JobHandle, source_doc: None, target_doc: SAPCustomer) -> None:
    target_doc.number = target_doc.name = sync_job.get_context()["number"]
