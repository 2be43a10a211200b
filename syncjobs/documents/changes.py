"""Stores the one change of a document job; the caller's transaction holds the job's end, too."""

from __future__ import annotations

from syncjobs.documents.base import Written
from syncjobs.fingerprints import key_hash
from syncjobs.lifecycle.statements import Statement, insertion, run_together
from syncjobs.models import Change, JobBatch, SyncJob


def save_change(job: SyncJob, document_type: str, written: Written, batch: JobBatch | None = None) -> None:
    """Insert the row; values are in JSON forms already, masked ones blacked out. With a batch it counts with that."""
    run_together(change_statement(job, document_type, written, batch))


def change_statement(job: SyncJob, document_type: str, written: Written, batch: JobBatch | None = None) -> Statement:
    """The statement that inserts it."""
    change = {
        "job_id": job.pk,
        "batch_id": None if batch is None else batch.pk,
        "stream": document_type,
        "key": written.key,
        "key_hash": key_hash(written.key),
        "operation": written.operation,
        "fields": written.changes,
    }
    return insertion(Change, [change])
