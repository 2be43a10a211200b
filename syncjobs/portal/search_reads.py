"""What the search finds: pages, jobs by number or title, types, connectors, records by their keys. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from connectors.models import Connector
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.records import RecordSearch, read_history
from syncjobs.operations.visible import visible_connectors, visible_job_types
from syncjobs.portal.job_reads import JobFilter, listed_jobs
from syncjobs.portal.navigation import Section, may_see
from syncjobs.portal.paging import read_text
from syncjobs.portal.words import plural
from syncjobs.record_keys import UnreadableKey

MOST_OF_A_KIND = 8


@dataclass(frozen=True, slots=True)
class Hit:
    """One place that was looked for: what kind of thing, its name, and what tells it from others."""

    kind: str
    name: str
    address: str
    aside: str = ""


def read_search(request: HttpRequest) -> str:
    """The words that the address asks for."""
    return read_text(request.GET, "q")


def find(request: HttpRequest, text: str, sections: list[Section]) -> list[Hit]:
    """What fits, as far as this person may see it; without a text the pages of its menu."""
    hits = [Hit("Page", entry.label, entry.address) for section in sections for entry in section.entries]
    hits = [hit for hit in hits if text.lower() in hit.name.lower()]
    if not text:
        return hits
    if may_see(request, SyncJobType):
        hits += [
            Hit("Job type", found.name, reverse("admin:job_type_page", args=[found.slug]), found.slug)
            for found in _named(visible_job_types().only("name", "slug"), text)
        ]
    if may_see(request, Connector):
        hits += [
            Hit("Connector", found.name, reverse("admin:connector_page", args=[found.slug]), found.kind)
            for found in _named(visible_connectors().only("name", "slug", "kind"), text)
        ]
    return hits + (_jobs(text) + _records(text) if may_see(request, SyncJob) else [])


def _named(rows: QuerySet[Any], text: str) -> list[Any]:
    fits = Q(name__icontains=text) | Q(slug__icontains=text)
    return list(rows.filter(fits).order_by("name")[:MOST_OF_A_KIND])


def _jobs(text: str) -> list[Hit]:
    jobs = JobFilter(search=text).apply(listed_jobs())[:MOST_OF_A_KIND]
    return [
        Hit("Job", f"#{job.pk} {job.title}", reverse("admin:job_page", args=[job.pk]), job.get_status_display())
        for job in jobs
    ]


def _records(text: str) -> list[Hit]:
    """The history of a record with this key, if a job had to do with one."""
    try:
        seen = read_history(RecordSearch(None, "", text), limit=MOST_OF_A_KIND).sightings
    except UnreadableKey:
        return []
    address = f"{reverse('admin:record_history')}?{urlencode({'key': text})}"
    return (
        [Hit("Record", f"with the key {text}", address, f"seen by {plural(len(seen), 'job')} or more")] if seen else []
    )
