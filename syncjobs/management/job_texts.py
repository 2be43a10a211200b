"""Jobs as lines of plain text for a terminal. Reads what it is given and writes nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from syncjobs.counts import Counts
from syncjobs.diffs import shorten_for_show
from syncjobs.lifecycle import wait_text
from syncjobs.lifecycle.kept_changes import is_given_changes
from syncjobs.models import JobEvent, SyncJob
from syncjobs.operations.descriptions import children_summary, next_step, status_text
from syncjobs.operations.plan_descriptions import conflicts_of, plan_text, related_jobs

COLUMNS = ("ID", "STATUS", "TYPE", "CREATED", "READ", "TITLE")
LONGEST_VALUE = 200
MOST_CONFLICTS = 10
MOST_CHANGES = 5  # a document job has one, unless its controller does everything by itself


def list_lines(jobs: Iterable[SyncJob], now: datetime) -> list[str]:
    """A table with a heading, or one sentence where there is no job."""
    rows = [
        (
            str(job.pk),
            status_text(job, now),
            job.job_type.slug,
            moment_text(job.created_at),
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
    lines = [f"#{job.pk} {job.title}", *(f"{label + ':':<9} {text}" for label, text in _facts(job, now) if text)]
    lines += failure_lines(job)
    lines += [f"Next:     {step}"] if (step := next_step(job)) else []
    lines += plan_lines(job, now)
    lines += change_lines(job)
    return [*lines, "", *(f"{moment_text(event.created_at)}  {event.new:<10} {event.reason}" for event in events)]


def _facts(job: SyncJob, now: datetime) -> Iterator[tuple[str, str]]:
    """(label, text) in the order of reading; an empty text is not shown."""
    summary = children_summary(job)
    counts = job.tally if summary is None else Counts.from_dict(summary["counts"])
    target = document_text(job.target_document_type, job.target_document_name)
    yield "Status", f"{status_text(job, now)}{_reason(job)}"
    yield "Type", job.job_type.slug
    yield "Source", document_text(job.source_document_type, job.source_document_name)
    yield "Target", f"{job.operation} {target}".strip()
    yield "Context", shown(job.context) if job.context else ""
    yield "Parent", "" if job.parent_id is None else f"#{job.parent_id}"
    yield "Dry run", "yes, it writes nothing" if job.dry_run else ""
    yield "Attempt", f"{job.attempt} ({job.retry_count} of {job.max_retries} retries)"
    yield "Children", "" if summary is None else rollup_text(summary)
    yield "Counts", counts_text(counts)
    for label, moment in (("Created", job.created_at), ("Started", job.started_at), ("Ended", job.ended_at)):
        yield label, moment_text(moment) if moment else ""


def failure_lines(job: SyncJob) -> list[str]:
    """What went wrong and what to do; empty for a job that did not fail."""
    if not job.failure:
        return []
    failure = job.failure
    lines = [f"Failure:  {failure['message']} ({failure['class']}, {failure['code']})"]
    return [*lines, f"Hint:     {failure['hint']}"] if failure.get("hint") else lines


def plan_lines(job: SyncJob, now: datetime) -> list[str]:
    """How the plan of a dry run stands; whose changes the job makes or unmakes, and which records it left alone."""
    lines = [f"{label}: #{number}" for label, number in related_jobs(job)]
    if told := plan_text(job, now):
        lines.append(f"Plan:     {told}")
    for conflict in conflicts_of(job, MOST_CONFLICTS):
        lines.append(f"Conflict: {conflict.operation} {_key_text(conflict.key)}: {conflict.get_reason_display()}")
        pairs = conflict.fields.items()
        lines += [f"  {name}: expected {shown(old)}, found {shown(new)}" for name, (old, new) in pairs]
    more = (job.tally.skipped - MOST_CONFLICTS) * is_given_changes(job.config_snapshot)
    return [*lines, f"          and {more:,} more conflicts"] if more > 0 else lines


def change_lines(job: SyncJob) -> list[str]:
    """What a document job changed, field by field; empty for jobs over streams, which change many records."""
    if "streams" in job.config_snapshot.get("config", {}):
        return []
    lines = []
    for change in job.changes.all()[:MOST_CHANGES]:
        told = "would " if job.dry_run else ""
        lines += ["", f"Change:   {told}{change.operation} {change.stream} {_key_text(change.key)}"]
        lines += [f"  {name}: {shown(old)} → {shown(new)}" for name, (old, new) in change.fields.items()]
    return lines


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


def rollup_text(summary: dict[str, Any]) -> str:
    """`12 in all: 10 done, 2 failed, 0 running`."""
    parts = ", ".join(f"{summary[name]:,} {name}" for name in ("done", "failed", "running"))
    return f"{summary['total']:,} in all: {parts}"


def _key_text(key: Any) -> str:
    """A key of one field by its value."""
    values = list(key.values()) if isinstance(key, dict) else [key]
    return str(values[0]) if len(values) == 1 else shown(key)


def document_text(document_type: str, name: str) -> str:
    return f"{document_type} {name}".strip()


def shown(value: Any) -> str:
    """A JSON value on one line, its long texts cut."""
    return json.dumps(shorten_for_show(value, LONGEST_VALUE), ensure_ascii=False)


def moment_text(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S}"


def _reason(job: SyncJob) -> str:
    return f" ({reason})" if (reason := wait_text(job) or job.phase) else ""
