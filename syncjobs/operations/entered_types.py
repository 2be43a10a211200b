"""A type as somebody entered it, not saved yet: what its source has, and what its mapping makes of real records."""

from __future__ import annotations

import copy
from typing import Any

from django.contrib.auth.models import User

from connectors.errors import ConfigError
from connectors.query_texts import CustomQuery, query_problems
from connectors.records import Field
from connectors.sampling import LOOK_SECONDS, opened_for, telling_bugs
from syncjobs.controllers.masking import masked_fields
from syncjobs.models import SyncJobType
from syncjobs.operations.job_types import job_type_from_shape
from syncjobs.operations.previewed import StreamPreview
from syncjobs.operations.previews import preview_stream
from syncjobs.operations.query_rights import check_query_right
from syncjobs.stream_specs import SpecProblems

PREVIEWED_ROWS = 20


def entered_over(job_type: SyncJobType, shape: dict[str, Any]) -> SyncJobType:
    """The type with what the shape has otherwise, not saved. Raises ValidationError as `job_type_from_shape`."""
    given = job_type_from_shape(shape)
    entered = copy.copy(job_type)
    for name in shape:
        setattr(entered, name, getattr(given, name))
    return entered


def preview_entered(
    job_type: SyncJobType, number: int, *, user: User | None, rows: int = PREVIEWED_ROWS
) -> StreamPreview:
    """The first records of the stream at that place, as `preview_stream` shows them.

    The other streams need not be right yet; what the saved type masks stays masked. Raises ValidationError where the
    person may not write its query, and what `preview_stream` raises.
    """
    check_query_right(job_type, user)
    alone = copy.copy(job_type)
    alone.config = {**job_type.config, "streams": [_stream(job_type, number)], **_kept_masks(job_type)}
    try:
        with telling_bugs(_source(job_type)):
            return preview_stream(alone, rows=rows)
    except SpecProblems as error:
        here = [problem.replace("streams[0]", f"streams[{number}]", 1) for problem in error.problems]
        raise SpecProblems(here) from error


def read_source_fields(
    job_type: SyncJobType, number: int, *, user: User | None, seconds: float = LOOK_SECONDS
) -> tuple[Field, ...]:
    """The fields that the source of the stream at that place has now, or its query gives.

    Raises ValidationError where the person may not write its query, SpecProblems and whatever the source raises.
    """
    check_query_right(job_type, user)
    stream, row = _stream(job_type, number), _source(job_type)
    name, query = stream.get("source"), stream.get("query")
    if not isinstance(name, str) or not name.strip():
        raise SpecProblems([f"streams[{number}].source: name what is to be read"])
    if isinstance(query, str) and (problems := query_problems(query)):
        raise SpecProblems([f"streams[{number}].query: {problem}" for problem in problems])
    with telling_bugs(row), opened_for(row, seconds, f"the fields of {name[:100]}") as source:
        if isinstance(query, str):
            source.define_query(name, CustomQuery(query))
        return source.schema(name).fields


def _kept_masks(job_type: SyncJobType) -> dict[str, list[str]]:
    """Only who saves a type without a mask takes it off, so that there is a version that tells of it."""
    stored = SyncJobType.objects.filter(pk=job_type.pk).first() if job_type.pk else None
    masked = masked_fields(stored.controller, stored.config) if stored else frozenset()
    entered = job_type.config.get("masked_fields", [])
    return {"masked_fields": sorted({*entered, *masked})} if masked and isinstance(entered, list) else {}


def _stream(job_type: SyncJobType, number: int) -> dict[str, Any]:
    streams = job_type.config.get("streams") if isinstance(job_type.config, dict) else None
    if not isinstance(streams, list) or number >= len(streams) or not isinstance(streams[number], dict):
        raise SpecProblems([f"streams[{number}]: there is no such stream"])
    return dict(streams[number])


def _source(job_type: SyncJobType) -> Any:
    if job_type.source_connector is None:
        raise ConfigError("no_connector", "the job type has no source connector", hint="Choose one.")
    return job_type.source_connector
