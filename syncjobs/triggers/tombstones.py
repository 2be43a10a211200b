"""Hears of deleted documents, so that their tombstones are kept. Starts no job."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import models
from django.db.models.signals import post_delete

from syncjobs.operations.tombstones import keep_tombstone
from syncjobs.operations.watched_models import OURS


def watch_deletions() -> None:
    """Listen to every model of the other apps; whether a type wants its tombstones is asked at each deletion."""
    for model in apps.get_models():
        if model._meta.app_label not in OURS:
            post_delete.connect(_hear_of_deletion, sender=model, dispatch_uid=f"tombstone {model._meta.label}")


def _hear_of_deletion(instance: models.Model, **_signal: Any) -> None:
    keep_tombstone(instance)
