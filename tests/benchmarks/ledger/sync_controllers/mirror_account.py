"""Brings one account's mirror in line."""

from __future__ import annotations

from typing import Any

from syncjobs.controllers.base import JobHandle
from tests.benchmarks.ledger.models import Account, MirroredAccount


def get_target_document(sync_job: JobHandle, source_doc: Account) -> dict[str, Any]:
    return {"operation": "update", "target_document_name": str(source_doc.pk)}


def update_target_doc(sync_job: JobHandle, source_doc: Account, target_doc: MirroredAccount) -> None:
    for field in ("name", "city", "balance"):
        setattr(target_doc, field, getattr(source_doc, field))
    target_doc.writes += 1
