"""Sync Jobs and what is known of each: attempts, status moves, log lines. Only lifecycle writes the status."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import ClassVar

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from syncjobs.counts import Counts
from syncjobs.models.job_types import JobTypeVersion, SyncJobType
from syncjobs.querysets import JobQuerySet
from syncjobs.statuses import FINAL, Phase, Status, Trigger


def _no_counts() -> dict[str, int]:
    return Counts().as_dict()


class SyncJob(models.Model):
    """One execution of a Sync Job Type, with everything an operator may ask about it."""

    runner: ClassVar[Callable[[SyncJob], SyncJob]]
    """Set by apps.py, since models know no operations."""

    # identity
    title = models.CharField(max_length=300)
    token = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)  # names the job at the target, for ever
    job_type = models.ForeignKey(SyncJobType, on_delete=models.PROTECT, related_name="jobs")
    type_version = models.ForeignKey(JobTypeVersion, on_delete=models.PROTECT, related_name="+", null=True)
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="children")
    position = models.PositiveIntegerField(null=True, blank=True)
    restarted_from = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    replay_of = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    # what
    operation = models.CharField(max_length=10, blank=True, default="")
    source_document_type = models.CharField(max_length=255, blank=True, default="")
    source_document_name = models.CharField(max_length=255, blank=True, default="")
    target_document_type = models.CharField(max_length=255, blank=True, default="")
    target_document_name = models.CharField(max_length=255, blank=True, default="")
    context = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    dry_run = models.BooleanField(default=False)
    insert_enabled = models.BooleanField(default=True)
    update_enabled = models.BooleanField(default=True)
    delete_enabled = models.BooleanField(default=True)
    update_without_changes_enabled = models.BooleanField(default=False)
    multiple_target_documents = models.BooleanField(default=False)
    # how
    queue = models.CharField(max_length=50, default="default")
    timeout = models.PositiveIntegerField(default=300)
    retry_delay = models.PositiveIntegerField(default=30)
    max_retries = models.PositiveIntegerField(default=3)
    retry_count = models.PositiveIntegerField(default=0)
    retry_after = models.DateTimeField(null=True, blank=True)
    verbose_logging = models.BooleanField(default=False)
    priority = models.IntegerField(default=0)
    dedupe_key = models.CharField(max_length=255, blank=True, default="")
    concurrency_key = models.CharField(max_length=500, blank=True, default="")
    sibling_key = models.CharField(max_length=500, blank=True, default="")
    """A key that it holds together with its siblings while any of them is active, so that they keep others out."""
    config_snapshot = models.JSONField(default=dict, blank=True)
    # why
    trigger_type = models.CharField(max_length=20, choices=[(item.value, item.label) for item in Trigger])
    triggered_by_document_type = models.CharField(max_length=255, blank=True, default="")
    triggered_by_document_name = models.CharField(max_length=255, blank=True, default="")
    trigger_document_timestamp = models.DateTimeField(null=True, blank=True)
    triggered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    schedule = models.ForeignKey(
        "syncjobs.Schedule", on_delete=models.SET_NULL, null=True, blank=True, related_name="jobs"
    )
    due_at = models.DateTimeField(null=True, blank=True)
    # state
    status = models.CharField(
        max_length=12, choices=[(item.value, item.label) for item in Status], default=Status.PENDING.value
    )
    phase = models.CharField(
        max_length=15, choices=[(item.value, item.value.title()) for item in Phase], blank=True, default=""
    )
    wait_reason = models.CharField(max_length=300, blank=True, default="")
    attempt = models.PositiveIntegerField(default=0)
    fence = models.PositiveBigIntegerField(default=0)
    lost_count = models.PositiveIntegerField(default=0)
    lease_owner = models.CharField(max_length=150, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    available_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    dispatch_id = models.UUIDField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    pause_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_reason = models.CharField(max_length=300, blank=True, default="")
    approved_by = models.CharField(max_length=150, blank=True, default="")  # of a job that was held
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    time_taken = models.FloatField(null=True, blank=True, help_text="Seconds that attempts were at work.")
    version = models.PositiveIntegerField(default=1)
    # result
    counts = models.JSONField(default=_no_counts)
    bytes_read = models.PositiveBigIntegerField(default=0)
    reconnects = models.PositiveIntegerField(default=0)
    total_estimate = models.PositiveBigIntegerField(null=True, blank=True)
    checkpoint = models.JSONField(default=dict, blank=True)
    failure = models.JSONField(null=True, blank=True)
    # While it is failed. Null rather than empty: SQLite finds its way by an index of what is not null only.
    failure_fingerprint = models.CharField(max_length=16, null=True, blank=True)  # noqa: DJ001
    error_message = models.TextField(blank=True, default="")
    diff_summary = models.JSONField(default=dict, blank=True)
    current_data = models.JSONField(null=True, blank=True, encoder=DjangoJSONEncoder)
    updated_data = models.JSONField(null=True, blank=True, encoder=DjangoJSONEncoder)

    objects = JobQuerySet.as_manager()
    was_waiting = False
    """Not stored: true of what was returned instead of a new job, since it waited with the same dedupe key."""

    class Meta:
        ordering = ("-id",)
        verbose_name = "sync job"
        permissions = (("approve_syncjob", "Can approve held sync jobs and plans"),)
        constraints = (
            models.UniqueConstraint(
                fields=("schedule", "due_at"),
                condition=Q(schedule__isnull=False),
                name="one_job_per_schedule_and_due_time",
            ),
            models.UniqueConstraint(
                fields=("parent", "position"), condition=Q(parent__isnull=False), name="one_child_per_parent_position"
            ),
            models.UniqueConstraint(
                fields=("concurrency_key",),
                condition=Q(status="started") & ~Q(concurrency_key=""),
                name="one_started_job_per_concurrency_key",
            ),
        )
        indexes = (
            models.Index(
                fields=("queue", "-priority", "id"),
                condition=Q(status="queued", dispatch_id__isnull=True),
                name="waiting_jobs_in_order_of_turn",
            ),
            models.Index(
                fields=("queue",), condition=Q(status="queued", dispatch_id__isnull=False), name="sent_jobs_by_queue"
            ),
            models.Index(fields=("lease_until",), condition=Q(status="started"), name="started_jobs_by_lease"),
            models.Index(fields=("retry_after",), condition=Q(retry_after__isnull=False), name="jobs_by_retry_time"),
            models.Index(fields=("job_type", "-id"), name="newest_jobs_of_a_type"),
            models.Index(fields=("status", "-id"), name="newest_jobs_by_status"),
            # With what days of jobs are counted by, so that none of these jobs need be read.
            models.Index(fields=("-created_at", "job_type", "status", "parent"), name="jobs_by_creation"),
            models.Index(fields=("-id",), condition=Q(dry_run=True), name="newest_dry_runs"),
            models.Index(
                fields=("job_type", "dedupe_key"),
                condition=Q(status__in=("pending", "queued")) & ~Q(dedupe_key=""),
                name="waiting_jobs_by_dedupe_key",
            ),
            models.Index(
                fields=("concurrency_key",),
                condition=~Q(concurrency_key="")
                & (Q(status__in=("queued", "started", "paused", "held")) | Q(retry_after__isnull=False)),
                name="active_by_concurrency_key",
            ),
            models.Index(
                fields=("sibling_key",),
                condition=~Q(sibling_key="")
                & (Q(status__in=("queued", "started", "paused", "held")) | Q(retry_after__isnull=False)),
                name="active_by_sibling_key",
            ),
            models.Index(
                fields=("-ended_at", "failure_fingerprint"),
                condition=Q(failure_fingerprint__isnull=False),
                name="newest_failures",
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.title}"

    def execute(self) -> SyncJob:
        """Run this pending or queued job in this process, and return it as its attempt left it. Needs no broker.

        Raises StatusConflict for a job that can no longer be started.
        """
        return type(self).runner(self)

    @property
    def is_final(self) -> bool:
        """Done for good: a final status, and no retry due."""
        return self.status in FINAL and self.retry_after is None

    @property
    def tally(self) -> Counts:
        return Counts.from_dict(self.counts)


class Attempt(models.Model):
    """One try of a job."""

    job = models.ForeignKey(SyncJob, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    worker = models.CharField(max_length=150, blank=True, default="")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=20, blank=True, default="")
    failure = models.JSONField(null=True, blank=True)
    counts = models.JSONField(default=_no_counts)
    phase_seconds = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=("job", "number"), name="one_row_per_attempt"),)

    def __str__(self) -> str:
        return f"#{self.job_id} attempt {self.number}"


class JobEvent(models.Model):
    """One status move; written in the move's own transaction."""

    job = models.ForeignKey(SyncJob, on_delete=models.CASCADE, related_name="events")
    old = models.CharField(max_length=12, blank=True, default="")
    new = models.CharField(max_length=12)
    reason = models.CharField(max_length=500, blank=True, default="")
    actor = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"#{self.job_id} {self.old} → {self.new}"


class JobLog(models.Model):
    """One line of a job's log. Lines of the database copy never hold a secret."""

    job = models.ForeignKey(SyncJob, on_delete=models.CASCADE, related_name="logs", db_index=False)
    attempt = models.PositiveIntegerField(default=0)
    level = models.CharField(max_length=10)
    message = models.TextField()
    fields = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=("job", "id"), name="log_lines_of_a_job"),)

    def __str__(self) -> str:
        return self.message
