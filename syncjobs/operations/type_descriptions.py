"""How what belongs to a type reads from outside, as dictionaries of JSON values: cursors, previews, versions."""

from __future__ import annotations

from typing import Any

from syncjobs.models import JobTypeVersion, StreamCursor
from syncjobs.operations.descriptions import moment_text
from syncjobs.operations.job_type_differences import Difference
from syncjobs.operations.previewed import PreviewedRecord, StreamPreview


def describe_ledger(stream: str, entries: list[StreamCursor]) -> dict[str, Any]:
    """The newest entries of a stream; `at` is where it stands, null before everything."""
    return {
        "stream": stream,
        "at": entries[0].new if entries else None,
        "entries": [describe_entry(entry) for entry in entries],
    }


def describe_entry(entry: StreamCursor) -> dict[str, Any]:
    """One entry of the ledger. What a person has set has an actor instead of a job."""
    return {
        "id": entry.pk,
        "stream": entry.stream,
        "field": entry.field or None,
        "old": entry.old,
        "new": entry.new,
        "rows": entry.rows,
        "job": entry.job_id,
        "actor": entry.actor or None,
        "reason": entry.reason or None,
        "created_at": moment_text(entry.created_at),
    }


def describe_preview(preview: StreamPreview) -> dict[str, Any]:
    return {
        "source": preview.source,
        "target": preview.target,
        "key": list(preview.key),
        "fields": [
            {"name": one.name, "type": one.type, "nullable": one.nullable, "from": list(preview.made_of[one.name])}
            for one in preview.fields
        ],
        "records": [_previewed(record) for record in preview.records],
        "nulled": preview.nulled,
    }


def _previewed(record: PreviewedRecord) -> dict[str, Any]:
    reject = record.reject
    why = reject and {"field": reject.field or None, "code": reject.code, "message": reject.message}
    return {"before": record.before, "after": record.after, "reject": why}


def describe_version(version: JobTypeVersion) -> dict[str, Any]:
    """Without its content."""
    return {
        "number": version.number,
        "created_at": moment_text(version.created_at),
        "created_by": version.created_by or None,
    }


def describe_difference(difference: Difference) -> dict[str, Any]:
    """`was_there` and `is_there` tell a field that is missing from one that is null."""
    return {
        "path": list(difference.place),
        "old": difference.old,
        "new": difference.new,
        "was_there": difference.was_there,
        "is_there": difference.is_there,
    }
