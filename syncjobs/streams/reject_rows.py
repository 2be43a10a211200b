"""Writes rejects in step with their batch: new ones with it, settled ones marked, then closed by its commit."""

from __future__ import annotations

from django.db import transaction

from syncjobs.clock import db_now
from syncjobs.lifecycle.chunks import in_chunks
from syncjobs.models import JobBatch, Reject
from syncjobs.streams.rejects import Settling

CHUNK = 500  # rows of one statement
REASON = ("field", "code", "message", "pattern", "fingerprint")


def save_rejects(batch: JobBatch, settling: Settling) -> None:
    """Store what an open batch sets aside, and mark the open rejects that it will have closed once it is committed.

    The reason of a reject that is replayed in vain is renewed at once: it is no less true if the batch is dropped.
    """
    if settling.is_empty:
        return
    now = db_now()
    for reject in settling.new:
        reject.batch, reject.created_at = batch, now
    for start in range(0, len(settling.new), CHUNK):
        Reject.objects.bulk_create(settling.new[start : start + CHUNK])
    with transaction.atomic():
        Reject.objects.bulk_update(settling.again, REASON, batch_size=CHUNK // 5)
    waiting = Reject.objects.waiting()
    for chunk in in_chunks(sorted(settling.written)):
        waiting.filter(pk__in=chunk).update(closing_batch=batch)
    same = waiting.filter(job_type=batch.job.job_type_id, stream=batch.stream)
    for chunk in in_chunks(sorted(settling.hashes)):
        same.filter(key_hash__in=chunk).update(closing_batch=batch)


def close_rejects(batch: JobBatch) -> None:
    """Close what the batch, now committed, has settled; part of the caller's transaction."""
    is_replay = "replay" in batch.job.config_snapshot
    Reject.objects.filter(closing_batch=batch, state=Reject.State.OPEN).update(
        state=Reject.State.REPLAYED if is_replay else Reject.State.HEALED,
        closed_at=db_now(),
        closed_by_job=batch.job_id,
        closing_batch=None,
    )


def drop_rejects(batch: JobBatch) -> None:
    """Forget what an open batch has stored; whatever it had marked stays open."""
    Reject.objects.filter(closing_batch=batch).update(closing_batch=None)
    Reject.objects.filter(batch=batch).delete()
