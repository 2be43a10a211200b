"""Keeps each customer as a record of a connector's stream, `target/customers`."""

from typing import Any

from syncjobs.controllers.base import JobHandle
from tests.acme.models import Customer


def get_target_document(sync_job: JobHandle, source_doc: Customer) -> dict[str, Any]:
    return {"operation": "insert"}


def update_target_doc(sync_job: JobHandle, source_doc: Customer, target_doc: Any) -> None:
    target_doc.number, target_doc.name = source_doc.number, source_doc.name
