"""The end of a stream: the ledger notes how far it has come, in one transaction with the job's own fenced end."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from syncjobs.clock import db_now
from syncjobs.controllers.base import Outcome
from syncjobs.lifecycle.cursor_ledger import append_entry, lock_ledger, newest_entry
from syncjobs.lifecycle.split_jobs import SPLIT
from syncjobs.models import StreamCursor
from syncjobs.stream_cursors import CursorSpec, as_cursor, is_ahead, later_of
from syncjobs.streams.incremental import cursor_of
from syncjobs.streams.opening import OpenStream
from syncjobs.streams.progress import Progress

SWITCHES = ("insert_enabled", "update_enabled")


def end_stream(stream: OpenStream, progress: Progress, outcome: Outcome) -> Outcome:
    """End the job and note in the ledger how far it came; a dry run, a backfill and a part of a split note nothing.

    Where there is nothing to note the outcome comes back as it is, and the job has not ended yet.
    """
    is_part = stream.spec.explicit_range or SPLIT in stream.sync_job.job.config_snapshot
    if stream.sync_job.dry_run or is_part or progress.highest is None:
        return outcome
    cursor = cursor_of(stream.sync_job, stream.spec)
    if cursor is not None:
        return _move_cursor(stream, cursor, progress, outcome)
    if stream.spec.window is None:
        return outcome
    with transaction.atomic():
        # A window has not seen what is older, so a cursor must not begin there: it is noted under no field.
        _end(stream, progress, outcome, "", progress.highest, db_now())
    return replace(outcome, is_written=True)


def _move_cursor(stream: OpenStream, cursor: CursorSpec, progress: Progress, outcome: Outcome) -> Outcome:
    """Move the cursor on, never back, if it still is where this job found it."""
    log, job = stream.sync_job.log, stream.sync_job.job
    if _skips_more_than_its_type(stream, progress):
        log("WARNING", "The cursor stays: this run skipped records that its job type would have written")
        return outcome
    now = db_now()
    found = _without_future(stream, cursor, progress, now)
    with transaction.atomic():
        lock_ledger(job.job_type_id)
        last = newest_entry(job.job_type_id, stream.spec.source)
        is_as_found = (None if last is None else last.pk) == progress.cursor_entry
        stored = last.new if last is not None and last.field == cursor.field else None
        new = later_of(progress.cursor_type, stored, found)
        is_moved = is_as_found and new != stored
        if is_moved:
            _end(stream, progress, outcome, cursor.field, new, now, last)
    if is_moved:
        log("INFO", f"The cursor {cursor.field} is at {new} now")
    elif not is_as_found:
        log("WARNING", "The cursor stays: it was moved or set back since this job began")
    return replace(outcome, is_written=is_moved)


def _end(
    stream: OpenStream,
    progress: Progress,
    outcome: Outcome,
    field: str,
    new: Any,
    now: datetime,
    last: StreamCursor | None = None,
) -> None:
    job, rows = stream.sync_job.job, progress.counts.read
    append_entry(job.job_type_id, stream.spec.source, field=field, new=new, rows=rows, job=job, now=now, last=last)
    stream.sync_job.end(outcome)


def _skips_more_than_its_type(stream: OpenStream, progress: Progress) -> bool:
    job = stream.sync_job.job
    is_narrower = any(job.config_snapshot[name] and not getattr(job, name) for name in SWITCHES)
    return is_narrower and bool(progress.counts.skipped)


def _without_future(stream: OpenStream, cursor: CursorSpec, progress: Progress, now: datetime) -> Any:
    """The highest value; if it lies ahead, when the job was made: behind a time to come all others would be missed.

    In mode append going back would add those records a second time, so there it is only told.
    """
    highest, field_type = progress.highest, progress.cursor_type
    if not is_ahead(field_type, highest, now):
        return highest
    kept = highest if stream.spec.mode == "append" else as_cursor(field_type, stream.sync_job.job.created_at)
    text = f"The highest {cursor.field}, {highest}, lies in the future: the cursor goes to {kept}"
    stream.sync_job.log("WARNING", text)
    return kept
