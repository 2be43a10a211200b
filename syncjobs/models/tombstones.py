"""What deleted source documents were, for controllers that clean up after them."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models


class Tombstone(models.Model):
    """The last state of one deleted document of a watched model: `fields` as Django's serializer writes them."""

    document_type = models.CharField(max_length=255)
    document_name = models.CharField(max_length=255)
    fields = models.JSONField(encoder=DjangoJSONEncoder)
    deleted_at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("document_type", "document_name"), name="one_tombstone_per_document"),
        )

    def __str__(self) -> str:
        return f"{self.document_type} {self.document_name}"
