"""Plans: what a dry run would change, sealed until it is applied; and what could not be applied or reverted."""

from __future__ import annotations

from django.db import models

from syncjobs.models.changes import JobBatch
from syncjobs.models.jobs import SyncJob


class Plan(models.Model):
    """The changes of one dry run, to be approved and then applied exactly.

    `digest` is over all of them. `basis` holds a digest of each part of the configuration that they follow from. A plan
    that can not be approved says why in `refusal`.
    """

    class State(models.TextChoices):
        SEALED = "sealed", "Sealed"
        APPROVED = "approved", "Approved"
        APPLIED = "applied", "Applied"
        REFUSED = "refused", "Not to be approved"

    job = models.OneToOneField(SyncJob, on_delete=models.CASCADE, related_name="plan")
    state = models.CharField(max_length=10, choices=State.choices, default=State.SEALED)
    refusal = models.CharField(max_length=500, blank=True, default="")
    digest = models.CharField(max_length=64, blank=True, default="")
    changes = models.PositiveBigIntegerField(default=0)
    basis = models.JSONField(default=dict)
    sealed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=150, blank=True, default="")
    applied_job = models.ForeignKey(SyncJob, on_delete=models.SET_NULL, related_name="+", null=True)

    def __str__(self) -> str:
        return f"Plan of #{self.job_id}"


class Conflict(models.Model):
    """A change that a plan or a reversal did not make, since the target's record was not as it expected.

    `fields` is {name: [expected, found]} of what differs.
    """

    class Reason(models.TextChoices):
        EXISTS = "exists", "A record with this key is there already"
        GONE = "gone", "The record is gone"
        CHANGED = "changed", "The record was changed since"

    job = models.ForeignKey(SyncJob, on_delete=models.CASCADE, related_name="conflicts", db_index=False)
    batch = models.ForeignKey(JobBatch, on_delete=models.CASCADE, related_name="conflicts")
    stream = models.CharField(max_length=255)
    key = models.JSONField()
    operation = models.CharField(max_length=10)
    reason = models.CharField(max_length=10, choices=Reason.choices)
    fields = models.JSONField(default=dict)

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=("job", "id"), name="conflicts_of_a_job"),)

    def __str__(self) -> str:
        return f"#{self.job_id} {self.operation} {self.key}: {self.reason}"
