"""What jobs changed, record by record, and the batches that hold those changes together."""

from __future__ import annotations

from django.db import models

from syncjobs.models.jobs import SyncJob


class JobBatch(models.Model):
    """One batch of a job's stream; open until the target has its rows for certain."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        COMMITTED = "committed", "Committed"

    job = models.ForeignKey(SyncJob, on_delete=models.CASCADE, related_name="batches")
    stream = models.CharField(max_length=255)
    batch_no = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    counts = models.JSONField(default=dict)
    checkpoint = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("job", "stream", "batch_no"), name="one_row_per_job_batch"),)

    def __str__(self) -> str:
        return f"#{self.job_id} {self.stream} batch {self.batch_no}"


class Change(models.Model):
    """One record's insert, update or delete: `fields` is {name: [old, new]}, `key_hash` 64 bits of its key."""

    # No constraint on either: to look the job up for each of millions of changes is a third of what it takes to store
    # them. Whoever stores many looks once; whoever removes a job or a batch has removed its changes.
    job = models.ForeignKey(
        SyncJob, on_delete=models.CASCADE, related_name="changes", db_index=False, db_constraint=False
    )
    # Found by job, never by batch, so there is no index.
    batch = models.ForeignKey(
        JobBatch, on_delete=models.DO_NOTHING, related_name="changes", null=True, db_index=False, db_constraint=False
    )
    stream = models.CharField(max_length=255)
    key = models.JSONField()
    key_hash = models.BigIntegerField()
    operation = models.CharField(max_length=10)
    fields = models.JSONField(default=dict)

    class Meta:
        ordering = ("id",)
        indexes = (
            models.Index(fields=("job", "id"), name="changes_of_a_job"),
            models.Index(fields=("key_hash", "id"), name="changes_of_a_record"),
        )

    def __str__(self) -> str:
        return f"#{self.job_id} {self.operation} {self.key}"
