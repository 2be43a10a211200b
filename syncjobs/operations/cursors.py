"""Cursors of incremental streams: their ledger, setting one back, the restart of a whole type. Asks no connector."""

from __future__ import annotations

import logging

from django.contrib.auth.models import User
from django.db import transaction

from syncjobs.clock import db_now
from syncjobs.lifecycle.cursor_ledger import append_entry, lock_ledger, reset_cursors
from syncjobs.models import StreamCursor, SyncJob, SyncJobType
from syncjobs.operations.auditing import record
from syncjobs.operations.job_types import run_job_type
from syncjobs.statuses import Trigger
from syncjobs.stream_cursors import cursor_fields

logger = logging.getLogger("syncjobs.cursors")


class RewindRefused(Exception):
    """The cursor may not be set now, or not to that entry; the text says why and what to do."""


class NothingToRewindTo(RewindRefused):
    """There is no such incremental stream, or its ledger has no such entry; waiting does not help."""


def list_cursor_entries(job_type: SyncJobType, stream: str, limit: int = 100) -> list[StreamCursor]:
    """The newest entries of a stream's ledger, newest first; the first is where it stands."""
    return list(StreamCursor.objects.filter(job_type=job_type, stream=stream).select_related("job")[:limit])


def list_streams(job_type: SyncJobType) -> list[str]:
    """The streams that have a cursor: those read incrementally, then those that once left entries in the ledger."""
    noted = StreamCursor.objects.filter(job_type=job_type).order_by("stream").values_list("stream", flat=True)
    return list(dict.fromkeys([*cursor_fields(job_type.config), *noted.distinct()]))


def rewind_cursor(
    job_type: SyncJobType, stream: str, entry_id: int | None, *, actor: str, reason: str = ""
) -> StreamCursor:
    """Let the stream's next run begin where that entry had come (None = before everything); returns the new entry.

    Raises RewindRefused: the type has no such incremental stream or entry, or a job of it is active.
    """
    field = cursor_fields(job_type.config).get(stream)
    if field is None:
        known = ", ".join(cursor_fields(job_type.config)) or "none"
        raise NothingToRewindTo(f"{job_type.slug} has no incremental stream '{stream}' (it has: {known})")
    with transaction.atomic():
        lock_ledger(job_type.pk)
        _refuse_while_active(job_type)
        new = None if entry_id is None else _chosen(job_type, stream, field, entry_id).new
        added = append_entry(job_type.pk, stream, field=field, new=new, now=db_now(), actor=actor, reason=reason)
        before, after = {stream: added.old}, {stream: added.new}
        record("cursor.rewind", job_type, before=before, after=after, actor=actor, reason=reason)
    _log(job_type, added)
    return added


def restart_job_type(job_type: SyncJobType, *, trigger: Trigger, actor: str, user: User | None = None) -> SyncJob:
    """Set the cursors of all its incremental streams back to the start, and ask for a job of the type.

    A job at work goes on, but moves no cursor any more; the new one waits for it. Raises what run_job_type does, and
    then nothing was set back.
    """
    with transaction.atomic():
        job = run_job_type(job_type, trigger=trigger, actor=actor, user=user)
        reason = f"the type was restarted as #{job.pk}"
        added = reset_cursors(job_type.pk, job_type.config, db_now(), actor=actor, reason=reason)
        before, after = {one.stream: one.old for one in added}, {one.stream: one.new for one in added}
        record("job_type.restart", job_type, before=before, after=after | {"job": job.pk}, actor=actor, reason=reason)
    for entry in added:
        _log(job_type, entry)
    return job


def _refuse_while_active(job_type: SyncJobType) -> None:
    active = SyncJob.objects.filter(job_type=job_type).active().order_by("id").first()
    if active is not None:
        raise RewindRefused(
            f"the cursor cannot be set while job #{active.pk} of {job_type.slug} is {active.status}: "
            "wait for its end, or cancel it"
        )


def _chosen(job_type: SyncJobType, stream: str, field: str, entry_id: int) -> StreamCursor:
    entry = StreamCursor.objects.filter(job_type=job_type, stream=stream, pk=entry_id).first()
    if entry is None:
        raise NothingToRewindTo(f"the ledger of {job_type.slug}, stream '{stream}', has no entry {entry_id}")
    if entry.field != field:
        noted = f"of the field {entry.field}" if entry.field else "of a window"
        raise NothingToRewindTo(f"entry {entry_id} is {noted}, but '{stream}' is read by {field}; choose another entry")
    return entry


def _log(job_type: SyncJobType, entry: StreamCursor) -> None:
    logger.info(
        "The cursor of %s, stream %s, was set from %s to %s by %s%s",
        *(job_type.slug, entry.stream, shown_value(entry.old), shown_value(entry.new), entry.actor),
        f": {entry.reason}" if entry.reason else "",
    )


def shown_value(value: object) -> str:
    """A cursor's value for people."""
    return "the start" if value is None else str(value)
