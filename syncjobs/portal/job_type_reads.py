"""The list of job types: what it may be narrowed to, and each type with its last job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from syncjobs.models import SyncJobType
from syncjobs.operations.visible import visible_connectors, visible_job_types, visible_jobs
from syncjobs.portal import job_reads
from syncjobs.portal.newest_reads import newest_of_types
from syncjobs.portal.paging import read_choice, read_text

TYPES_SHOWN = 500
STATES = {
    "on": ("Enabled", Q(enabled=True, paused_at=None)),
    "off": ("By hand only", Q(enabled=False, paused_at=None)),
    "paused": ("Paused", Q(paused_at__isnull=False)),
}
Types = QuerySet[SyncJobType, SyncJobType]


@dataclass(frozen=True, slots=True)
class TypeFilter:
    """What somebody wants to see; empty texts narrow nothing."""

    search: str = ""
    state: str = ""
    connector: str = ""
    controller: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> TypeFilter:
        """From the query of an address; what is unknown narrows nothing."""
        query = request.GET
        state, connector = read_choice(query, "state", STATES), read_text(query, "connector")
        return cls(read_text(query, "q"), state, connector, read_text(query, "controller"))

    def __bool__(self) -> bool:
        return bool(self.search or self.state or self.connector or self.controller)

    def narrow(self, types: Types) -> Types:
        """The types that have all of what is asked for."""
        if self.search:
            types = types.filter(Q(name__icontains=self.search) | Q(slug__icontains=self.search))
        if self.state:
            types = types.filter(STATES[self.state][1])
        if self.connector:
            slug = self.connector
            types = types.filter(Q(source_connector__slug=slug) | Q(target_connector__slug=slug))
        return types.filter(controller=self.controller) if self.controller else types


def listed_types(chosen: TypeFilter) -> list[dict[str, Any]]:
    """{type, last job} of each, by name."""
    types = visible_job_types().select_related("source_connector", "target_connector").defer("config", "guards")
    found = list(chosen.narrow(types)[:TYPES_SHOWN])
    newest = newest_of_types(visible_jobs().filter(parent=None), [item.pk for item in found])
    last = {job.job_type_id: job for job in job_reads.listed_jobs().filter(pk__in=newest)}
    return [{"type": item, "last": last.get(item.pk)} for item in found]


def filter_choices() -> dict[str, Any]:
    """What can be chosen above the list."""
    used = Q(source_job_types__isnull=False) | Q(target_job_types__isnull=False)
    connectors = visible_connectors().filter(used)
    return {
        "states": [(value, label) for value, (label, _condition) in STATES.items()],
        "connectors": list(connectors.order_by("slug").values_list("slug", flat=True).distinct()),
        "controllers": list(visible_job_types().order_by("controller").values_list("controller", flat=True).distinct()),
    }
