"""Tombstones: a deleted document of a Django model as it last was, so that a job can still read it."""

from __future__ import annotations

import math
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import models

from syncjobs.models import Tombstone


def bury(document: models.Model, masked: Collection[str], now: datetime) -> Tombstone:
    """Keep what a document is that is being deleted, without its masked fields."""
    fields = [field for field in document._meta.concrete_fields if field.name not in masked and not field.generated]
    tombstone, _ = Tombstone.objects.update_or_create(
        document_type=document._meta.label,
        document_name=str(document.pk),
        defaults={"fields": {field.attname: _kept(field, document) for field in fields}, "deleted_at": now},
    )
    return tombstone


def read_tombstone(document_type: str, name: str) -> models.Model | None:
    """The deleted document as an unsaved instance; None where none is kept. Masked fields have their defaults."""
    tombstone = Tombstone.objects.filter(document_type=document_type, document_name=name).first()
    if tombstone is None:
        return None
    document: models.Model = apps.get_model(document_type)()
    for field in document._meta.concrete_fields:
        if field.attname in tombstone.fields:  # a field that is newer than the tombstone keeps its default
            setattr(document, field.attname, field.to_python(tombstone.fields[field.attname]))
    return document


def _kept(field: models.Field[Any, Any], document: models.Model) -> Any:
    """The value as JSON keeps it and `to_python` reads it again; times with their microseconds."""
    value = field.value_from_object(document)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return field.value_to_string(document)
