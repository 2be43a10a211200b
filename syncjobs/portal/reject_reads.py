"""Rejects as the portal lists them: by reason over all types or of one job, and record by record. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Max, Min
from django.http import QueryDict

from syncjobs.models import Reject, SyncJob
from syncjobs.models.rejects import RejectQuerySet
from syncjobs.operations.rejects import find_rejects
from syncjobs.operations.visible import visible_job_types, visible_rejects
from syncjobs.portal.paging import LARGEST_ID

MOST_GROUPED, MOST_GROUPS, MOST_COUNTED = 100_000, 200, 10_000
ANY = "any"
STATES = (*Reject.State.choices, (ANY, "Any"))


@dataclass(frozen=True, slots=True)
class RejectChoice:
    """Which rejects a page is about, as it stands in its address; unknown words limit nothing."""

    state: str = Reject.State.OPEN.value
    job_type: str = ""
    stream: str = ""
    reason: str = ""
    job: int | None = None

    @classmethod
    def from_query(cls, query: QueryDict) -> RejectChoice:
        job, state = query.get("job", ""), query.get("state", "")
        is_job = job.isascii() and job.isdigit() and len(job) < 20
        stream, job_type, reason = (query.get(name, "").replace("\0", "") for name in ("stream", "type", "reason"))
        return cls(
            state=state if state in dict(STATES) else Reject.State.OPEN.value,
            job_type=job_type[:100],
            stream=stream[:255],
            reason=reason[:32],
            job=min(int(job), LARGEST_ID) if is_job else None,
        )

    @property
    def query(self) -> str:
        """The choice as a query string."""
        named = {"state": self.state, "type": self.job_type, "stream": self.stream, "reason": self.reason}
        return urlencode({name: value for name, value in (named | {"job": self.job}).items() if value})

    def of(self, **parts: Any) -> RejectChoice:
        """The same choice, narrowed or widened."""
        return replace(self, **parts)

    def apply(self) -> RejectQuerySet:
        """The rejects, oldest first. What a dry run found is told with its job only."""
        job = None if self.job is None else SyncJob(pk=self.job)
        found = find_rejects(job=job, state=None if self.state == ANY else self.state)
        if job is None:
            found = found.filter(job__dry_run=False)
        if self.job_type:
            found = found.filter(job_type__slug=self.job_type)
        if self.stream:
            found = found.filter(stream=self.stream)
        return found.filter(fingerprint=self.reason) if self.reason else found


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """Rejects of one type and stream with the same reason; `choice` is the one that holds exactly them."""

    sample: Reject
    number: int
    first_at: datetime
    last_at: datetime
    choice: RejectChoice


def reasons_of(choice: RejectChoice) -> list[ReasonRow]:
    """The chosen rejects by reason, the most frequent first: of the newest 100,000, at most 200 reasons."""
    newest = choice.apply().order_by("-pk").values("pk")[:MOST_GROUPED]
    grouped = visible_rejects().filter(pk__in=newest).order_by().values("job_type", "stream", "fingerprint")
    rows = grouped.annotate(
        number=Count("pk"), first_at=Min("created_at"), last_at=Max("created_at"), newest=Max("pk")
    ).order_by("-number", "-newest")[:MOST_GROUPS]
    found = list(rows)
    samples = visible_rejects().select_related("job_type").defer("record").in_bulk([row["newest"] for row in found])
    return [
        ReasonRow(sample, row["number"], row["first_at"], row["last_at"], _exactly(choice, sample))
        for row in found
        if (sample := samples.get(row["newest"]))  # it may have been deleted just now
    ]


def _exactly(choice: RejectChoice, sample: Reject) -> RejectChoice:
    return choice.of(job_type=sample.job_type.slug, stream=sample.stream, reason=sample.fingerprint)


def count_chosen(choice: RejectChoice) -> int:
    """How many there are, at most MOST_COUNTED + 1."""
    return choice.apply().order_by()[: MOST_COUNTED + 1].count()


def count_open(most: int) -> int:
    """How many rejects wait for somebody, at most so many."""
    return visible_rejects().waiting().order_by()[:most].count()


def type_choices() -> list[tuple[str, str]]:
    return list(visible_job_types().order_by("name").values_list("slug", "name"))
