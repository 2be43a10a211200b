"""Stores the one change of a document job; the caller's transaction holds the job's end, too."""

from __future__ import annotations

from syncjobs.documents.base import Written
from syncjobs.fingerprints import key_hash
from syncjobs.models import Change, SyncJob


def save_change(job: SyncJob, document_type: str, written: Written) -> None:
    """Insert the row; values are in JSON forms already, masked ones blacked out."""
    Change.objects.create(
        job=job,
        stream=document_type,
        key=written.key,
        key_hash=key_hash(written.key),
        operation=written.operation,
        fields=written.changes,
    )
