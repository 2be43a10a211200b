"""What was last seen of the world: workers, and the schemas of sources."""

from __future__ import annotations

from django.db import models

from syncjobs.models.job_types import SyncJobType


class WorkerSeen(models.Model):
    """A worker that reported: its queues, how many jobs it takes at once, and when it last spoke."""

    name = models.CharField(max_length=150, unique=True)
    queues = models.JSONField(default=list)
    slots = models.PositiveIntegerField(default=1)
    last_seen_at = models.DateTimeField()

    class Meta:
        ordering = ("name",)
        verbose_name_plural = "workers seen"

    def __str__(self) -> str:
        return self.name


class SchemaSnapshot(models.Model):
    """The source schema that a type's stream last had: `fields` is {name: type}."""

    job_type = models.ForeignKey(SyncJobType, on_delete=models.CASCADE, related_name="schema_snapshots")
    stream = models.CharField(max_length=255)
    fields = models.JSONField()
    seen_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("job_type", "stream"), name="one_schema_per_stream"),)

    def __str__(self) -> str:
        return f"{self.job_type}: {self.stream}"
