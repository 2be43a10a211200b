"""Saves and deletes of watched documents, until a job serves them and as long as somebody may ask which one did."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from syncjobs.models.job_types import SyncJobType
from syncjobs.models.jobs import SyncJob


class InboxEntry(models.Model):
    """One save of one document, for one type that watches it; waiting until `served_at`, and then by `job`.

    Written in the transaction of the save. No foreign key is the database's own, so that a type or job that somebody
    deletes meanwhile can not make the save fail.
    """

    class Operation(models.TextChoices):
        INSERT = "insert", "Insert"
        UPDATE = "update", "Update"
        DELETE = "delete", "Delete"

    job_type = models.ForeignKey(
        SyncJobType, on_delete=models.CASCADE, related_name="inbox", db_constraint=False, db_index=False
    )
    document_type = models.CharField(max_length=255)
    document_name = models.CharField(max_length=255)
    operation = models.CharField(max_length=10, choices=Operation.choices)
    saved_at = models.DateTimeField()
    saved_by = models.CharField(max_length=150, blank=True, default="")
    request_id = models.CharField(max_length=100, blank=True, default="")
    saved_in = models.PositiveBigIntegerField(null=True, blank=True)  # the job that saved it
    depth = models.PositiveSmallIntegerField(default=0)  # hooks on the way from a save outside of jobs
    served_at = models.DateTimeField(null=True, blank=True)
    job = models.ForeignKey(
        SyncJob, on_delete=models.CASCADE, null=True, blank=True, related_name="served", db_constraint=False
    )

    class Meta:
        ordering = ("id",)
        verbose_name_plural = "inbox entries"
        indexes = (
            models.Index(
                fields=("job_type", "document_name", "document_type", "saved_at"),
                condition=Q(served_at__isnull=True),
                name="waiting_saves_by_document",
            ),
            models.Index(
                fields=("job_type", "served_at"), condition=Q(served_at__isnull=False), name="served_saves_of_a_type"
            ),
        )

    def __str__(self) -> str:
        return f"{self.operation} of {self.document_type} {self.document_name}"
