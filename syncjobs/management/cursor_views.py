"""`sync cursor`: shows how far a type's incremental streams have come, and sets one back. Operations decide."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from syncjobs.management.identities import find_type, terminal_user
from syncjobs.management.job_texts import moment_text, table_lines
from syncjobs.management.terminal import BAD_USAGE, Terminal
from syncjobs.models import StreamCursor, SyncJobType
from syncjobs.operations.cursors import list_cursor_entries, list_streams, rewind_cursor, shown_value
from syncjobs.operations.type_descriptions import describe_entry, describe_ledger
from syncjobs.stream_cursors import cursor_fields

HEADING = ("ENTRY", "STREAM", "FIELD", "FROM", "TO", "ROWS", "BY", "WHEN", "WHY")


def show_cursors(
    terminal: Terminal,
    *,
    job_type: str,
    stream: str | None,
    rewind: int | str | None,
    reason: str,
    limit: int,
    as_json: bool,
    **_general: Any,
) -> int:
    """List the newest entries of each stream, after having set one back if that is asked for."""
    found = find_type(job_type)
    if rewind is not None:
        entry_id = None if isinstance(rewind, str) else rewind
        added = rewind_cursor(found, stream or _only_stream(found), entry_id, actor=terminal_user(), reason=reason)
        if as_json:
            terminal.write_json(describe_entry(added))
        else:
            to = shown_value(added.new)
            terminal.write(f"The cursor of {found.slug}, stream {added.stream}, is at {to}: the next run begins there.")
        return 0
    ledgers = {name: list_cursor_entries(found, name, limit) for name in ([stream] if stream else list_streams(found))}
    if as_json:
        terminal.write_json({"type": found.slug, "streams": [describe_ledger(*ledger) for ledger in ledgers.items()]})
        return 0
    rows = [_row(entry) for entries in ledgers.values() for entry in entries]
    none = f"The ledger of {found.slug} is empty: no run has moved a cursor yet."
    terminal.write("\n".join(table_lines(HEADING, rows)) if rows else none)
    return 0


def _only_stream(job_type: SyncJobType) -> str:
    names = list(cursor_fields(job_type.config))
    if len(names) > 1:
        raise CommandError(f"Say which stream: --stream with one of {', '.join(names)}.", returncode=BAD_USAGE)
    return names[0] if names else ""


def _row(entry: StreamCursor) -> tuple[str, ...]:
    return (
        str(entry.pk),
        entry.stream,
        entry.field or "(window)",
        shown_value(entry.old),
        shown_value(entry.new),
        f"{entry.rows:,}",
        f"#{entry.job_id}" if entry.job_id else entry.actor,
        moment_text(entry.created_at),
        entry.reason,
    )
