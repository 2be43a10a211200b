"""A look at what a stream would do: its first real records, mapped, and the target's planned columns. Only reads."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from connectors.errors import ConfigError
from connectors.models import Connector
from connectors.records import ReadRequest, StreamSchema
from connectors.registry import connector_class
from connectors.sampling import first_batch, opened_for
from syncjobs.controllers.masking import masked_fields
from syncjobs.mapping import Mapper, compile_mapping
from syncjobs.mapping.columns import Keeps, keeps_none
from syncjobs.mapping.problems import list_words, quote
from syncjobs.models import SyncJobType
from syncjobs.operations.previewed import StreamPreview, shown_preview
from syncjobs.stream_limiting import window_filters
from syncjobs.stream_parsing import parse_streams
from syncjobs.stream_sources import source_problems
from syncjobs.stream_specs import SpecProblems, StreamSpec
from syncjobs.streams.opening import keeps_of

MOST_ROWS = 200
PREVIEW_SECONDS = 20.0
SLOW_HINT = "Test the connection, add a filter or an index on the key at the source; a run waits for longer."


def preview_stream(
    job_type: SyncJobType, stream: str | None = None, rows: int = 20, *, seconds: float = PREVIEW_SECONDS
) -> StreamPreview:
    """Read the first records of a stream (None = the only one) and map them as a run would that began now.

    The type need not be saved. A custom query is run: whoever takes one from a person sees to its permission. Raises
    SpecProblems with paths where the config does not fit itself or the source, ConfigError where there is no source,
    TransientError `preview_timeout`, and whatever the source raises.
    """
    number, spec = _chosen(parse_streams(job_type.config), stream)
    masked = masked_fields(job_type.controller, job_type.config)
    now = timezone.now()
    limits = {"code": "preview_timeout", "hint": SLOW_HINT}
    with opened_for(_source_of(job_type), seconds, "the first records", **limits) as source:
        if spec.custom_query is not None:
            source.define_query(spec.source, spec.custom_query)
        schema = source.schema(spec.source)
        if problems := source_problems(spec, schema, f"streams[{number}]"):
            raise SpecProblems(problems)
        rules, today = spec.rules(schema), timezone.localdate(now)
        mapper = compile_mapping(rules, schema, spec.columns, today, _keeps(job_type, spec))
        request = _request(spec, schema, mapper, now, min(max(rows, 1), MOST_ROWS))
        batch = first_batch(source, request)
    return shown_preview(spec, mapper, batch, masked)


def _chosen(specs: tuple[StreamSpec, ...], stream: str | None) -> tuple[int, StreamSpec]:
    names = [spec.source for spec in specs]
    found = [(number, spec) for number, spec in enumerate(specs) if stream in (None, spec.source)]
    if len(found) != 1:
        what = "say which stream" if stream is None else f"{quote(stream)} is not one of this type's streams"
        raise SpecProblems([f"stream: {what}; choose {list_words(list(dict.fromkeys(names)))}"])
    return found[0]


def _source_of(job_type: SyncJobType) -> Connector:
    if job_type.source_connector is None:
        raise ConfigError("no_connector", "the job type has no source connector", hint="Choose one.")
    return job_type.source_connector


def _keeps(job_type: SyncJobType, spec: StreamSpec) -> Keeps:
    """What the target does with numbers that are not finite; nobody connects to it."""
    target = job_type.target_connector
    if target is None:
        return keeps_none
    return keeps_of(connector_class(target.kind)(target.slug, target.config, {}), spec)


def _request(spec: StreamSpec, schema: StreamSchema, mapper: Mapper, now: datetime, rows: int) -> ReadRequest:
    """What a run would read that began now, but no more than so many records of it."""
    return ReadRequest(
        stream=spec.source,
        columns=mapper.source_columns,
        key=schema.key,
        filters=spec.filters + window_filters(spec, now, timezone.get_default_timezone()),
        batch_size=rows,
    )
