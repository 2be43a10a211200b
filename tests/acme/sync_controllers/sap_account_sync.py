"""Sends credit limits and bank accounts to SAP. A large limit waits for a person. This is the class form."""

from typing import Any

from syncjobs.controllers.base import JobHandle, JobHeld
from tests.acme.models import Customer, SAPCustomer


class SAPAccountSync:
    masked_fields = ("bank_account",)
    config_schema = {
        "type": "object",
        "properties": {"free_limit": {"type": "number", "minimum": 0}},
        "required": ["free_limit"],
    }

    def get_target_document(self, sync_job: JobHandle, source_doc: Customer) -> dict[str, Any] | None:
        if sync_job.source_is_deleted:
            return None
        known = SAPCustomer.objects.get(number=source_doc.number)
        return {"operation": "update", "target_document_name": known.pk}

    def update_target_doc(self, sync_job: JobHandle, source_doc: Customer, target_doc: SAPCustomer) -> None:
        target_doc.bank_account = source_doc.bank_account
        target_doc.credit_limit = source_doc.credit_limit

    def before_sync(self, sync_job: JobHandle, source_doc: Customer, target_doc: SAPCustomer) -> None:
        if target_doc.credit_limit > sync_job.config["free_limit"] and not sync_job.is_approved:
            raise JobHeld(f"{source_doc} is to get a credit limit of {target_doc.credit_limit}")
