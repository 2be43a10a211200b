"""Why jobs are not running: notes it on the rows, a group of equal ones by one UPDATE, and words it for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import BooleanField, Case, Count, ExpressionWrapper, Q, Value, When
from django.db.models.functions import Concat

from syncjobs.lifecycle.admission import wait_for_holder
from syncjobs.lifecycle.occupancy import Occupancy, first_holders, kept_by_target, read_occupancy, waiting_jobs
from syncjobs.models import SyncJob
from syncjobs.querysets import JobQuerySet
from syncjobs.statuses import Status

IN_LINE = "waits "  # what stands before "in queue …" on the row, and gives way to the place when shown
NOT_BEFORE = "not before "
SETTLED_AFTER = timedelta(seconds=1)  # a job in the broker is normally claimed much sooner
HARDLY_EARLY = timedelta(seconds=1)  # such as a job that was asked for since `now` was read
MOST_NOTED = 500  # rows of a group in one round: of a hundred thousand that wait, the next ones first
MOST_TIMES = 500


@dataclass(frozen=True, slots=True)
class _Group:
    """Waiting jobs that have every reason in common, and the reason that is noted on them now."""

    queue: str
    job_type_id: int
    is_sent: bool
    is_early: bool
    held_key: str
    is_sibling: bool
    noted: str


def explain_waits(now: datetime, *, outage: str = "") -> int:
    """Note on queued jobs why they wait, and take back what is no longer true; returns how many rows changed.

    `outage` says why nothing can be sent at present, which is then what those in line wait for.
    """
    groups = _groups(now)
    if not groups:
        return 0
    changed = 0
    if any(group.is_early and not group.noted.startswith(NOT_BEFORE) for group in groups):
        changed += _explain_times(now)
    occupancy = read_occupancy(now)
    holders = {one: _holders(groups, is_sibling=one) for one in (False, True)}
    for group in groups:
        reason = _reason(group, occupancy, holders[group.is_sibling], outage)[:300]
        if reason != group.noted and not group.is_early:
            next_ones = _members(group, now).order_by("-priority", "pk").values("pk")[:MOST_NOTED]
            changed += SyncJob.objects.filter(pk__in=next_ones).update(wait_reason=reason)
    return changed


def _holders(groups: list[_Group], *, is_sibling: bool) -> dict[str, int]:
    """{key: the job that keeps those waiting}: siblings wait for no sibling."""
    keys = {group.held_key for group in groups if group.is_sibling is is_sibling} - {""}
    return first_holders(keys, by_siblings=not is_sibling) if keys else {}


def wait_text(job: SyncJob) -> str:
    """Why a job does not run, in words for people; "" if nothing keeps it. Asks the database twice at most."""
    if job.status != Status.QUEUED:
        return job.wait_reason
    reason = job.wait_reason or _reason_of_those_ahead(job)
    return _with_place(job, reason) if reason.startswith(f"{IN_LINE}in queue ") else reason


def _reason_of_those_ahead(job: SyncJob) -> str:
    """Why the first in the line of the queue waits, where that is not noted on this one yet."""
    if job.dispatch_id is not None:
        return ""
    line = waiting_jobs().filter(queue=job.queue, wait_reason__startswith=f"{IN_LINE}in queue ")
    ahead = line.filter(_is_ahead_of(job)).order_by("-priority", "pk")
    return ahead.values_list("wait_reason", flat=True).first() or ""


def _with_place(job: SyncJob, reason: str) -> str:
    in_line = Q(wait_reason=reason) | Q(wait_reason="", dispatch_id__isnull=True)
    line = SyncJob.objects.filter(in_line, status=Status.QUEUED.value, queue=job.queue)
    is_ahead = _is_ahead_of(job) | Q(dispatch_id__isnull=False)
    if job.dispatch_id is not None:
        is_ahead = _is_ahead_of(job) & Q(dispatch_id__isnull=False)
    counted = line.aggregate(place=Count("pk", filter=is_ahead), length=Count("pk"))
    if not counted["place"]:
        return reason  # it has moved on since it was read
    return f"place {counted['place']} of {counted['length']} {reason.removeprefix(IN_LINE)}"


def _is_ahead_of(job: SyncJob) -> Q:
    """It, and whoever comes before it."""
    return Q(priority__gt=job.priority) | Q(priority=job.priority, pk__lte=job.pk)


def clock_text(moment: datetime, now: datetime) -> str:
    """A moment as reasons say it: "12:00:05 UTC", with its date unless it is today's."""
    moment, now = moment.astimezone(UTC), now.astimezone(UTC)
    return f"{moment:%H:%M:%S} UTC" if moment.date() == now.date() else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _explainable(now: datetime) -> JobQuerySet:
    """Those who wait; what could not be given to the broker says so itself."""
    is_in_broker = Q(dispatch_id__isnull=False, sent_at__lt=now - SETTLED_AFTER)
    return SyncJob.objects.filter(Q(dispatch_id__isnull=True) | is_in_broker, status=Status.QUEUED.value).order_by()


def _groups(now: datetime) -> list[_Group]:
    is_sent = ExpressionWrapper(Q(dispatch_id__isnull=False), output_field=BooleanField())
    is_early = Case(When(available_at__gt=now + HARDLY_EARLY, then=Value(True)), default=Value(False))
    is_kept = Q(dispatch_id__isnull=True) & kept_by_target()
    # Of the two keys one is always empty.
    held_key = Case(When(is_kept, then=Concat("concurrency_key", "sibling_key")), default=Value(""))
    is_sibling = ExpressionWrapper(~Q(sibling_key=""), output_field=BooleanField())
    rows = _explainable(now).annotate(is_sent=is_sent, is_early=is_early, held_key=held_key, is_sibling=is_sibling)
    columns = ("queue", "job_type_id", "is_sent", "is_early", "held_key", "is_sibling", "wait_reason")
    return [_Group(*row) for row in rows.values_list(*columns).distinct()]


def _members(group: _Group, now: datetime) -> JobQuerySet:
    rows = _explainable(now).filter(
        queue=group.queue,
        job_type_id=group.job_type_id,
        dispatch_id__isnull=not group.is_sent,
        wait_reason=group.noted,
    )
    if group.is_sent:
        return rows
    rows = rows.filter(Q(available_at__isnull=True) | Q(available_at__lte=now))
    if group.held_key:
        return rows.filter(**{"sibling_key" if group.is_sibling else "concurrency_key": group.held_key})
    return rows.exclude(kept_by_target())


def _reason(group: _Group, occupancy: Occupancy, holders: dict[str, int], outage: str) -> str:
    if not group.is_sent:
        if of_type := occupancy.wait_of_type(group.job_type_id):
            return of_type
        if group.held_key in holders:
            return wait_for_holder(holders[group.held_key])
    slots = occupancy.slots[group.queue]
    if not slots:
        return f"no worker listens on queue '{group.queue}'"
    ahead = 0 if group.is_sent else occupancy.sent[group.queue]
    if occupancy.started[group.queue] + ahead < slots:
        return ""
    if outage:
        return outage
    busy = "slot is" if slots == 1 else "slots are"
    return f"{IN_LINE}in queue '{group.queue}', whose {slots} {busy} busy"


def _explain_times(now: datetime) -> int:
    """Jobs whose time has not come say when it does."""
    early = waiting_jobs().filter(available_at__gt=now + HARDLY_EARLY).exclude(wait_reason__startswith=NOT_BEFORE)
    times = early.order_by("available_at").values_list("pk", "available_at")[:MOST_TIMES]
    by_text: dict[str, list[int]] = {}
    for pk, moment in times:
        if moment is not None:
            by_text.setdefault(f"{NOT_BEFORE}{clock_text(moment, now)}", []).append(pk)
    return sum(waiting_jobs().filter(pk__in=ids).update(wait_reason=text) for text, ids in by_text.items())
