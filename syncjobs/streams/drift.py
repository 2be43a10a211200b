"""Notices that a source's columns are not what they were, before anything is written, and keeps their history."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from connectors.errors import DataError
from connectors.records import StreamSchema
from syncjobs.clock import db_now
from syncjobs.controllers.base import JobHandle
from syncjobs.fingerprints import key_hash
from syncjobs.models import SchemaSnapshot
from syncjobs.schema_drift import (
    CODE,
    MOST_NAMED,
    Columns,
    LastSeen,
    columns_of,
    compare_schemas,
    diff_lines,
    judge_schema,
)
from syncjobs.stream_specs import StreamSpec

MOST_REMEMBERED = 200  # schemas, among which a column is looked for that was used before


@dataclass(frozen=True, slots=True)
class SourceShape:
    """The source's schema less the columns that are left out, and those whose type has ever changed."""

    schema: StreamSchema
    retyped: frozenset[str] = frozenset()


class SchemaHistory:
    """The schemas that a job's type has met in one stream; a dry run adds nothing. Another query is another source."""

    def __init__(self, sync_job: JobHandle, spec: StreamSpec) -> None:
        self._sync_job = sync_job
        self._stream = spec.source
        self._query = {} if spec.query is None else {"query": str(key_hash({"query": spec.query}))}
        self._rows = SchemaSnapshot.objects.filter(job_type=sync_job.job.job_type_id, stream=spec.source)
        self.newest = self._rows.first()

    def last_seen(self, now: Columns) -> LastSeen:
        """What runs go by; at first that is what the source has `now`."""
        known = list(self._rows.filter(is_accepted=True)[:MOST_REMEMBERED])
        if not known or not self._is_of_query(known[0]):
            return LastSeen(now)
        used = {name for row in known for name in row.fields if name not in row.ignored}
        return LastSeen(known[0].fields, known[0].ignored, used)

    def _is_of_query(self, row: SchemaSnapshot) -> bool:
        return bool(row.differences.get("query") == self._query.get("query"))

    def retyped(self) -> frozenset[str]:
        """The columns whose type has changed at any time."""
        found = self._rows.values_list("differences", flat=True)
        return frozenset(name for differences in found for name in differences.get("changed", {}))

    def note(self, now: Columns, ignored: Collection[str], *, is_accepted: bool) -> None:
        """Add a row, unless the newest says the same."""
        if self._sync_job.dry_run:
            return
        moment, last = db_now(), self.newest
        left_out = sorted(ignored)
        same = last is not None and (last.fields, last.ignored, last.is_accepted) == (now, left_out, is_accepted)
        if last is not None and same and self._is_of_query(last):
            self._rows.filter(pk=last.pk).update(seen_at=moment)
            return
        self.newest = SchemaSnapshot.objects.create(
            job_type=self._sync_job.job.job_type,
            stream=self._stream,
            fields=now,
            ignored=left_out,
            differences=(compare_schemas(last.fields, now).as_json() if last is not None else {}) | self._query,
            is_accepted=is_accepted,
            first_seen_at=moment,
            seen_at=moment,
            job=self._sync_job.job,
        )


def check_drift(sync_job: JobHandle, spec: StreamSpec, schema: StreamSchema) -> SourceShape:
    """Compare with the schema last seen, order-free, and keep it; returns the columns that the run may read.

    Raises DataError `schema_drift` where the type's policy says stop. Of a mapped stream only the columns that it uses
    are judged; without a mapping, columns that appear later are left out of every run, with a warning. A replay reads
    what was kept of the source, not the source.
    """
    if "replay" in sync_job.job.config_snapshot:
        return SourceShape(schema)
    history, now = SchemaHistory(sync_job, spec), columns_of(schema)
    seen = history.last_seen(now)
    found = judge_schema(spec.schema_policy, seen, now, _used_columns(spec))
    differences = compare_schemas(seen.columns, now).as_json()
    if differences:
        lines = "; ".join(diff_lines(differences)[:MOST_NAMED])
        level = "WARNING" if found.refusals else "INFO"
        sync_job.log(level, f"The schema of {spec.source} differs from the one last seen: {lines}", schema=differences)
    history.note(now, found.ignored, is_accepted=not found.refusals)
    if found.refusals:
        raise DataError(
            CODE,
            f"{spec.source}: {'; '.join(found.refusals)}",
            hint=(
                "Mend the source or the mapping, accept the source as it is now (manage.py type accept-schema "
                f"{sync_job.job.job_type.slug}), or let the stream's schema_policy ignore it; then run again."
            ),
        )
    for warning in found.warnings:
        sync_job.log("WARNING", f"{spec.source}: {warning}")
    fields = tuple(field for field in schema.fields if field.name not in found.ignored)
    retyped: frozenset[str] = frozenset()
    if spec.schema_policy.changed == "evolve":
        retyped = history.retyped().union(differences.get("changed", {}))
    return SourceShape(replace(schema, fields=fields), retyped)


def _used_columns(spec: StreamSpec) -> set[str] | None:
    """What the run reads or asks by; None for everything."""
    if spec.mapping is not None:
        used = {name for rule in spec.mapping for name in rule.source_columns}
    elif spec.columns is not None:
        used = set(spec.columns)
    else:
        return None
    asked_by = (spec.cursor, spec.window, spec.explicit_range, *spec.filters)
    return used | {one.field for one in asked_by if one is not None}
