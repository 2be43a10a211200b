"""Jobs as lines of plain text for a terminal. Reads what it is given and writes nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.utils import timezone

from syncjobs.counts import Counts
from syncjobs.models import JobEvent, SyncJob
from syncjobs.operations.descriptions import children_summary, next_step, status_text

COLUMNS = ("ID", "STATUS", "TYPE", "CREATED", "READ", "TITLE")


def list_lines(jobs: Iterable[SyncJob], now: datetime) -> list[str]:
    """A table with a heading, or one sentence where there is no job."""
    rows = [
        (
            str(job.pk),
            status_text(job, now),
            job.job_type.slug,
            _moment(job.created_at),
            f"{job.tally.read:,}",
            job.title,
        )
        for job in jobs
    ]
    return table_lines(COLUMNS, rows) if rows else ["There is no such job."]


def table_lines(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest value."""
    widths = [max(len(row[number]) for row in (heading, *rows)) for number in range(len(heading))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in (heading, *rows)
    ]


def job_lines(job: SyncJob, events: Iterable[JobEvent], now: datetime) -> list[str]:
    """Everything an operator asks first: where it stands, what it did, what is wrong, what comes next."""
    lines = [f"#{job.pk} {job.title}", f"Status:   {status_text(job, now)}{_reason(job)}"]
    lines += [
        f"Type:     {job.job_type.slug}",
        f"Attempt:  {job.attempt} ({job.retry_count} of {job.max_retries} retries)",
    ]
    lines += [f"Counts:   {counts_text(total_counts(job))}"]
    for label, moment in (("Created:", job.created_at), ("Started:", job.started_at), ("Ended:", job.ended_at)):
        lines += [f"{label:<9} {_moment(moment)}"] if moment else []
    lines += failure_lines(job)
    lines += [f"Next:     {step}"] if (step := next_step(job)) else []
    return [*lines, "", *(f"{_moment(event.created_at)}  {event.new:<10} {event.reason}" for event in events)]


def failure_lines(job: SyncJob) -> list[str]:
    """What went wrong and what to do; empty for a job that did not fail."""
    if not job.failure:
        return []
    failure = job.failure
    lines = [f"Failure:  {failure['message']} ({failure['class']}, {failure['code']})"]
    return [*lines, f"Hint:     {failure['hint']}"] if failure.get("hint") else lines


def end_line(job: SyncJob, now: datetime) -> str:
    """How a run ended, in one line."""
    took = f" in {job.time_taken:.1f} s" if job.time_taken is not None else ""
    return f"#{job.pk} {status_text(job, now)}{took}: {counts_text(total_counts(job))}"


def total_counts(job: SyncJob) -> Counts:
    """The job's own counts; for a relay the sum of its children's."""
    summary = children_summary(job)
    return job.tally if summary is None else Counts.from_dict(summary["counts"])


def counts_text(counts: Counts) -> str:
    """`28,210 read, 28,210 inserted`: what is 0 is left out."""
    return ", ".join(f"{number:,} {name}" for name, number in counts.as_dict().items() if number) or "nothing read"


def _reason(job: SyncJob) -> str:
    return f" ({job.wait_reason or job.phase})" if job.wait_reason or job.phase else ""


def _moment(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S}"
