"""Rules about what happened to a job: its events explain its status, its attempts are all there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, Value, Window
from django.db.models.functions import Concat, Lag, Lead

from syncjobs.models import JobEvent, SyncJob
from syncjobs.operations.state_rules.breaches import CHUNK, Breach, breach
from syncjobs.statuses import MOVES, Status

LEGAL_MOVES = [f"{old.value}>{new.value}" for old, news in MOVES.items() for new in news]
BEGINNINGS = (Status.PENDING.value, Status.QUEUED.value)


def jobs_without_events(_now: datetime) -> Iterator[Breach]:
    """Jobs of which nothing is told."""
    told = JobEvent.objects.filter(job_id=OuterRef("pk"))
    silent = SyncJob.objects.filter(~Exists(told)).order_by("id").values_list("pk", "status")
    for job_id, status in silent.iterator(CHUNK):
        yield breach(job_id, "has_events", "events explain every status", status=status, events="none")


def broken_histories(_now: datetime) -> Iterator[Breach]:
    """Events that do not lead, move by legal move, from nothing to the job's status. One pass over all events."""
    events = JobEvent.objects.annotate(
        before=Window(Lag("new"), partition_by=F("job_id"), order_by="id"),
        later=Window(Lead("id"), partition_by=F("job_id"), order_by="id"),
        move=Concat("old", Value(">"), "new"),
    )
    begins_wrong = Q(before__isnull=True) & ~(Q(old="") & Q(new__in=BEGINNINGS))
    leaves_a_gap = Q(before__isnull=False) & ~Q(old=F("before"))
    is_illegal = Q(before__isnull=False) & ~Q(move__in=LEGAL_MOVES)
    ends_elsewhere = Q(later__isnull=True) & ~Q(new=F("job__status"))
    suspects = events.filter(begins_wrong | leaves_a_gap | is_illegal | ends_elsewhere).order_by("job_id", "id")
    columns = ("job_id", "pk", "old", "new", "before", "later", "job__status")
    for row in suspects.values_list(*columns, named=True).iterator(CHUNK):
        yield from _judge(row.job_id, row.pk, row.old, row.new, row.before, row.later is None, row.job__status)


def _judge(
    job_id: int, event_id: int, old: str, new: str, before: str | None, is_last: bool, status: str
) -> Iterator[Breach]:
    facts = {"event": event_id, "old": old, "new": new}
    if before is None and (old or new not in BEGINNINGS):
        yield breach(job_id, "first_event", "its first event leads from nothing to pending or queued", **facts)
    if before is not None and old != before:
        sentence = "every event begins where the one before it ended"
        yield breach(job_id, "unbroken_events", sentence, **facts, new_before=before)
    if before is not None and f"{old}>{new}" not in LEGAL_MOVES:
        yield breach(job_id, "legal_moves", "every event is a legal move", **facts)
    if is_last and new != status:
        yield breach(job_id, "last_event", "its last event leads to its status", **facts, status=status)


def broken_attempts(_now: datetime) -> Iterator[Breach]:
    """Attempts that are missing or numbered wrong, or that are open though nobody is at work."""
    is_open = Q(attempts__ended_at__isnull=True)
    jobs = SyncJob.objects.order_by("id").values("pk", "status", "attempt")
    jobs = jobs.annotate(
        number=Count("attempts"),
        least=Min("attempts__number"),
        most=Max("attempts__number"),
        open_ones=Count("attempts", filter=is_open),
        open_number=Max("attempts__number", filter=is_open),
    )
    are_missing = ~Q(number=F("attempt")) | Q(number__gt=0) & ~Q(least=1, most=F("attempt"))
    is_started = Q(status=Status.STARTED.value)
    are_open = ~is_started & Q(open_ones__gt=0) | is_started & ~Q(open_ones=1, open_number=F("attempt"))
    for row in jobs.filter(are_missing | are_open).iterator(CHUNK):
        yield from _judge_attempts(**row)


def _judge_attempts(
    pk: int,
    status: str,
    attempt: int,
    number: int,
    least: int | None,
    most: int | None,
    open_ones: int,
    open_number: int | None,
) -> Iterator[Breach]:
    if number != attempt or (number and (least, most) != (1, attempt)):
        sentence = "its attempts are numbered from 1 to the number that the job says"
        yield breach(pk, "attempt_numbers", sentence, attempt=attempt, attempts=number, first=least, last=most)
    is_started = status == Status.STARTED
    if (open_ones, open_number) != ((1, attempt) if is_started else (0, None)):
        sentence = "the last attempt of a started job is open, and no other attempt is"
        yield breach(pk, "open_attempt", sentence, status=status, attempt=attempt, open=open_ones, open_one=open_number)
