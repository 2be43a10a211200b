"""Deletes the SAP customer of a customer that was deleted."""

from typing import Any

from syncjobs.controllers.base import JobHandle
from tests.acme.models import Customer, SAPCustomer


def get_target_document(sync_job: JobHandle, source_doc: Customer | None) -> dict[str, Any] | None:
    if source_doc is not None and not sync_job.source_is_deleted:
        return None  # it is still there: nothing to clean up
    number = source_doc.number if source_doc is not None else sync_job.get_context().get("number")
    known = SAPCustomer.objects.filter(number=number).first()
    return {"operation": "delete", "target_document_name": known.pk} if known else None


def update_target_doc(sync_job: JobHandle, source_doc: Customer | None, target_doc: SAPCustomer) -> None:
    """A delete has nothing to fill in."""
