"""Edits of rows that count them: each is of the version that somebody has read, or refused."""

from __future__ import annotations

from django.db.models import F

from connectors.models import EditConflict
from syncjobs.models import Chain, Schedule, Webhook


def take_next_version(row: Schedule | Webhook | Chain) -> None:
    """Raise EditConflict where the row is not the version that was read."""
    model = type(row)
    same = model._default_manager.filter(pk=row.pk, version=row.version)
    if not same.update(version=F("version") + 1):
        raise EditConflict(f"the {model._meta.verbose_name} '{row}' was changed by someone else; load it again")
    row.version += 1
