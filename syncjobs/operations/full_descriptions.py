"""A job with everything that is known of it, for the API's page of one job. Reads only."""

from __future__ import annotations

from typing import Any

from syncjobs.models import SyncJob
from syncjobs.operations.descriptions import describe_job, moment_text
from syncjobs.operations.plan_descriptions import describe_changes

AS_THEY_ARE = (
    *("position", "insert_enabled", "update_enabled", "delete_enabled", "update_without_changes_enabled"),
    *("multiple_target_documents", "retry_delay", "verbose_logging", "priority", "lost_count", "total_estimate"),
    *("version", "config_snapshot", "current_data", "updated_data"),
)
TEXTS = (
    *("dedupe_key", "concurrency_key", "cancel_reason", "approved_by"),
    *("triggered_by_document_type", "triggered_by_document_name"),
)
MOMENTS = (
    *("trigger_document_timestamp", "due_at", "heartbeat_at", "available_at", "sent_at"),
    *("cancel_requested_at", "pause_requested_at"),
)


def describe_in_full(job: SyncJob) -> dict[str, Any]:
    """The public shape of a job, its other columns by their names, its plan and its conflicts."""
    return {
        **describe_job(job),
        **{name: getattr(job, name) for name in AS_THEY_ARE},
        **{name: getattr(job, name) or None for name in TEXTS},
        **{name: moment_text(getattr(job, name)) for name in MOMENTS},
        "type_version": job.type_version.number if job.type_version else None,
        "restarted_from": job.restarted_from_id,
        "replay_of": job.replay_of_id,
        "schedule": job.schedule_id,
        "triggered_by": job.triggered_by.get_username() if job.triggered_by else None,
        **describe_changes(job),
    }
