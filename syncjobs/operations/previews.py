"""A look at what a stream would do: its first real records, mapped, and the target's planned columns. Only reads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from django.utils import timezone

from connectors import base
from connectors.errors import ConfigError, Interrupted, TransientError
from connectors.models import Connector
from connectors.records import Batch, ReadRequest, StreamSchema
from connectors.surroundings import Interruption, Surroundings
from syncjobs.controllers.masking import masked_fields
from syncjobs.mapping import Mapper, compile_mapping
from syncjobs.mapping.problems import list_words, quote
from syncjobs.models import SyncJobType
from syncjobs.operations.previewed import StreamPreview, shown_preview
from syncjobs.stream_limiting import window_filters
from syncjobs.stream_parsing import parse_streams
from syncjobs.stream_sources import source_problems
from syncjobs.stream_specs import SpecProblems, StreamSpec

MOST_ROWS = 200
PREVIEW_SECONDS = 20.0


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
    with _bounded_source(job_type, seconds) as source:
        if spec.custom_query is not None:
            source.define_query(spec.source, spec.custom_query)
        if spec.custom_query is not None:
            source.define_query(spec.source, spec.custom_query)
        schema = source.schema(spec.source)
        if problems := source_problems(spec, schema, f"streams[{number}]"):
            raise SpecProblems(problems)
        mapper = compile_mapping(spec.mapping, schema, spec.columns, timezone.localdate(now))
        request = _request(spec, schema, mapper, now, min(max(rows, 1), MOST_ROWS))
        batch = _first_records(source, request)
    return shown_preview(spec, mapper, batch, masked)


def _chosen(specs: tuple[StreamSpec, ...], stream: str | None) -> tuple[int, StreamSpec]:
    names = [spec.source for spec in specs]
    found = [(number, spec) for number, spec in enumerate(specs) if stream in (None, spec.source)]
    if len(found) != 1:
        what = "say which stream" if stream is None else f"{quote(stream)} is not one of this type's streams"
        raise SpecProblems([f"stream: {what}; choose {list_words(list(dict.fromkeys(names)))}"])
    return found[0]


@contextmanager
def _bounded_source(job_type: SyncJobType, seconds: float) -> Iterator[base.Connector]:
    """The type's source connector for so long; then whatever it waits for is ended."""
    if job_type.source_connector is None:
        raise ConfigError("no_connector", "the job type has no source connector", hint="Choose one.")
    row: Connector = job_type.source_connector
    interruption, told = Interruption(), [""]
    timer = threading.Timer(seconds, interruption.request, ["the preview took too long"])
    source = row.open(Surroundings(interruption, lambda _level, message: told.append(f": {message}")))
    timer.start()
    try:
        yield source
    except Interrupted as reason:
        raise TransientError(
            "preview_timeout",
            f"{row.slug}: the first records did not come within {seconds:g} seconds{told[-1]}",
            hint="Test the connection, add a filter or an index on the key at the source; a run waits for longer.",
        ) from reason
    finally:
        timer.cancel()
        source.close()


def _request(spec: StreamSpec, schema: StreamSchema, mapper: Mapper, now: datetime, rows: int) -> ReadRequest:
    """What a run would read that began now, but no more than so many records of it."""
    return ReadRequest(
        stream=spec.source,
        columns=mapper.source_columns,
        key=schema.key,
        filters=spec.filters + window_filters(spec, now, timezone.get_default_timezone()),
        batch_size=rows,
        sets_aside=True,
    )


def _first_records(source: base.Connector, request: ReadRequest) -> Batch:
    """One batch, empty where there is none; those that share a place with its last record are left out."""
    for batch in source.read(request):
        unread = {place: why for place, why in batch.unread.items() if place < request.batch_size}
        return replace(batch, rows=batch.rows[: request.batch_size], unread=unread)
    return Batch(request.columns or (), [], None)
