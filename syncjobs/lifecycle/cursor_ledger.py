"""The ledger of cursors: append-only, read and written by type and stream. Knows no connector."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from syncjobs.models import StreamCursor, SyncJob, SyncJobType
from syncjobs.stream_cursors import cursor_fields


def lock_ledger(job_type_id: int) -> None:
    """Until the transaction ends nobody else adds to the type's ledger; jobs of it can be made meanwhile."""
    list(SyncJobType.objects.select_for_update(no_key=True).filter(pk=job_type_id).values_list("pk"))


def newest_entry(job_type_id: int, stream: str) -> StreamCursor | None:
    """Where the stream stands."""
    return StreamCursor.objects.filter(job_type=job_type_id, stream=stream).first()


def append_entry(
    job_type_id: int,
    stream: str,
    *,
    field: str,
    new: Any,
    now: datetime,
    rows: int = 0,
    job: SyncJob | None = None,
    actor: str = "",
    reason: str = "",
    last: StreamCursor | None = None,
) -> StreamCursor:
    """Move the stream's cursor to `new` (JSON form; None = before everything). Of a job, or of a person: the actor.

    `old` is kept from the newest entry (`last`, if it was looked up already), unless that is of another field, of which
    a value means nothing here.
    """
    last = newest_entry(job_type_id, stream) if last is None else last
    return StreamCursor.objects.create(
        job_type_id=job_type_id,
        stream=stream,
        field=field,
        old=last.new if last is not None and last.field == field else None,
        new=new,
        rows=rows,
        job=job,
        actor=actor[:150],
        reason=reason[:500],
        created_at=now,
    )


def reset_cursors(
    job_type_id: int, config: dict[str, Any], now: datetime, *, actor: str, reason: str
) -> list[StreamCursor]:
    """Let the next run of each incremental stream of the config begin before everything; returns what was added."""
    lock_ledger(job_type_id)
    added = []
    for stream, field in cursor_fields(config).items():
        last = newest_entry(job_type_id, stream)
        if last is not None and last.new is not None:
            added.append(append_entry(job_type_id, stream, field=field, new=None, now=now, actor=actor, reason=reason))
    return added
