"""What the audit tells of jobs: from which status to which, and of a new one what was asked for. Never its data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from syncjobs.lifecycle.actions import describe_state
from syncjobs.models import SyncJob
from syncjobs.operations.auditing import record, record_many

ASKED = (
    *("operation", "source_document_type", "source_document_name", "target_document_type", "target_document_name"),
    *("dry_run", "queue", "timeout", "priority", "dedupe_key"),
)
"""Columns that say what was asked for, told where they are set."""


def status_of(job: SyncJob) -> dict[str, Any]:
    """Where a job is, and whether it was asked to leave."""
    return {"status": describe_state(job)}


def record_job_made(job: SyncJob, *, actor: str) -> None:
    """A job that somebody asked for."""
    asked = {name: value for name in ASKED if (value := getattr(job, name))}
    range_of_it = {"force": True} if job.config_snapshot.get("force") else {}
    about = {"job_type": job.job_type.slug, "trigger": job.trigger_type}
    record("job.create", job, after={**status_of(job), **about, **asked, **range_of_it}, actor=actor)


def record_job_moved(action: str, before: SyncJob, after: SyncJob, *, actor: str, reason: str) -> None:
    """An action on one job that has moved it, or asked its worker to."""
    record(f"job.{action}", after, before=status_of(before), after=status_of(after), actor=actor, reason=reason)


def record_jobs_moved(
    action: str, changes: Iterable[tuple[SyncJob, dict[str, Any]]], *, actor: str, reason: str
) -> None:
    """The same action on many: each as it was before, with what became of it."""
    entries = [(job, status_of(job), after) for job, after in changes]
    record_many(f"job.{action}", entries, actor=actor, reason=reason)
