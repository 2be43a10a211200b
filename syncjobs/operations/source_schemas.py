"""The schemas that a type's sources had, for doors to show. Only runs write them."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from syncjobs.models import SchemaSnapshot, SyncJobType
from syncjobs.schema_drift import diff_lines

MOST_SHOWN = 100  # of a type's newest, in all its streams together


def list_schemas(job_type: SyncJobType, stream: str | None = None, limit: int = 10) -> dict[str, list[SchemaSnapshot]]:
    """The newest schemas of each stream (or one), newest first: at most `limit` each."""
    rows = SchemaSnapshot.objects.filter(job_type=job_type)
    if stream is not None:
        rows = rows.filter(stream=stream)
    found: dict[str, list[SchemaSnapshot]] = defaultdict(list)
    for row in rows[:MOST_SHOWN]:
        if len(found[row.stream]) < limit:
            found[row.stream].append(row)
    return dict(sorted(found.items()))


def schema_lines(row: SchemaSnapshot) -> list[str]:
    """What differed from the schema before, a line for each column; of the first one how many columns there were."""
    lines = diff_lines(row.differences) or [f"{len(row.fields):,} columns"]
    if row.ignored:
        lines.append(f"left out: {', '.join(row.ignored)}")
    return lines


def verdict(row: SchemaSnapshot) -> str:
    """Whether runs go by it."""
    return "accepted" if row.is_accepted else "stopped the run"


def describe_schema(row: SchemaSnapshot) -> dict[str, Any]:
    """The schema for programs; `job` is null once that job is deleted."""
    return {
        "stream": row.stream,
        "columns": row.fields,
        "ignored": row.ignored,
        "differences": row.differences,
        "is_accepted": row.is_accepted,
        "first_seen_at": row.first_seen_at.isoformat(),
        "last_seen_at": row.seen_at.isoformat(),
        "job": row.job_id,
    }
