"""Extent incremental, the beginning: from where a run reads, and what it tells of records that it will not see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from connectors.cursors import check_cursor_type
from connectors.errors import ConfigError
from connectors.records import CursorRequest, Field, Filter, ReadRequest
from syncjobs.controllers.base import JobHandle
from syncjobs.lifecycle.cursor_ledger import newest_entry
from syncjobs.stream_cursors import CursorSpec, begin_of
from syncjobs.stream_specs import StreamSpec
from syncjobs.streams.opening import OpenStream
from syncjobs.streams.progress import Progress


def cursor_of(sync_job: JobHandle, spec: StreamSpec) -> CursorSpec | None:
    """The cursor that this job reads by and moves; None where it has another extent, or replays rejects."""
    is_by_cursor = spec.is_incremental and "replay" not in sync_job.job.config_snapshot
    return spec.cursor if is_by_cursor else None


def _cursor_field(stream: OpenStream, cursor: CursorSpec) -> Field:
    """The source's field, also where it is new and otherwise ignored. Raises ConfigError `bad_cursor`."""
    source = stream.spec.source
    schema = stream.source.schema(source)
    field = schema.get(cursor.field)
    if field is None:
        raise ConfigError(
            "bad_cursor",
            f"{source} has no field '{cursor.field}' to read on by (it has: {', '.join(schema.names)})",
            hint="Correct the cursor of the stream.",
        )
    check_cursor_type(source, field)
    return field


def begin_by_cursor(stream: OpenStream, progress: Progress) -> Progress:
    """Make the stream's request read by its cursor, if it has that extent: from the ledger's newest entry.

    A job that goes on keeps where it began, which its progress knows. Raises ConfigError `bad_cursor`.
    """
    cursor = cursor_of(stream.sync_job, stream.spec)
    if cursor is None:
        return progress
    if not stream.source.capabilities.reads_by_cursor:
        raise ConfigError(
            "bad_cursor",
            f"{stream.source.slug}: connectors of kind '{stream.source.kind}' cannot be read by a cursor",
            hint="Choose extent full or window.",
        )
    field = _cursor_field(stream, cursor)
    if not progress.batch_no:
        progress = _from_ledger(stream, cursor, field, progress)
    # An append would add what it reads again a second time.
    request = CursorRequest(cursor.field, progress.cursor_start, is_inclusive=stream.spec.mode != "append")
    stream.request = replace(stream.request, cursor=request)
    return progress


def filters_of(request: ReadRequest) -> tuple[Filter, ...]:
    """All conditions of a request, that of its cursor too: for counting."""
    cursor = request.cursor
    if cursor is None:
        return request.filters
    if cursor.start is None:
        return (*request.filters, Filter(cursor.field, "is_null", False))
    return (*request.filters, Filter(cursor.field, "ge" if cursor.is_inclusive else "gt", cursor.start))


def _from_ledger(stream: OpenStream, cursor: CursorSpec, field: Field, progress: Progress) -> Progress:
    job, log, source = stream.sync_job.job, stream.sync_job.log, stream.spec.source
    entry = newest_entry(job.job_type_id, source)
    progress = replace(progress, cursor_type=field.type, cursor_entry=None if entry is None else entry.pk)
    if entry is None or entry.new is None:
        log("INFO", f"{source} is read from its beginning: it has no cursor yet, or was set back")
    elif entry.field != cursor.field:
        log("WARNING", f"{source} is read from its beginning: no run has gone by {cursor.field} yet")
    else:
        progress = replace(progress, cursor_start=_start(stream, cursor, field, entry.new))
        log("INFO", f"{source} is read from {cursor.field} {progress.cursor_start} on; the cursor is at {entry.new}")
        if progress.target_was_empty:
            text = "The target is empty, but older records are not read again; set the cursor back to have them"
            log("WARNING", text)
    return progress


def _start(stream: OpenStream, cursor: CursorSpec, field: Field, stored: Any) -> Any:
    try:
        begin = begin_of(cursor, field.type, stored)
    except ValueError as error:
        raise ConfigError(
            "bad_cursor",
            f"{stream.spec.source}: the cursor of {cursor.field} is at {stored!r}, which {error} ({field.type})",
            hint="The field's type has changed: set the cursor back to the start.",
        ) from error
    return stored if stream.spec.mode == "append" else begin


def tell_of_empty(stream: OpenStream, counted: int | None = None) -> None:
    """Of records that have no value for the cursor, of which there are so many if they were counted already."""
    cursor = cursor_of(stream.sync_job, stream.spec)
    field = None if cursor is None else _cursor_field(stream, cursor)
    if field is None or not field.nullable:
        return
    where = (*stream.request.filters, Filter(field.name, "is_null", True))
    empty = stream.source.count(stream.spec.source, where) if counted is None else counted
    if empty:
        are = "1 record has" if empty == 1 else f"{empty:,} records have"
        text = f"{are} no {field.name}, and so can only be read in extent full"
        stream.sync_job.log("WARNING", text, field=field.name)
