"""When types run by the clock, and how far each of their streams has come."""

from __future__ import annotations

from django.db import models
from django_celery_beat.models import PeriodicTask

from syncjobs.models.job_types import SyncJobType
from syncjobs.models.jobs import SyncJob


class Schedule(models.Model):
    """The one job type behind a beat row. The rule (interval, crontab, clocked) is the beat row's own."""

    class CatchUp(models.TextChoices):
        NONE = "none", "Skip runs that were missed"
        LATEST = "latest", "Run once for all that were missed"

    periodic_task = models.OneToOneField(PeriodicTask, on_delete=models.CASCADE, related_name="sync_schedule")
    job_type = models.ForeignKey(SyncJobType, on_delete=models.CASCADE, related_name="schedules")
    overrides = models.JSONField(default=dict, blank=True)
    catch_up = models.CharField(max_length=10, choices=CatchUp.choices, default=CatchUp.LATEST)
    last_due_at = models.DateTimeField(null=True, blank=True)
    paused_reason = models.CharField(max_length=500, blank=True, default="")  # why it switched itself off
    paused_after_job = models.PositiveBigIntegerField(null=True, blank=True)  # up to which its failures are settled
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("job_type__name", "id")

    def __str__(self) -> str:
        return str(self.periodic_task.name)


class StreamCursor(models.Model):
    """Append-only ledger: from where to where a finished job moved a stream's cursor; a rewind picks an older entry.

    `actor` and `reason` are of the person who set it; empty where a job moved it.
    """

    job_type = models.ForeignKey(SyncJobType, on_delete=models.CASCADE, related_name="cursors")
    stream = models.CharField(max_length=255)
    field = models.CharField(max_length=255, blank=True, default="")
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)
    rows = models.PositiveBigIntegerField(default=0)
    job = models.ForeignKey(SyncJob, on_delete=models.SET_NULL, null=True, related_name="+")
    actor = models.CharField(max_length=150, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("job_type", "stream", "-id"), name="cursor_ledger_of_a_stream"),)

    def __str__(self) -> str:
        return f"{self.stream}: {self.new}"
