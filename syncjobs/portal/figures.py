"""The dashboard's numbers, each from a bounded read: the last day by its index, the newest job of each type."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, Count, Max, Q, QuerySet, Sum, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce, TruncHour
from django.utils import timezone

from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.visible import visible_job_types, visible_jobs
from syncjobs.portal.job_reads import listed_jobs, why
from syncjobs.portal.newest_reads import newest_of_types
from syncjobs.portal.words import NOTHING, number_text, plural, short_number
from syncjobs.statuses import DONE, FINAL, Status

DAY = timedelta(hours=24)
HOURS = 24
BAD = (Status.FAILED.value, Status.ERROR.value)
RUNNING_SHOWN, HELD_SHOWN = 15, 5


@dataclass(frozen=True, slots=True)
class Kpi:
    """A card: its word, the number, a sentence beneath with its colour (up, down or sub), and a line of 24 hours."""

    word: str
    number: str
    sentence: str
    kind: str = "sub"
    hours: tuple[int, ...] = ()
    address: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """24 hours of jobs by status, and by hour (the first begins at `since`) jobs, records read, failures, durations."""

    since: datetime

    by_status: Counter[str]
    records: int
    jobs_by_hour: tuple[int, ...]
    records_by_hour: tuple[int, ...]
    failures_by_hour: tuple[int, ...]
    mean_seconds_by_hour: tuple[float | None, ...]
    most_seconds_by_hour: tuple[float | None, ...]

    @property
    def jobs(self) -> int:
        return self.by_status.total()


def day_figures(now: datetime) -> Day:
    """The last 24 hours. Dry runs count as jobs, but neither they nor relays (whose children do) as records."""
    since = timezone.localtime(now).replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    read = Sum(Cast(KT("counts__read"), BigIntegerField()))
    rows = (
        visible_jobs()
        .created_since(since)
        .order_by()
        # Grouped by the bare column, SQLite walks the whole index of statuses instead of the last day.
        .annotate(hour=TruncHour("created_at"), word=Coalesce("status", Value("")))
        .values_list("hour", "word", "dry_run")
        .annotate(
            jobs=Count("id"), read=read, timed=Count("time_taken"), took=Sum("time_taken"), most=Max("time_taken")
        )
    )
    by_status: Counter[str] = Counter()
    jobs, records, failures, timed = [0] * HOURS, [0] * HOURS, [0] * HOURS, [0] * HOURS
    took, most = [0.0] * HOURS, [0.0] * HOURS
    for hour, status, dry_run, number, amount, number_timed, seconds, longest in rows:
        place = min(HOURS - 1, max(0, int((hour - since) / timedelta(hours=1))))
        by_status[status] += number
        jobs[place] += number
        failures[place] += number if status in BAD else 0
        records[place] += 0 if dry_run or status == Status.RELAYED else amount or 0
        timed[place] += number_timed
        took[place] += seconds or 0
        most[place] = max(most[place], longest or 0)
    means = tuple(seconds / number if number else None for seconds, number in zip(took, timed, strict=True))
    longest_ones = tuple(seconds if number else None for seconds, number in zip(most, timed, strict=True))
    return Day(since, by_status, sum(records), tuple(jobs), tuple(records), tuple(failures), means, longest_ones)


def cards(day: Day, now: datetime, job_list: str) -> list[Kpi]:
    """The cards of a day that ends now, as links into `job_list` where there is more to see."""
    before = visible_jobs().created_since(now - 2 * DAY).filter(created_at__lt=now - DAY).count()
    running, queued, retries = _active_jobs()
    failing = failing_types()
    failed = sum(day.by_status[status] for status in BAD)
    ended_well = sum(day.by_status[status.value] for status in DONE)
    rate = f"{100 * ended_well / (ended_well + failed):.3g} %" if ended_well + failed else NOTHING
    names = ", ".join(item.name for item in failing[:2]) + (" …" if len(failing) > 2 else "")
    failing_now = (f"failing now: {names}", "down") if failing else ("every last job went well", "up")
    return [
        Kpi("Jobs, 24 h", number_text(day.jobs), *_trend(day.jobs, before), day.jobs_by_hour, job_list),
        Kpi("Success rate", rate, f"{ended_well:,} ended well", "sub", day.failures_by_hour),
        Kpi("Records, 24 h", short_number(day.records), "read and compared", "sub", day.records_by_hour),
        Kpi("Running", number_text(running), "at work now", address=f"{job_list}?status=started"),
        Kpi("Active", number_text(running + queued + retries), _waiting_sentence(queued, retries), address=job_list),
        Kpi("Failed, 24 h", number_text(failed), *failing_now, address=f"{job_list}?status=failed"),
    ]


def _active_jobs() -> tuple[int, int, int]:
    """How many run, wait for their turn, and wait for a retry."""
    found = (
        visible_jobs()
        .active()
        .aggregate(
            running=Count("pk", filter=Q(status=Status.STARTED.value)),
            queued=Count("pk", filter=Q(status=Status.QUEUED.value)),
            retries=Count("pk", filter=Q(retry_after__isnull=False)),
        )
    )
    return found["running"], found["queued"], found["retries"]


def _trend(jobs: int, before: int) -> tuple[str, str]:
    if not before:
        return "none the day before", "sub"
    percent = round(100 * (jobs - before) / before)
    return (f"{percent:+d} % on the day before" if percent else "as many as the day before"), "sub"


def _waiting_sentence(queued: int, retries: int) -> str:
    if retries:
        return f"{plural(queued, 'waits', 'wait')}, {plural(retries, 'retry', 'retries')} due"
    if not queued:
        return "nothing waits"
    reasons = visible_jobs().filter(status=Status.QUEUED.value).exclude(wait_reason="")
    reason = reasons.order_by("id").values_list("wait_reason", flat=True).first() if queued == 1 else None
    return f"1 waits: {reason}" if reason else f"{plural(queued, 'waits', 'wait')} for a turn"


def failing_types() -> list[SyncJobType]:
    """Types whose newest ended job (dry runs apart) failed."""
    ended = visible_jobs().filter(status__in=[status.value for status in FINAL], dry_run=False, parent=None)
    newest = newest_of_types(ended, list(visible_job_types().order_by("pk").values_list("pk", flat=True)))
    failed = visible_jobs().filter(pk__in=newest, status__in=BAD)
    return list(visible_job_types().filter(pk__in=failed.values("job_type")).only("name"))


def running_jobs() -> QuerySet[SyncJob, SyncJob]:
    """What is at work or about to be, the working ones first."""
    at_work = Q(status=Status.STARTED.value) | Q(status=Status.QUEUED.value)
    jobs = visible_jobs().for_lists().filter(at_work)
    return jobs.order_by("-status", "-id")[:RUNNING_SHOWN]  # "started" sorts after "queued"


def held_jobs() -> list[dict[str, Any]]:
    """Jobs that wait for a person, with what there is to decide."""
    held = listed_jobs().filter(status=Status.HELD.value)[:HELD_SHOWN]
    return [{"job": job, "reason": f"{why(job).rstrip('.')}."} for job in held]
