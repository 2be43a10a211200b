"""Which columns of a connector's stream stay hidden where its rows are shown: those that any job type masks there."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q

from connectors.models import Connector
from syncjobs.controllers.masking import masked_fields
from syncjobs.models import SyncJobType
from syncjobs.stream_parsing import parse_streams
from syncjobs.stream_specs import SpecProblems, StreamSpec


def masked_columns_of(connector: Connector, stream: str) -> frozenset[str]:
    """What is masked on one side of a mapping is masked on the other, too.

    Of a configuration that can not be read the masks count for each of its connectors' streams.
    """
    uses_it = Q(source_connector=connector) | Q(target_connector=connector)
    found: set[str] = set()
    for job_type in SyncJobType.objects.filter(uses_it):
        if masked := masked_fields(job_type.controller, job_type.config):
            found.update(_masked_of_type(job_type, connector, stream, masked))
    return frozenset(found)


def _masked_of_type(job_type: SyncJobType, connector: Connector, stream: str, masked: frozenset[str]) -> Iterator[str]:
    try:
        specs = parse_streams(job_type.config)
    except SpecProblems:
        yield from masked
        return
    for spec in specs:
        if (job_type.source_connector_id, spec.source) == (connector.pk, stream):
            yield from masked
            yield from (column for columns, to in _rules(spec) if to in masked for column in columns)
        if (job_type.target_connector_id, spec.target) == (connector.pk, stream):
            yield from masked
            yield from (to for columns, to in _rules(spec) if not masked.isdisjoint(columns))


def _rules(spec: StreamSpec) -> list[tuple[tuple[str, ...], str]]:
    """(source columns, target field) of each rule."""
    return [(rule.source_columns, rule.to) for rule in spec.mapping or ()]
