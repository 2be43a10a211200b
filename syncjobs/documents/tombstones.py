"""Tombstones: a deleted document of a Django model as it last was, so that a job can still read it."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.core import serializers
from django.db import models

from syncjobs.models import Tombstone


def bury(document: models.Model, masked: Collection[str], now: datetime) -> Tombstone:
    """Keep what a document is that is being deleted, without its masked fields."""
    names = [field.name for field in document._meta.concrete_fields if field.name not in masked]
    (kept,) = json.loads(serializers.serialize("json", [document], fields=names))
    tombstone, _ = Tombstone.objects.update_or_create(
        document_type=document._meta.label,
        document_name=str(document.pk),
        defaults={"fields": kept, "deleted_at": now},
    )
    return tombstone


def read_tombstone(document_type: str, name: str) -> models.Model | None:
    """The deleted document as an unsaved instance; None where none is kept."""
    tombstone = Tombstone.objects.filter(document_type=document_type, document_name=name).first()
    if tombstone is None:
        return None
    # A field that the model no longer has is left out.
    (found,) = serializers.deserialize("python", [tombstone.fields], ignorenonexistent=True)
    document: Any = found.object
    return document if isinstance(document, models.Model) else None
