"""Sync Job Types, the templates of jobs, and every version that they had."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models

from connectors.models import Connector

LONGEST_TIMEOUT_SECONDS = 7 * 24 * 3600
MOST_RETRIES = 100
LONGEST_QUIET_SECONDS = 24 * 3600


class Overlap(models.TextChoices):
    """What the next job does while one of the same concurrency key is active."""

    QUEUE = "queue", "Wait until it ends"
    SKIP = "skip", "Skip this run"
    ALLOW = "allow", "Run beside it (never two writers on one target stream)"


class SyncJobType(models.Model):
    """A sync described once: source, target, controller, its options, and how its jobs run."""

    config_checks: ClassVar[list[Callable[[SyncJobType], dict[str, list[str]]]]] = []
    """Filled by apps.py, since models know no controllers: each gives {field: messages}."""

    name = models.CharField(max_length=150, blank=True, help_text="For people; the slug where left empty.")
    slug = models.SlugField(max_length=100, unique=True)
    description = models.TextField(blank=True, default="")
    enabled = models.BooleanField(
        default=True, help_text="Off: no schedule, hook, webhook or chain starts it; people, commands and the API may."
    )
    controller = models.CharField(max_length=150, default="stream_sync")
    source_connector = models.ForeignKey(
        Connector, on_delete=models.PROTECT, null=True, blank=True, related_name="source_job_types"
    )
    source_document_type = models.CharField(max_length=255, blank=True, default="")
    keep_tombstones = models.BooleanField(
        default=False, help_text="Keep what a source document (of a Django model) was when it is deleted."
    )
    watch_saves = models.BooleanField(
        default=False, help_text="Start a job for each source document (of a Django model) that is saved or deleted."
    )
    watch_quiet_seconds = models.PositiveIntegerField(
        default=2,
        validators=[MaxValueValidator(LONGEST_QUIET_SECONDS)],
        help_text="Seconds without a further save of a document before its job is made.",
    )
    watch_most_seconds = models.PositiveIntegerField(
        default=30,
        validators=[MaxValueValidator(LONGEST_QUIET_SECONDS)],
        help_text="Seconds after its first save that a job is made at the latest, even if saves never pause.",
    )
    watch_job_saves = models.BooleanField(
        default=False, help_text="Also heed what jobs save, at most 5 hooks deep; otherwise only what others save."
    )
    target_connector = models.ForeignKey(
        Connector, on_delete=models.PROTECT, null=True, blank=True, related_name="target_job_types"
    )
    target_document_type = models.CharField(max_length=255, blank=True, default="")
    config = models.JSONField(default=dict, blank=True)
    queue = models.CharField(max_length=50, default="default")
    timeout = models.PositiveIntegerField(
        default=300,
        validators=[MaxValueValidator(LONGEST_TIMEOUT_SECONDS)],
        help_text="Seconds for one attempt; 0 means no limit.",
    )
    retry_delay = models.PositiveIntegerField(
        default=30, validators=[MaxValueValidator(3600)], help_text="Seconds before the first retry; it doubles."
    )
    max_retries = models.PositiveIntegerField(
        default=3, validators=[MaxValueValidator(MOST_RETRIES)], help_text="0 means no retry."
    )
    verbose_logging = models.BooleanField(default=False)
    insert_enabled = models.BooleanField(default=True)
    update_enabled = models.BooleanField(default=True)
    delete_enabled = models.BooleanField(default=True)
    update_without_changes_enabled = models.BooleanField(default=False)
    overlap = models.CharField(max_length=10, choices=Overlap.choices, default=Overlap.QUEUE)
    guards = models.JSONField(default=dict, blank=True)
    freshness_target = models.PositiveIntegerField(null=True, blank=True, help_text="Seconds.")
    changes_kept = models.PositiveIntegerField(default=100_000, help_text="Record changes kept for each job.")
    retention_days = models.PositiveIntegerField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    resume_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name",)
        verbose_name = "sync job type"
        permissions = (("sql_edit", "Can write custom queries"),)

    def __str__(self) -> str:
        return self.name or self.slug

    def clean(self) -> None:
        """Raises ValidationError naming the field for an unknown queue or controller, and for what the config lacks."""
        if not self.name:
            self.name = self.slug
        problems: dict[str, list[str]] = {}
        if self.queue not in settings.SYNCDECK_QUEUES:
            known = ", ".join(settings.SYNCDECK_QUEUES)
            problems["queue"] = [f"There is no queue '{self.queue}'. Choose one of: {known}."]
        for check in self.config_checks:
            for name, messages in check(self).items():
                problems.setdefault(name, []).extend(messages)
        if problems:
            raise ValidationError(problems)

    def snapshot(self) -> dict[str, Any]:
        """What a version keeps and a job runs by: the public shape of the type, connectors by slug."""
        shape: dict[str, Any] = {name: getattr(self, name) for name in SNAPSHOT_FIELDS}
        shape["source_connector"] = self.source_connector.slug if self.source_connector else None
        shape["target_connector"] = self.target_connector.slug if self.target_connector else None
        return shape


SNAPSHOT_FIELDS = (
    "name",
    "slug",
    "description",
    "enabled",
    "controller",
    "source_document_type",
    "keep_tombstones",
    "watch_saves",
    "watch_quiet_seconds",
    "watch_most_seconds",
    "watch_job_saves",
    "target_document_type",
    "config",
    "queue",
    "timeout",
    "retry_delay",
    "max_retries",
    "verbose_logging",
    "insert_enabled",
    "update_enabled",
    "delete_enabled",
    "update_without_changes_enabled",
    "overlap",
    "guards",
    "freshness_target",
    "changes_kept",
    "retention_days",
)


class JobTypeVersion(models.Model):
    """What a type was at one of its versions; jobs pin the one that they ran."""

    job_type = models.ForeignKey(SyncJobType, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    snapshot = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=150, blank=True, default="")

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=("job_type", "number"), name="one_row_per_job_type_version"),)

    def __str__(self) -> str:
        return f"{self.job_type} v{self.number}"
