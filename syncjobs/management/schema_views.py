"""`type schema` and `accept-schema`: the columns that a type's sources had, and which runs go by. Asks operations."""

from __future__ import annotations

from typing import Any

from syncjobs.management.identities import find_type, terminal_user
from syncjobs.management.job_texts import moment_text, table_lines
from syncjobs.management.terminal import Terminal
from syncjobs.models import SchemaSnapshot
from syncjobs.operations.source_schemas import accept_schemas, describe_schema, list_schemas, schema_lines, verdict

HEADING = ("STREAM", "FIRST SEEN", "LAST SEEN", "JOB", "VERDICT", "WHAT DIFFERED")


def show_schemas(terminal: Terminal, *, job_type: str, stream: str | None, as_json: bool, **_general: Any) -> None:
    """The history of each stream, or of one, newest first."""
    found = find_type(job_type)
    histories = list_schemas(found, stream)
    if as_json:
        streams = {name: [describe_schema(row) for row in rows] for name, rows in histories.items()}
        terminal.write_json({"type": found.slug, "streams": streams})
        return
    rows = [_row(row) for history in histories.values() for row in history]
    none = f"No run of {found.slug} has met a source schema yet."
    terminal.write("\n".join(table_lines(HEADING, rows)) if rows else none)


def accept_schema(terminal: Terminal, *, job_type: str, stream: str | None, as_json: bool, **_general: Any) -> None:
    """Say of each accepted schema how it differs from the one before."""
    found = find_type(job_type)
    accepted = accept_schemas(found, actor=terminal_user(), stream=stream)
    if as_json:
        terminal.write_json({"type": found.slug, "accepted": [describe_schema(row) for row in accepted]})
        return
    lines = [f"Accepted for {row.stream}: {'; '.join(schema_lines(row))}" for row in accepted]
    terminal.write("\n".join([*lines, f"The next run goes by it: manage.py sync run {found.slug}"]))


def _row(row: SchemaSnapshot) -> tuple[str, ...]:
    job = f"#{row.job_id}" if row.job_id else ""
    moments = (moment_text(row.first_seen_at), moment_text(row.seen_at))
    return (row.stream, *moments, job, verdict(row), "; ".join(schema_lines(row)))
