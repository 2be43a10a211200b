"""Rules about the columns of a single job. All of them together are one pass over the jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db.models import BooleanField, Case, Q, Value, When

from syncjobs.models import SyncJob
from syncjobs.operations.state_rules.breaches import CHUNK, Breach, breach
from syncjobs.statuses import FINAL, Status

REAPER_NEEDS = timedelta(seconds=15)  # to notice a lease that ran out, and to take the job back


@dataclass(frozen=True, slots=True)
class RowRule:
    """`is_broken` says which jobs break it, as of a time; `facts` are the columns to show."""

    name: str
    sentence: str
    is_broken: Callable[[datetime], Q]
    facts: tuple[str, ...]


def _has_no_living_lease(now: datetime) -> Q:
    ran_out = Q(lease_owner="") | Q(lease_until__isnull=True) | Q(lease_until__lt=now - REAPER_NEEDS)
    return Q(status=Status.STARTED.value) & ran_out


def _has_somebodys_lease(_now: datetime) -> Q:
    return ~Q(status=Status.STARTED.value) & (~Q(lease_owner="") | Q(lease_until__isnull=False))


ROW_RULES = (
    RowRule(
        "living_lease",
        "a started job has an owner, and a lease that has not run out",
        _has_no_living_lease,
        ("status", "lease_owner", "lease_until"),
    ),
    RowRule(
        "no_lease",
        "a job that is not started has neither an owner nor a lease",
        _has_somebodys_lease,
        ("status", "lease_owner", "lease_until"),
    ),
    RowRule(
        "ended_at",
        "a job that has ended says when",
        lambda _now: Q(status__in=FINAL, ended_at__isnull=True),
        ("status", "ended_at"),
    ),
    RowRule(
        "retry_after",
        "only a failed job has a retry due",
        lambda _now: ~Q(status=Status.FAILED.value) & Q(retry_after__isnull=False),
        ("status", "retry_after"),
    ),
    RowRule(
        "available_at",
        "a queued job says from when on it may start",
        lambda _now: Q(status=Status.QUEUED.value, available_at__isnull=True),
        ("status", "available_at"),
    ),
    RowRule(
        "asked_to_stop",
        "a job that was asked to stop does not go on",
        lambda _now: (
            (Q(status=Status.QUEUED.value) | Q(retry_after__isnull=False)) & Q(cancel_requested_at__isnull=False)
        ),
        ("status", "cancel_requested_at", "retry_after"),
    ),
)


def broken_rows(now: datetime) -> Iterator[Breach]:
    """Jobs whose own columns speak against each other."""
    questions = {rule.name: rule.is_broken(now) for rule in ROW_RULES}
    answers = {f"breaks_{name}": _answer(question) for name, question in questions.items()}
    columns = {column for rule in ROW_RULES for column in rule.facts}
    suspects = SyncJob.objects.filter(reduce(or_, questions.values())).annotate(**answers).order_by("id")
    for row in suspects.values("pk", *columns, *answers).iterator(CHUNK):
        for rule in ROW_RULES:
            if row[f"breaks_{rule.name}"]:
                yield breach(row["pk"], rule.name, rule.sentence, **{column: row[column] for column in rule.facts})


def _answer(question: Q) -> Case:
    return Case(When(question, then=Value(True)), default=Value(False), output_field=BooleanField())
