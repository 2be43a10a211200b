"""A job made anew from an older one: the same work from its beginning, by the configuration that the old one had.

A stream's beginning is before its cursor, so that is set back, too.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F

from syncjobs.lifecycle.creation import NewJob, create_job
from syncjobs.lifecycle.cursor_ledger import reset_cursors
from syncjobs.lifecycle.moves import StatusConflict, move_job
from syncjobs.models import SyncJob
from syncjobs.statuses import Status, Trigger, can_move

RESTARTED = "restarted as #"
KEPT = (
    "operation",
    "source_document_type",
    "source_document_name",
    "target_document_type",
    "target_document_name",
    "dry_run",
    "insert_enabled",
    "update_enabled",
    "delete_enabled",
    "update_without_changes_enabled",
    "multiple_target_documents",
    "queue",
    "timeout",
    "retry_delay",
    "max_retries",
    "verbose_logging",
    "priority",
    "sibling_key",
    "triggered_by_document_type",
    "triggered_by_document_name",
    "trigger_document_timestamp",
)


def restart(old: SyncJob, *, actor: str, user: User | None, force: bool, now: datetime) -> SyncJob:
    """A queued job in place of `old`, which is canceled unless it was done; all in one transaction.

    Raises StatusConflict if `old` is no longer as it was read. A job that waits with the same dedupe key is returned
    instead of a new one, unless `force`.
    """
    with transaction.atomic():
        if not SyncJob.objects.filter(pk=old.pk, version=old.version).update(version=F("version") + 1):
            raise StatusConflict(SyncJob.objects.get(pk=old.pk), "restart", "somebody else has just decided about it")
        if not old.dry_run and "replay" not in old.config_snapshot:
            reason = f"job #{old.pk} was restarted"
            reset_cursors(old.job_type_id, old.config_snapshot.get("config", {}), now, actor=actor, reason=reason)
        job = create_job(old.job_type, old.type_version, _again(old, actor, user, force), now)
        if can_move(Status(old.status), Status.CANCELED):
            text = f"{RESTARTED}{job.pk}"
            move_job(old.pk, Status.CANCELED, reason=text, actor=actor, now=now, cancel_reason=text)
    return job


def _again(old: SyncJob, actor: str, user: User | None, force: bool) -> NewJob:
    snapshot = {name: value for name, value in old.config_snapshot.items() if name != "force"}
    return NewJob(
        title=old.title,
        trigger=Trigger.MANUAL,
        actor=actor,
        user=user,
        snapshot=snapshot | {"force": True} if force else snapshot,
        concurrency_key=old.concurrency_key,
        dedupe_key=old.dedupe_key,
        context=old.context,
        restarted_from=old,
        overrides={name: getattr(old, name) for name in KEPT},
    )
