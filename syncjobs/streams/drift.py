"""Notices that a source's columns are not what they were, before anything is written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from connectors.errors import DataError
from connectors.records import FieldType, StreamSchema
from syncjobs.clock import db_now
from syncjobs.controllers.base import JobHandle
from syncjobs.models import SchemaSnapshot
from syncjobs.stream_specs import StreamSpec


def check_drift(sync_job: JobHandle, spec: StreamSpec, schema: StreamSchema) -> StreamSchema:
    """Compare with the schema last seen, order-free; returns the schema without the new columns that are ignored.

    Raises DataError `schema_drift` where the type's policy says stop. Of a mapped stream only the columns that it uses
    are judged; without a mapping, columns that appear later are left out of every run, with a warning.
    """
    now = {field.name: field.type for field in schema.fields}
    seen = SchemaSnapshot.objects.filter(job_type=sync_job.job.job_type, stream=spec.source).first()
    had = dict(seen.fields) if seen is not None else dict(now)
    added = [name for name in now if name not in had]
    used = _used_columns(spec)
    _judge(spec, had, now, [name for name in had if used is None or name in used], added)
    if added:
        sync_job.log("WARNING", f"The source has new columns, which are ignored: {', '.join(added)}")
    ignored = set(added) if used is None else set()
    kept = {name: field_type for name, field_type in now.items() if name not in ignored}
    if not sync_job.dry_run and (seen is None or kept != had):
        now_seen = db_now()
        SchemaSnapshot.objects.create(
            job_type=sync_job.job.job_type, stream=spec.source, fields=kept, seen_at=now_seen, first_seen_at=now_seen
        )
    return replace(schema, fields=tuple(field for field in schema.fields if field.name not in ignored))


def _judge(
    spec: StreamSpec, had: dict[str, Any], now: dict[str, FieldType], judged: list[str], added: list[str]
) -> None:
    dropped = [name for name in judged if name not in now]
    changed = [name for name in judged if name in now and now[name] != had[name]]
    policy = spec.schema_policy
    if dropped and policy.dropped == "stop":
        raise _drift(f"{_columns(dropped)} missing in source (had: {', '.join(had)}; now: {', '.join(now)})")
    if changed and policy.changed == "stop":
        moves = ", ".join(f"'{name}' from {had[name]} to {now[name]}" for name in changed)
        raise _drift(f"the type of a column changed in the source: {moves}")
    if added and policy.added == "stop":
        raise _drift(f"{_columns(added)} new in source")


def _used_columns(spec: StreamSpec) -> set[str] | None:
    if spec.mapping is not None:
        return {name for rule in spec.mapping for name in rule.source_columns}
    return None if spec.columns is None else set(spec.columns)


def _columns(names: list[str]) -> str:
    return f"column{'s' if len(names) > 1 else ''} " + ", ".join(f"'{name}'" for name in names)


def _drift(message: str) -> DataError:
    return DataError(
        "schema_drift",
        message,
        hint="Mend the mapping or the source, or set the stream's schema_policy to ignore it; then retry.",
    )
