"""How a job reads from outside: one shape for the API, `--json` and pages. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from syncjobs.diffs import hide_secrets
from syncjobs.lifecycle import RESTARTED, allowed_actions, wait_text
from syncjobs.models import SyncJob
from syncjobs.operations.visible import visible_jobs
from syncjobs.statuses import Status, status_label


def describe_job(job: SyncJob) -> dict[str, Any]:
    """The public shape of a job (DESIGN's appendix): empty texts are null, times end in Z, spans are seconds."""
    return _describe(job, children_summary(job), wait_text(job))


def describe_jobs(jobs: Sequence[SyncJob]) -> list[dict[str, Any]]:
    """The same of many, which were read `with_plans`, by one query; a job's place in its queue is left out."""
    relayed = [job.pk for job in jobs if job.status == Status.RELAYED]
    summaries = visible_jobs().children_summaries(relayed)
    return [_describe(job, summaries.get(job.pk), job.wait_reason) for job in jobs]


def _describe(job: SyncJob, summary: dict[str, Any] | None, wait_reason: str) -> dict[str, Any]:
    seconds = job.time_taken
    return {
        "id": job.pk,
        "title": job.title,
        "job_type": job.job_type.slug,
        "status": job.status,
        "phase": job.phase or None,
        "next_step": next_step(job) or None,
        "operation": job.operation or None,
        "dry_run": job.dry_run,
        "trigger_type": job.trigger_type,
        "attempt": job.attempt,
        "retry_count": job.retry_count,
        "max_retries": job.max_retries,
        "retry_after": moment_text(job.retry_after),
        "queue": job.queue,
        "timeout": job.timeout,
        "source_document_type": job.source_document_type or None,
        "source_document_name": job.source_document_name or None,
        "target_document_type": job.target_document_type or None,
        "target_document_name": job.target_document_name or None,
        "context": hide_secrets(job.context),
        "counts": job.tally.as_dict(),
        "nulled": job.checkpoint.get("nulled") or {},
        "stripped": job.checkpoint.get("stripped") or {},
        "reconnects": job.reconnects,
        "bytes_read": job.bytes_read,
        "records_per_second": _rate(job.tally.read, seconds),
        "bytes_per_second": _rate(job.bytes_read, seconds),
        "idle_time_ms": None,
        "emit_event_time_ms": None,
        "created_at": moment_text(job.created_at),
        "started_at": moment_text(job.started_at),
        "ended_at": moment_text(job.ended_at),
        "time_taken": None if seconds is None else round(seconds, 2),
        "failure": job.failure,
        "error_message": job.error_message or None,
        "wait_reason": wait_reason or None,
        "parent": job.parent_id,
        "children_summary": summary,
        "diff_summary": job.diff_summary,
        "allowed_actions": allowed_actions(job),
    }


def children_summary(job: SyncJob) -> dict[str, Any] | None:
    """How a relayed job's children stand, with their summed counts; None for any other job."""
    return visible_jobs().children_summary(job.pk) if job.status == Status.RELAYED else None


def status_text(job: SyncJob, now: datetime) -> str:
    """The words of the pill: "Planned" for a finished dry run, "Retry in 28 s" while a retry is due."""
    due = None if job.retry_after is None else (job.retry_after - now).total_seconds()
    return status_label(Status(job.status), dry_run=job.dry_run, retry_in_seconds=due)


def next_step(job: SyncJob) -> str:
    """What an operator does now, in one sentence or two; empty if nothing."""
    status = Status(job.status)
    if status is Status.FAILED and job.retry_after is not None:
        return "Nothing to do: it tries again by itself. Retry now, or cancel it."
    if status is Status.STARTED and job.cancel_requested_at is not None:
        return "Nothing to do: it was asked to stop and ends within 10 seconds."
    if status is Status.STARTED and job.pause_requested_at is not None:
        return "Nothing to do: it was asked to pause and stops within 5 seconds."
    if status is Status.PAUSED and job.job_type.paused_at is not None:
        return "Resume its type; it goes on from where it stopped."
    if status is Status.SKIPPED and job.attempt == 0:
        return "Nothing to do: another job had its target. Restart it with force if it should run anyway."
    if status is Status.CANCELED and job.cancel_reason.startswith(RESTARTED):
        return f"Nothing to do: it was {job.cancel_reason}."
    return status.next_step


def moment_text(value: datetime | None) -> str | None:
    """As programs read it: 2026-11-23T02:00:02Z."""
    return None if value is None else value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _rate(amount: int, seconds: float | None) -> float | None:
    return round(amount / seconds, 1) if seconds else None
