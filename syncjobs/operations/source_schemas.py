"""The schemas that a type's sources had, for doors to show. Runs write them; a person may accept the newest."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db import transaction
from django.db.models import Max

from syncjobs.models import SchemaSnapshot, SyncJobType
from syncjobs.operations.auditing import record
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


def accept_schemas(job_type: SyncJobType, *, actor: str, stream: str | None = None) -> list[SchemaSnapshot]:
    """Let runs go by the newest schema of each stream (or one) that stopped them; returns those schemas.

    Raises SchemaSnapshot.DoesNotExist where no run is stopped by any.
    """
    rows = SchemaSnapshot.objects.filter(job_type=job_type, **({} if stream is None else {"stream": stream}))
    newest = rows.order_by().values("stream").annotate(newest=Max("pk")).values("newest")
    stopping = list(SchemaSnapshot.objects.filter(pk__in=newest, is_accepted=False).order_by("stream"))
    if not stopping:
        whose = job_type.slug if stream is None else f"stream '{stream[:200]}' of {job_type.slug}"
        raise SchemaSnapshot.DoesNotExist(
            f"there is nothing to accept: the newest schema of {whose} has stopped no run (dry runs note none)"
        )
    with transaction.atomic():
        for row in stopping:
            row.is_accepted, row.accepted_by = True, actor[:150]
            row.save(update_fields=["is_accepted", "accepted_by"])
        accepted = {row.stream: schema_lines(row) for row in stopping}
        record("schema.accept", job_type, after=accepted, actor=actor)
    return stopping


def schema_lines(row: SchemaSnapshot) -> list[str]:
    """What differed from the schema before, a line for each column; of the first one how many columns there were."""
    lines = diff_lines(row.differences) or [f"{len(row.fields):,} columns"]
    if row.ignored:
        lines.append(f"left out: {', '.join(row.ignored)}")
    return lines


def verdict(row: SchemaSnapshot) -> str:
    """Whether runs go by it."""
    if row.accepted_by:
        return f"accepted by {row.accepted_by}"
    return "accepted" if row.is_accepted else "stopped the run"


def describe_schema(row: SchemaSnapshot) -> dict[str, Any]:
    """The schema for programs; `job` is null once that job is deleted."""
    return {
        "stream": row.stream,
        "columns": row.fields,
        "ignored": row.ignored,
        "differences": row.differences,
        "is_accepted": row.is_accepted,
        "accepted_by": row.accepted_by or None,
        "first_seen_at": row.first_seen_at.isoformat(),
        "last_seen_at": row.seen_at.isoformat(),
        "job": row.job_id,
    }
