"""What the job page says of a job in numbers and sentences. Works on rows that were read; reads and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from syncjobs.counts import Counts
from syncjobs.models import Change, SyncJob
from syncjobs.portal.words import NOTHING, number_text, plural, size_text, span_text, value_text
from syncjobs.statuses import DONE, Status

FIELDS_SHOWN = 6
ALWAYS_SHOWN = ("read", "inserted", "updated", "deleted", "unchanged", "rejected")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: `done` of `total` (None = unknown), the sentence beneath the bar, seconds at work."""

    done: int
    total: int | None
    sentence: str
    seconds: float = 0.0

    @property
    def percent(self) -> int | None:
        return min(100, self.done * 100 // self.total) if self.total else None


@dataclass(frozen=True, slots=True)
class Fact:
    """One number of a job with its word."""

    number: str
    word: str


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field's old and new value as text; None where there is none (the old one of an insert)."""

    name: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change as shown: the record's key, its fields up to a limit, and how many more there are."""

    id: int
    stream: str
    operation: str
    key: str
    fields: list[FieldChange]
    more: int


def progress_of(job: SyncJob, now: datetime, attempt_started_at: datetime | None = None) -> Progress:
    """The bar and its sentence: records, rate, bytes per second and what is left, as far as they are known."""
    read = job.tally.read
    total = None if job.status in DONE else job.total_estimate
    parts = [f"{number_text(read)} of about {number_text(total)} records" if total else plural(read, "record")]
    seconds = _seconds_at_work(job, now, attempt_started_at)
    if seconds and read:
        rate = read / seconds
        parts.append(f"{rate:,.0f}/s")
        if job.bytes_read:
            parts.append(f"{size_text(job.bytes_read / seconds)}/s")
        if job.status == Status.STARTED and total and total > read:
            parts.append(f"{span_text((total - read) / rate)} left")
    return Progress(read, read if job.status in DONE else total, " · ".join(parts), seconds)


def records_per_second(job: SyncJob, now: datetime) -> str:
    """For lists, where the attempt's own start is not at hand: a rate only while the first attempt is at work."""
    seconds = (now - job.started_at).total_seconds() if job.started_at and job.attempt == 1 else 0
    return f"{job.tally.read / seconds:,.0f}/s" if seconds > 0 and job.tally.read else NOTHING


def seconds_left(job: SyncJob, now: datetime) -> str:
    """About how long the first attempt will still take; a dash where that cannot be known."""
    read, total = job.tally.read, job.total_estimate
    if not (job.started_at and job.attempt == 1 and read and total and total > read):
        return NOTHING
    return span_text((now - job.started_at).total_seconds() * (total - read) / read)


def _seconds_at_work(job: SyncJob, now: datetime, attempt_started_at: datetime | None) -> float:
    before = job.time_taken or 0.0
    if job.status != Status.STARTED or attempt_started_at is None:
        return before
    return before + max(0.0, (now - attempt_started_at).total_seconds())


def facts_of(job: SyncJob, counts: Counts) -> list[Fact]:
    """The counts: the usual six always, the others where there are any; a dry run only would do what it says."""
    values = counts.as_dict()
    words = {name: name for name in values}
    if job.dry_run:
        words |= {"inserted": "would insert", "updated": "would update", "deleted": "would delete"}
    shown = [name for name in values if name in ALWAYS_SHOWN or values[name]]
    return [Fact(number_text(values[name]), words[name]) for name in shown]


def outcome_of(job: SyncJob) -> str:
    """One sentence on what the job has done to the target; empty while that is not yet of interest."""
    counts = job.tally
    changed, status = counts.changed, Status(job.status)
    if status in (Status.PENDING, Status.QUEUED):
        return "" if changed else "Nothing has been written yet."
    if job.dry_run:
        return _dry_run(counts, status)
    if status is Status.FINISHED:
        return _finished(counts, job.time_taken)
    if status in (Status.STARTED, Status.RELAYED, Status.SKIPPED, Status.NO_TARGET):
        return ""
    if changed:
        return f"{plural(changed, 'record')} had been written before; they stay, and are counted here."
    return "Nothing has been written."


def _dry_run(counts: Counts, status: Status) -> str:
    if status is not Status.FINISHED:
        return "This is a dry run: nothing will be written."
    return f"Would change {counts.changed:,} of {plural(counts.read, 'record')}. A dry run writes nothing."


def _finished(counts: Counts, seconds: float | None) -> str:
    took = f" in {span_text(seconds)}" if seconds is not None else ""
    if counts.read and not counts.changed:
        return f"All {plural(counts.read, 'record')} were as they should be{took}; nothing had to be written."
    done = [f"{number:,} {name}" for name, number in counts.diff_summary().items()]
    return f"{', '.join(done) or 'Nothing changed'} of {plural(counts.read, 'record')}{took}."


def route_of(job: SyncJob) -> str:
    """Where from and where to, and how: "sandbox/airports → warehouse/airports · upsert by icao"."""
    ends = " → ".join(filter(None, (job.source_document_type, job.target_document_type)))
    streams = job.config_snapshot.get("config", {}).get("streams") or []
    if len(streams) != 1:
        return ends
    stream: dict[str, Any] = streams[0]
    key = ", ".join(stream.get("key") or [])
    how = " ".join(filter(None, (stream.get("mode", ""), f"by {key}" if key else "")))
    return " · ".join(filter(None, (ends, how)))


def change_row(change: Change, most_fields: int = FIELDS_SHOWN) -> ChangeRow:
    """The change ready to be shown."""
    fields = [_field_change(name, pair, change.operation) for name, pair in change.fields.items()]
    key = change.key if isinstance(change.key, dict) else {"": change.key}
    return ChangeRow(
        id=change.pk,
        stream=change.stream,
        operation=change.operation,
        key=", ".join(value_text(value) for value in key.values()),
        fields=fields[:most_fields],
        more=max(0, len(fields) - most_fields),
    )


def _field_change(name: str, pair: Any, operation: str) -> FieldChange:
    old, new = pair if isinstance(pair, list) and len(pair) == 2 else (None, pair)
    return FieldChange(
        name,
        None if operation == "insert" else value_text(old),
        None if operation == "delete" else value_text(new),
    )
