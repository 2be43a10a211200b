"""Addresses at which other programs start a type by a signed request, and what arrived at each."""

from __future__ import annotations

import secrets
import uuid

from django.db import models
from django.db.models import Q

from connectors.secrets import EncryptedField
from syncjobs.models.job_types import SyncJobType
from syncjobs.models.jobs import SyncJob


def new_public_id() -> str:
    """What nobody guesses: 144 random bits."""
    return secrets.token_urlsafe(18)


class Webhook(models.Model):
    """One address of a type. `secrets` has `current` and, for a while after a rotation, `previous`."""

    public_id = models.CharField(max_length=64, unique=True, editable=False, default=new_public_id)
    job_type = models.ForeignKey(SyncJobType, on_delete=models.CASCADE, related_name="webhooks")
    name = models.CharField(max_length=100)
    enabled = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    secret_scope = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    secrets = EncryptedField()
    rotated_at = models.DateTimeField(null=True, blank=True)
    previous_until = models.DateTimeField(null=True, blank=True)
    overrides = models.JSONField(default=dict, blank=True)
    context_fields = models.JSONField(default=list, blank=True)
    endpoints_field = models.CharField(max_length=100, blank=True, default="")
    start_date_field = models.CharField(max_length=100, blank=True, default="")
    end_date_field = models.CharField(max_length=100, blank=True, default="")
    created_by = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("job_type__name", "name")
        constraints = (models.UniqueConstraint(fields=("job_type", "name"), name="one_webhook_per_type_and_name"),)

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> str:
        """Where it is, below the address of the installation."""
        return f"/hooks/{self.public_id}/"


class WebhookDelivery(models.Model):
    """A signed request and its job, or why it has none; of requests that nobody signed one row for each reason.

    The sender's own id of a delivery counts once for each webhook, and so do the signed bytes.
    """

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        REFUSED = "refused", "Refused"

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    delivery_id = models.CharField(max_length=100, blank=True, default="")  # empty: it was not signed
    signed_digest = models.CharField(max_length=64, blank=True, default="")
    body_digest = models.CharField(max_length=64, blank=True, default="")
    job = models.ForeignKey(SyncJob, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    reason = models.CharField(max_length=300, blank=True, default="")
    repeats = models.PositiveIntegerField(default=0)
    received_at = models.DateTimeField()
    last_received_at = models.DateTimeField()

    class Meta:
        ordering = ("-last_received_at", "-id")
        verbose_name_plural = "webhook deliveries"
        constraints = (
            models.UniqueConstraint(
                fields=("webhook", "delivery_id"), condition=~Q(delivery_id=""), name="one_row_per_webhook_delivery"
            ),
            models.UniqueConstraint(
                fields=("webhook", "signed_digest"),
                condition=~Q(signed_digest=""),
                name="one_row_per_signed_webhook_request",
            ),
            models.UniqueConstraint(
                fields=("webhook", "reason"), condition=Q(delivery_id=""), name="one_row_per_unsigned_webhook_reason"
            ),
        )
        indexes = (models.Index(fields=("webhook", "-last_received_at"), name="newest_webhook_deliveries"),)

    def __str__(self) -> str:
        return self.delivery_id or self.reason
