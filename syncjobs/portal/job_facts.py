"""What the job page says of a job in numbers and sentences. Works on rows that were read; reads and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from syncjobs.counts import Counts
from syncjobs.models import SyncJob
from syncjobs.portal.words import NOTHING, number_text, plural, size_text, span_text
from syncjobs.statuses import DONE, Status

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
    facts = [Fact(number_text(values[name]), words[name]) for name in shown]
    nulled, stripped = (sum((job.checkpoint.get(name) or {}).values()) for name in ("nulled", "stripped"))
    others = {"set to null": nulled, "NULs taken out": stripped}
    others |= {"reconnect" if job.reconnects == 1 else "reconnects": job.reconnects}
    return facts + [Fact(number_text(number), word) for word, number in others.items() if number]


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
    left_out = {"rejected": counts.rejected, "skipped": counts.skipped}
    if counts.read and not counts.changed and not any(left_out.values()):
        return f"All {plural(counts.read, 'record')} were as they should be{took}; nothing had to be written."
    done = [f"{number:,} {name}" for name, number in (counts.diff_summary() | left_out).items() if number]
    return f"{', '.join(done) or 'Nothing changed'} of {plural(counts.read, 'record')}{took}."


def route_of(job: SyncJob) -> str:
    """Where from and where to, and how: "sandbox/airports → warehouse/airports · upsert by icao"."""
    source = f"{job.source_document_type} {job.source_document_name}".strip()
    target = f"{job.target_document_type} {job.target_document_name}".strip()
    ends = " → ".join(filter(None, (source, target)))
    streams = job.config_snapshot.get("config", {}).get("streams") or []
    if len(streams) != 1:
        return ends
    stream: dict[str, Any] = streams[0]
    key = ", ".join(stream.get("key") or [])
    how = " ".join(filter(None, (stream.get("mode", ""), f"by {key}" if key else "")))
    return " · ".join(filter(None, (ends, how)))
