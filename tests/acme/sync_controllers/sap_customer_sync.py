"""Keeps one SAP customer for each of our customers."""

from typing import Any

from syncjobs.controllers.base import JobHandle
from tests.acme.models import Customer, SAPCustomer


def get_target_document(sync_job: JobHandle, source_doc: Customer) -> dict[str, Any] | None:
    if sync_job.source_is_deleted:
        return None
    known = SAPCustomer.objects.filter(number=source_doc.number).first()
    if known is None:
        return {"operation": "insert"}
    return {"operation": "update", "target_document_name": known.pk}


def update_target_doc(sync_job: JobHandle, source_doc: Customer, target_doc: SAPCustomer) -> None:
    target_doc.number = source_doc.number
    target_doc.name = source_doc.name[:40]
    target_doc.email = source_doc.email
    target_doc.credit_limit = source_doc.credit_limit
    target_doc.customer_since = source_doc.customer_since
