"""Records that could not be written, kept with their reason until they are replayed, healed or dismissed."""

from __future__ import annotations

import json
from typing import Any

from django.db import models

from syncjobs.models.changes import JobBatch
from syncjobs.models.job_types import SyncJobType
from syncjobs.models.jobs import SyncJob


class RejectQuerySet(models.QuerySet["Reject"]):
    """Rejects by what an operator asks."""

    def settled(self) -> RejectQuerySet:
        """Without those of a batch that may still be dropped."""
        return self.filter(batch__state=JobBatch.State.COMMITTED.value)

    def waiting(self) -> RejectQuerySet:
        """What somebody has to do something about; what a dry run found is only told with its job."""
        return self.settled().filter(state=Reject.State.OPEN.value, job__dry_run=False)


class Reject(models.Model):
    """One source record that a job could not write.

    `key` and `key_hash` are those of the target; the hash is null where the key could not be made out, and such a
    reject can not heal. `pattern` is the message without what is this record's own; equal ones have one `fingerprint`.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        REPLAYED = "replayed", "Replayed"
        HEALED = "healed", "Healed"
        DISMISSED = "dismissed", "Dismissed"

    job_type = models.ForeignKey(SyncJobType, on_delete=models.CASCADE, related_name="rejects", db_index=False)
    job = models.ForeignKey(SyncJob, on_delete=models.CASCADE, related_name="rejects", db_index=False)
    batch = models.ForeignKey(JobBatch, on_delete=models.CASCADE, related_name="rejects")
    stream = models.CharField(max_length=255)
    key = models.JSONField(default=dict)
    key_hash = models.BigIntegerField(null=True)
    # JSON as text: unlike a JSON column it keeps NUL, NaN and halves of surrogate pairs, which led many a record here.
    record = models.TextField()
    is_whole = models.BooleanField(default=True, help_text="Whether the record is kept unmasked and uncut.")
    field = models.CharField(max_length=255, blank=True, default="")
    code = models.CharField(max_length=50)
    message = models.TextField()
    pattern = models.TextField()
    fingerprint = models.CharField(max_length=32)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField()
    # The batch that will have closed it once it is committed; a batch that goes leaves nothing to tidy up.
    closing_batch = models.ForeignKey(
        JobBatch, on_delete=models.DO_NOTHING, related_name="+", null=True, db_constraint=False
    )
    closed_at = models.DateTimeField(null=True)
    closed_by_job = models.ForeignKey(SyncJob, on_delete=models.SET_NULL, related_name="+", null=True)
    closed_by = models.CharField(max_length=150, blank=True, default="")
    closing_reason = models.CharField(max_length=300, blank=True, default="")

    objects = RejectQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        indexes = (
            models.Index(fields=("job", "id"), name="rejects_of_a_job"),
            models.Index(fields=("key_hash", "id"), name="rejects_of_a_record"),
            models.Index(fields=("state", "-id"), name="newest_rejects_by_state"),
            models.Index(
                fields=("job_type", "stream", "key_hash"),
                condition=models.Q(state="open"),
                name="open_rejects_by_key",
            ),
        )

    def __str__(self) -> str:
        return f"#{self.job_id} {self.stream} {self.key}: {self.message}"

    @property
    def values(self) -> dict[str, Any]:
        """The source record by column, in JSON forms."""
        found: dict[str, Any] = json.loads(self.record)
        return found
