"""Failures of one cause read as one cluster: how many jobs it holds down, since when, of which types. Changes nothing.

Only jobs that are failed now count, and of those only the newest of a window, so the cost does not grow with history.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min

from syncjobs.fingerprints import failure_pattern
from syncjobs.models import SyncJob
from syncjobs.operations.visible import visible_jobs
from syncjobs.querysets import JobQuerySet

MOST_READ = 50_000
"""Failed jobs that are looked at, the newest of the window."""
CAUSES = {
    "transient": "The other system or the way to it",
    "rate_limited": "The other system asked to slow down",
    "data": "The data does not fit the target or the mapping",
    "config": "A setting, a credential or a right",
    "internal": "Syncdeck itself, a controller, or a lost worker",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """Failures with one fingerprint. `types` are (slug, name, jobs), the most struck first; `sample` is the newest."""

    fingerprint: str
    number: int
    first_at: datetime
    last_at: datetime
    failure_class: str
    code: str
    pattern: str
    hint: str
    sample: SyncJob
    types: list[tuple[str, str, int]]

    @property
    def cause(self) -> str:
        return CAUSES.get(self.failure_class, self.failure_class)


def clusters(now: datetime, *, days: int = 7, limit: int = 50) -> list[Cluster]:
    """The clusters of the window, the largest first."""
    rows = _grouped(now, days)
    largest = sorted(rows, key=lambda row: (-row["number"], -row["last_at"].timestamp()))[:limit]
    return _told(largest, now, days)


def cluster(now: datetime, fingerprint: str, *, days: int) -> Cluster | None:
    """One of them; None where no job of the window has this fingerprint."""
    found = _told(_grouped(now, days, failure_fingerprint=fingerprint), now, days)
    return found[0] if found else None


def count_failed(now: datetime, *, days: int = 7) -> int:
    """How many jobs the clusters hold, at most about MOST_READ."""
    return _failed(now, days).count()


def jobs_of(fingerprint: str, now: datetime, *, days: int) -> JobQuerySet:
    """The jobs of a cluster, with what a row of a list shows."""
    return _failed(now, days, failure_fingerprint=fingerprint).for_lists()


def _grouped(now: datetime, days: int, **only: Any) -> list[dict[str, Any]]:
    grouped = _failed(now, days, **only).values("failure_fingerprint")
    rows = grouped.annotate(number=Count("pk"), first_at=Min("ended_at"), last_at=Max("ended_at"), newest=Max("pk"))
    return [dict(row) for row in rows]


def _failed(now: datetime, days: int, **only: Any) -> JobQuerySet:
    return visible_jobs().failed_since(_since(now, days)).filter(**only).order_by()


def _since(now: datetime, days: int) -> datetime:
    """The window's beginning; later where there are more than MOST_READ in it."""
    begin = now - timedelta(days=days)
    newest = visible_jobs().failed_since(begin).order_by("-ended_at").values_list("ended_at", flat=True)
    return newest[MOST_READ : MOST_READ + 1].first() or begin


def _told(rows: list[dict[str, Any]], now: datetime, days: int) -> list[Cluster]:
    """The rows with their newest jobs and their types, by two queries however many there are."""
    samples = visible_jobs().for_lists().in_bulk([row["newest"] for row in rows])
    types = _types_of([row["failure_fingerprint"] for row in rows], now, days)
    return [
        _cluster(row, samples[row["newest"]], types.get(row["failure_fingerprint"], []))
        for row in rows
        if row["newest"] in samples  # it may have been deleted just now
    ]


def _cluster(row: dict[str, Any], sample: SyncJob, types: list[tuple[str, str, int]]) -> Cluster:
    failure: dict[str, Any] = sample.failure or {}
    return Cluster(
        fingerprint=row["failure_fingerprint"],
        number=row["number"],
        first_at=row["first_at"],
        last_at=row["last_at"],
        failure_class=str(failure.get("class", "")),
        code=str(failure.get("code", "")),
        pattern=failure_pattern(str(failure.get("message", ""))),
        hint=str(failure.get("hint", "")),
        sample=sample,
        types=types,
    )


def _types_of(fingerprints: Collection[str], now: datetime, days: int) -> dict[str, list[tuple[str, str, int]]]:
    struck = _failed(now, days, failure_fingerprint__in=fingerprints)
    rows = struck.values_list("failure_fingerprint", "job_type__slug", "job_type__name").annotate(number=Count("pk"))
    found: dict[str, list[tuple[str, str, int]]] = {}
    for fingerprint, slug, name, number in rows.order_by("-number", "job_type__name"):
        found.setdefault(fingerprint, []).append((slug, name, number))
    return found
