"""What was seeded once, so that a default which somebody edited or deleted is left alone ever after."""

from __future__ import annotations

from django.db import models


class SeededDefault(models.Model):
    """One default that was made here. `digest` is that of its content as seeded, credentials excluded."""

    class Kind(models.TextChoices):
        CONNECTOR = "connector", "Connector"
        JOB_TYPE = "job_type", "Sync job type"
        SCHEDULE = "schedule", "Schedule"
        ROLE = "role", "Role"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    slug = models.CharField(max_length=150)
    digest = models.CharField(max_length=64)
    version = models.PositiveIntegerField(default=1, help_text="The row's version after it was seeded.")
    seeded_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("kind", "slug")
        constraints = (models.UniqueConstraint(fields=("kind", "slug"), name="one_row_per_seeded_default"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.slug}"
