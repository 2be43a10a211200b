"""What was last seen of the world: workers and other programs, and the schemas of sources."""

from __future__ import annotations

from django.db import models

from syncjobs.models.job_types import SyncJobType
from syncjobs.models.jobs import SyncJob


class WorkerSeen(models.Model):
    """A worker that reported: its queues, how many jobs it takes at once, and when it last spoke."""

    name = models.CharField(max_length=150, unique=True)
    queues = models.JSONField(default=list)
    slots = models.PositiveIntegerField(default=1)
    last_seen_at = models.DateTimeField()
    host = models.CharField(max_length=255, blank=True, default="")
    version = models.CharField(max_length=50, blank=True, default="")
    processes = models.JSONField(default=list)  # the numbers of those that run its jobs, as in a job's lease_owner

    class Meta:
        ordering = ("name",)
        verbose_name_plural = "workers seen"

    def __str__(self) -> str:
        return self.name


class ProgramSeen(models.Model):
    """A dispatcher or a beat that reported; a dispatcher tells, too, how it last found the broker."""

    class Role(models.TextChoices):
        DISPATCHER = "dispatcher", "Dispatcher"
        BEAT = "beat", "Beat"

    role = models.CharField(max_length=10, choices=Role.choices)
    name = models.CharField(max_length=300)  # host:process
    host = models.CharField(max_length=255)
    version = models.CharField(max_length=50, blank=True, default="")
    started_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    broker_ok = models.BooleanField(null=True)  # None: it has not sent anything yet
    broker_seen_at = models.DateTimeField(null=True)
    broker_message = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ("role", "name")
        verbose_name_plural = "programs seen"
        constraints = (models.UniqueConstraint(fields=("role", "name"), name="one_row_per_program"),)

    def __str__(self) -> str:
        return f"{self.role} {self.name}"


class SchemaSnapshot(models.Model):
    """Append-only history of a source stream's schema, as the runs of a type met it; the newest row comes first.

    `fields` is {name: type} of all its columns, whatever their order; runs leave the `ignored` ones out. `differences`
    is what became of the row before: {"dropped": {name: type}, "added": …, "changed": {name: [old, new]}}. A schema
    that stopped a run is kept, but not accepted unless a person does it (`accepted_by`): the next run is compared with
    the newest accepted one.
    """

    job_type = models.ForeignKey(SyncJobType, on_delete=models.CASCADE, related_name="schema_snapshots")
    stream = models.CharField(max_length=255)
    fields = models.JSONField()
    ignored = models.JSONField(default=list)
    differences = models.JSONField(default=dict)
    is_accepted = models.BooleanField(default=True)
    accepted_by = models.CharField(max_length=150, blank=True, default="")
    first_seen_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    job = models.ForeignKey(SyncJob, on_delete=models.SET_NULL, null=True, related_name="+")  # the first that met it

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("job_type", "stream", "-id"), name="schemas_of_a_stream"),)

    def __str__(self) -> str:
        return f"{self.job_type}: {self.stream}"
