"""What is synced while document jobs are measured, and the row that a bare Celery task keeps for comparison."""

from __future__ import annotations

from django.db import models


class Account(models.Model):
    """A source document."""

    name = models.CharField(max_length=100)
    city = models.CharField(max_length=100)
    balance = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        app_label = "ledger"

    def __str__(self) -> str:
        return self.name


class MirroredAccount(models.Model):
    """A target document; `writes` tells how often it was written."""

    name = models.CharField(max_length=100)
    city = models.CharField(max_length=100)
    balance = models.DecimalField(max_digits=12, decimal_places=2)
    writes = models.PositiveIntegerField(default=0)

    class Meta:
        app_label = "ledger"

    def __str__(self) -> str:
        return self.name


class PlainJob(models.Model):
    """What the bare tasks write: three times each."""

    status = models.CharField(max_length=12, default="queued")
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "ledger"

    def __str__(self) -> str:
        return f"{self.pk} {self.status}"
