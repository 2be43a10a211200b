"""The Python door: `enqueue_sync_job` asks for a job of a type, e.g. for one document. Same names as the API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models import Max

from syncjobs.clock import db_now
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.job_types import run_job_type
from syncjobs.operations.run_requests import RunRefused
from syncjobs.statuses import Trigger

CHANGED_AT = ("updated_at", "modified_at", "modified")
"""Where a trigger document usually says when it changed."""


@transaction.atomic
def enqueue_sync_job(
    *,
    sync_job_type: SyncJobType | str,
    source_doc: models.Model | None = None,
    source_document_type: str | None = None,
    source_document_name: str | None = None,
    operation: str | None = None,
    context: dict[str, Any] | None = None,
    target_doc: models.Model | None = None,
    target_document_type: str | None = None,
    target_document_name: str | None = None,
    parent_sync_job: SyncJob | int | None = None,
    queue: str | None = None,
    timeout: int | None = None,
    retry_delay: int | None = None,
    max_retries: int | None = None,
    trigger_type: Trigger | str | None = None,
    triggered_by_doc: models.Model | None = None,
    trigger_document_timestamp: datetime | None = None,
    queue_on_insert: bool = True,
    dry_run: bool = False,
    insert_enabled: bool | None = None,
    update_enabled: bool | None = None,
    delete_enabled: bool | None = None,
    update_without_changes_enabled: bool | None = None,
    verbose_logging: bool | None = None,
    priority: int | None = None,
    dedupe_key: str = "",
    force: bool = False,
    title: str | None = None,
    user: User | None = None,
    actor: str = "",
) -> SyncJob:
    """Create a job of the type; None means "as the type has it", 0 and False are values.

    Documents are given as model instances, or by type and name; with none of them the controller has the context only.
    `operation` with a target skips target discovery. Part of the caller's transaction: rolled back, no job was ever
    there. With `queue_on_insert=False` the job stays Pending, and `job.execute()` runs it in this process. While a job
    of the type with the same `dedupe_key` waits to begin, that one is returned, its `was_waiting` true.

    Raises RunRefused (paused or disabled type, wrong values), SyncJobType.DoesNotExist, ConfigError, SpecProblems.
    """
    job_type = _job_type(sync_job_type)
    given = {
        "operation": operation,
        "queue": queue,
        "timeout": timeout,
        "retry_delay": retry_delay,
        "max_retries": max_retries,
        "insert_enabled": insert_enabled,
        "update_enabled": update_enabled,
        "delete_enabled": delete_enabled,
        "update_without_changes_enabled": update_without_changes_enabled,
        "verbose_logging": verbose_logging,
        "priority": priority,
        "title": title,
        **_named("source", source_doc, source_document_type, source_document_name),
        **_named("target", target_doc, target_document_type, target_document_name),
        **_trigger(triggered_by_doc, trigger_document_timestamp),
        **_place(parent_sync_job),
    }
    overrides = {name: value for name, value in given.items() if value is not None}
    _refuse_other_type(job_type, overrides)
    return run_job_type(
        job_type,
        trigger=Trigger(trigger_type or (Trigger.DOCUMENT_HOOK if triggered_by_doc is not None else Trigger.API)),
        actor=actor or (user.get_username() if user is not None else "python"),
        user=user,
        context=context,
        dry_run=dry_run,
        force=force,
        dedupe_key=dedupe_key,
        queue_on_insert=queue_on_insert,
        **overrides,
    )


def _job_type(named: SyncJobType | str) -> SyncJobType:
    if isinstance(named, SyncJobType):
        return named
    found = SyncJobType.objects.filter(slug=named).first()
    if found is None:
        raise SyncJobType.DoesNotExist(f"there is no sync job type '{named}'")
    return found


def _named(side: str, document: models.Model | None, document_type: str | None, name: str | None) -> dict[str, Any]:
    """The columns of one side's document."""
    if document is not None:
        if document.pk is None:
            raise RunRefused(f"the {side} document is not saved yet, so it has no name; save it first")
        document_type, name = document._meta.label, str(document.pk)
    return {f"{side}_document_type": document_type, f"{side}_document_name": None if name is None else str(name)}


def _trigger(document: models.Model | None, timestamp: datetime | None) -> dict[str, Any]:
    if document is None:
        return {"trigger_document_timestamp": timestamp}
    times = (getattr(document, name, None) for name in CHANGED_AT)
    changed_at = next((found for found in times if isinstance(found, datetime)), None)
    return {
        "triggered_by_document_type": document._meta.label,
        "triggered_by_document_name": str(document.pk),
        "trigger_document_timestamp": timestamp or changed_at or db_now(),
    }


def _place(parent: SyncJob | int | None) -> dict[str, Any]:
    """The next place among the parent's children."""
    if parent is None:
        return {}
    parent_id = parent.pk if isinstance(parent, SyncJob) else int(parent)
    SyncJob.objects.select_for_update().only("pk").get(pk=parent_id)
    last = SyncJob.objects.filter(parent=parent_id).aggregate(last=Max("position"))["last"]
    return {"parent_id": parent_id, "position": 0 if last is None else last + 1}


def _refuse_other_type(job_type: SyncJobType, overrides: dict[str, Any]) -> None:
    wanted, given = job_type.source_document_type, overrides.get("source_document_type")
    if wanted and given and wanted.lower() != given.lower():
        raise RunRefused(f"{job_type.slug} reads {wanted}, not {given}")
