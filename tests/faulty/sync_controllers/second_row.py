"""Renames one SAP customer and then a second one: two locks, and so a chance of a deadlock."""

from typing import Any

from syncjobs.controllers.base import JobHandle
from tests.acme.models import SAPCustomer
from tests.faulty.gate import wait_in


def get_target_document(sync_job: JobHandle, source_doc: None) -> dict[str, Any]:
    first = SAPCustomer.objects.get(number=sync_job.get_context()["first"])
    return {"operation": "update", "target_document_name": first.pk}


def update_target_doc(sync_job: JobHandle, source_doc: None, target_doc: SAPCustomer) -> None:
    target_doc.name = "renamed"


def after_sync(sync_job: JobHandle, source_doc: None, target_doc: SAPCustomer) -> None:
    wait_in("python")
    SAPCustomer.objects.filter(number=sync_job.get_context()["second"]).update(name="renamed")
