"""The schemas of a type's sources as its page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from syncjobs.models import SyncJobType
from syncjobs.operations.source_schemas import list_schemas, schema_lines

SHOWN_OF_A_STREAM = 5
STREAMS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class SchemaRow:
    """One schema of a stream: what differed, and (name, type) of each column."""

    lines: list[str]
    columns: list[tuple[str, str]]
    is_accepted: bool
    job: int | None
    first_seen_at: datetime
    seen_at: datetime


def schema_rows(job_type: SyncJobType) -> dict[str, list[SchemaRow]]:
    """The newest schemas of the first streams, by stream."""
    found = list(list_schemas(job_type, limit=SHOWN_OF_A_STREAM).items())[:STREAMS_SHOWN]
    return {
        stream: [
            SchemaRow(
                schema_lines(row),
                sorted(row.fields.items()),
                row.is_accepted,
                row.job_id,
                row.first_seen_at,
                row.seen_at,
            )
            for row in rows
        ]
        for stream, rows in found
    }
