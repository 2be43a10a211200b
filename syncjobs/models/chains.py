"""Types that start when another one has finished, and each such start: asked for by the job's end, made afterwards."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from syncjobs.models.job_types import SyncJobType
from syncjobs.models.jobs import SyncJob


class Chain(models.Model):
    """When a job of `from_type` has ended as `when` says, one of `to_type` starts."""

    class When(models.TextChoices):
        SUCCESS = "success", "It succeeded"
        CHANGE = "change", "It succeeded and changed something"
        ALWAYS = "always", "It ended, well or not"

    from_type = models.ForeignKey(SyncJobType, on_delete=models.CASCADE, related_name="chains")
    to_type = models.ForeignKey(SyncJobType, on_delete=models.CASCADE, related_name="chains_to_it")
    when = models.CharField(max_length=10, choices=When.choices, default=When.SUCCESS)
    enabled = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    created_by = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("from_type__name", "to_type__name")
        constraints = (
            models.UniqueConstraint(fields=("from_type", "to_type"), name="one_chain_from_type_to_type"),
            models.CheckConstraint(condition=~Q(from_type=F("to_type")), name="no_chain_from_a_type_to_itself"),
        )

    def __str__(self) -> str:
        return f"{self.from_type} → {self.to_type}"


class ChainStart(models.Model):
    """What one ended job asks of one chain. Its row is written in the transaction that ends the job."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        STARTED = "started", "Started"
        NOT_STARTED = "not_started", "Not started"
        CHILDREN_FAILED = "children_failed", "Waits for failed child jobs"

    chain = models.ForeignKey(Chain, on_delete=models.CASCADE, related_name="starts")
    job = models.ForeignKey(SyncJob, on_delete=models.CASCADE, related_name="chain_starts")
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=300, blank=True, default="")
    started_job = models.OneToOneField(
        SyncJob, on_delete=models.SET_NULL, null=True, blank=True, related_name="chain_start"
    )
    due_at = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("chain", "job"), name="one_start_per_chain_and_job"),)
        indexes = (models.Index(fields=("due_at",), condition=Q(state="waiting"), name="waiting_chain_starts"),)

    def __str__(self) -> str:
        return f"#{self.job_id}: {self.chain}"
