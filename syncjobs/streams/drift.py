"""Notices that a source's columns are not what they were, before anything is written."""

from __future__ import annotations

from typing import Any

from connectors.errors import DataError
from connectors.records import StreamSchema
from syncjobs.clock import db_now
from syncjobs.controllers.base import JobHandle
from syncjobs.models import SchemaSnapshot
from syncjobs.stream_specs import StreamSpec


def check_drift(sync_job: JobHandle, spec: StreamSpec, schema: StreamSchema) -> None:
    """Compare with the schema last seen, order-free; DataError `schema_drift` where the type's policy says stop.

    Of a mapped stream only the columns that it uses are judged. A new column is told as a warning.
    """
    now_fields = {field.name: field.type for field in schema.fields}
    seen = SchemaSnapshot.objects.filter(job_type=sync_job.job.job_type, stream=spec.source).first()
    if seen is not None and seen.fields != now_fields:
        _judge(sync_job, spec, dict(seen.fields), dict(now_fields))
    if not sync_job.dry_run and (seen is None or seen.fields != now_fields):
        SchemaSnapshot.objects.update_or_create(
            job_type=sync_job.job.job_type,
            stream=spec.source,
            defaults={"fields": now_fields, "seen_at": db_now()},
        )


def _judge(sync_job: JobHandle, spec: StreamSpec, had: dict[str, Any], now: dict[str, Any]) -> None:
    used = _used_columns(spec)
    dropped = [name for name in had if name not in now and (used is None or name in used)]
    changed = [name for name in had if name in now and now[name] != had[name] and (used is None or name in used)]
    added = [name for name in now if name not in had]
    policy = spec.schema_policy
    if dropped and policy.dropped == "stop":
        raise _drift(f"{_columns(dropped)} missing in source (had: {', '.join(had)}; now: {', '.join(now)})")
    if changed and policy.changed == "stop":
        moves = ", ".join(f"'{name}' from {had[name]} to {now[name]}" for name in changed)
        raise _drift(f"the type of a column changed in the source: {moves}")
    if added and policy.added == "stop":
        raise _drift(f"{_columns(added)} new in source")
    if added:
        sync_job.log("WARNING", f"The source has new columns, which are ignored: {', '.join(added)}")


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
