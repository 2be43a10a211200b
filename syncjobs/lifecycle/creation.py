"""New jobs: a row and its first event in one transaction. Who may create what is for operations to say."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction

from syncjobs.fingerprints import key_hash
from syncjobs.lifecycle.moves import move_job, record_event
from syncjobs.lifecycle.nudges import nudge_dispatcher
from syncjobs.models import JobTypeVersion, Schedule, SyncJob, SyncJobType
from syncjobs.statuses import Status, Trigger

TAKEN_OVER = (
    "queue",
    "timeout",
    "retry_delay",
    "max_retries",
    "verbose_logging",
    "source_document_type",
    "target_document_type",
    "insert_enabled",
    "update_enabled",
    "delete_enabled",
    "update_without_changes_enabled",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What a job needs besides its type; `overrides` are columns of SyncJob (queue, timeout, dry_run, …)."""

    title: str
    trigger: Trigger
    actor: str
    snapshot: dict[str, Any]
    user: User | None = None
    schedule: Schedule | None = None
    due_at: datetime | None = None
    concurrency_key: str = ""
    dedupe_key: str = ""
    queue_on_insert: bool = True
    restarted_from: SyncJob | None = None
    context: dict[str, Any] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)


def create_job(job_type: SyncJobType, version: JobTypeVersion | None, new: NewJob, now: datetime) -> SyncJob:
    """Insert the job with its first event: queued, or pending where nobody asks it to start yet.

    While a job of the same type and dedupe key waits to begin, that one is returned, its `was_waiting` true, unless
    the snapshot says force. Raises IntegrityError if (schedule, due time) exists.
    """
    with transaction.atomic():
        if new.dedupe_key and not new.snapshot.get("force"):
            _take_turns(job_type, new.dedupe_key)
            if waiting := _waiting_job(job_type, new):
                return _join(waiting, new, now)
        job = _insert(job_type, version, new, now)
        record_event(job.pk, None, Status(job.status), reason=_asked_by(new), actor=new.actor, now=now)
        if new.queue_on_insert:
            nudge_dispatcher()
    return job


def _insert(job_type: SyncJobType, version: JobTypeVersion | None, new: NewJob, now: datetime) -> SyncJob:
    values = {name: getattr(job_type, name) for name in TAKEN_OVER} | new.overrides
    return SyncJob.objects.create(
        title=new.title[:300],
        job_type=job_type,
        type_version=version,
        restarted_from=new.restarted_from,
        trigger_type=new.trigger.value,
        triggered_by=new.user,
        schedule=new.schedule,
        due_at=new.due_at,
        concurrency_key=new.concurrency_key,
        dedupe_key=new.dedupe_key,
        context=new.context,
        config_snapshot=new.snapshot,
        status=(Status.QUEUED if new.queue_on_insert else Status.PENDING).value,
        created_at=now,
        available_at=now if new.queue_on_insert else None,
        **values,
    )


def _take_turns(job_type: SyncJobType, dedupe_key: str) -> None:
    """Let nobody else look for this key until our transaction ends; on SQLite every transaction has that anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(%s)", [key_hash({"type": job_type.pk, "dedupe_key": dedupe_key})]
            )


def _waiting_job(job_type: SyncJobType, new: NewJob) -> SyncJob | None:
    """The job that will do what is asked for. Locked, so that it begins after the asker's transaction is committed."""
    same = SyncJob.objects.filter(job_type=job_type, dedupe_key=new.dedupe_key, attempt=0)
    same = same.filter(dry_run=new.overrides.get("dry_run", False))
    waiting = same.filter(status__in=(Status.PENDING.value, Status.QUEUED.value))
    return waiting.select_for_update(no_key=True).order_by("id").first()


def _join(waiting: SyncJob, new: NewJob, now: datetime) -> SyncJob:
    """The waiting job; it is queued now if it was pending and the newcomer is to start."""
    if new.queue_on_insert and waiting.status == Status.PENDING:
        waiting = move_job(waiting.pk, Status.QUEUED, reason=_asked_by(new), actor=new.actor, now=now)
    waiting.was_waiting = True
    return waiting


def _asked_by(new: NewJob) -> str:
    return f"asked for by {new.trigger.label} ({new.actor})" if new.actor else f"asked for by {new.trigger.label}"
