"""What the connectors' pages read: the list with its filters, who uses a connector and its streams, its jobs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, QueryDict

from connectors.models import Connector
from connectors.registry import known_kinds
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.visible import newest_job_id, visible_job_types
from syncjobs.portal.job_reads import TITLES_SEARCHED, Jobs, listed_jobs
from syncjobs.portal.paging import read_choice, read_text

NAMES_SHOWN = 2
HEALTH = {
    "works": ("works", Q(enabled=True, last_test_ok=True)),
    "fails": ("fails", Q(enabled=True, last_test_ok=False)),
    "untested": ("not tested", Q(enabled=True, last_test_ok=None)),
    "off": ("switched off", Q(enabled=False)),
}
Connectors = QuerySet[Connector, Connector]


@dataclass(frozen=True, slots=True)
class ConnectorFilter:
    """What the list is limited to, as it stands in the address; unknown words limit nothing."""

    kind: str = ""
    health: str = ""
    search: str = ""

    @classmethod
    def from_query(cls, query: QueryDict) -> ConnectorFilter:
        health = read_choice(query, "health", HEALTH)
        return cls(kind=read_text(query, "kind"), health=health, search=read_text(query, "q"))

    def __bool__(self) -> bool:
        return any((self.kind, self.health, self.search))

    def apply(self, connectors: Connectors) -> Connectors:
        if self.kind:
            connectors = connectors.filter(kind=self.kind)
        if self.health:
            connectors = connectors.filter(HEALTH[self.health][1])
        if self.search:
            connectors = connectors.filter(Q(slug__icontains=self.search) | Q(name__icontains=self.search))
        return connectors


@dataclass(frozen=True, slots=True)
class ConnectorRow:
    """A connector in the list, its kind in words, and the types that use it: all of them, and the first by name."""

    connector: Connector
    kind: str
    types: int
    names: list[str]


def with_users(connectors: Connectors) -> Connectors:
    """With the names of the types that use them, in two more queries whatever their number."""
    names = visible_job_types().only("name", "slug", "source_connector_id", "target_connector_id")
    return connectors.prefetch_related(Prefetch("source_job_types", names), Prefetch("target_job_types", names))


def connector_row(connector: Connector) -> ConnectorRow:
    """Of a connector that was read with its users."""
    types = {*connector.source_job_types.all(), *connector.target_job_types.all()}
    names = sorted(str(job_type) for job_type in types)
    return ConnectorRow(connector, kind_labels().get(connector.kind, connector.kind), len(names), names[:NAMES_SHOWN])


def kind_labels() -> dict[str, str]:
    return {kind.name: kind.label for kind in known_kinds()}


def using_types(connector: Connector) -> QuerySet[SyncJobType, SyncJobType]:
    """The types that read from it or write to it."""
    using = visible_job_types().filter(Q(source_connector=connector) | Q(target_connector=connector))
    return using.select_related("source_connector", "target_connector")


def may_see_jobs(request: HttpRequest) -> bool:
    return any(request.user.has_perm(f"syncjobs.{verb}_syncjob") for verb in ("view", "change"))


def latest_jobs(types: list[int], number: int) -> list[SyncJob]:
    """The newest jobs of these types, looked for among the newest of all, so that it stays quick."""
    newest = newest_job_id()
    jobs: Jobs = listed_jobs().filter(job_type__in=types, parent=None, pk__gt=newest - TITLES_SEARCHED)
    return list(jobs[:number])


@dataclass(frozen=True, slots=True)
class StreamUse:
    """A type that reads a stream or writes to it."""

    job_type: SyncJobType
    reads: bool


def stream_uses(connector: Connector) -> dict[str, list[StreamUse]]:
    """{stream: the types that use it}, as their configurations say."""
    found: dict[str, list[StreamUse]] = defaultdict(list)
    for job_type in using_types(connector):
        for side, stream in _sides(job_type, connector):
            if isinstance(stream, str):
                found[stream].append(StreamUse(job_type, reads=side == "source"))
    return dict(found)


def _sides(job_type: SyncJobType, connector: Connector) -> Iterator[tuple[str, Any]]:
    for spec in job_type.config.get("streams") or []:
        for side in ("source", "target"):
            if getattr(job_type, f"{side}_connector_id") == connector.pk and isinstance(spec, dict):
                yield side, spec.get(side)
