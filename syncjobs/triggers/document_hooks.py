"""Hears of saved and deleted documents, for the types that watch them. Starts no job: the inbox does, later."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from django.db import DEFAULT_DB_ALIAS, models, router, transaction
from django.db.models.signals import post_delete, post_save

from syncjobs.models import InboxEntry, SyncJobType
from syncjobs.operations.inbox import entries_of, keep_entries
from syncjobs.operations.watched_models import documents, forget_watchers, is_watched


def watch_documents() -> None:
    """Listen to every model that may have documents; whether a type watches it is asked at each save."""
    for model in documents():
        label = model._meta.label
        post_save.connect(_hear_of_save, sender=model, dispatch_uid=f"hook on save of {label}")
        post_delete.connect(_hear_of_deletion, sender=model, dispatch_uid=f"hook on deletion of {label}")
    for signal in (post_save, post_delete):
        signal.connect(_hear_of_type, sender=SyncJobType, dispatch_uid="watched models")
    if not hasattr(models.Model.save_base, "__wrapped__"):
        models.Model.save_base = _together_with_entry(models.Model.save_base)  # type: ignore[method-assign]


def _together_with_entry(save_base: Callable[..., None]) -> Callable[..., None]:
    """Have a watched document and its entry committed together.

    Outside of a transaction Django commits a save before post_save, and a process killed in between would lose it; no
    signal comes early enough to begin a transaction and late enough to end it.
    """

    @wraps(save_base)
    def save(document: models.Model, *args: Any, **kwargs: Any) -> None:
        using = kwargs.get("using") or router.db_for_write(type(document), instance=document)
        if using != DEFAULT_DB_ALIAS or not is_watched(type(document)):
            return save_base(document, *args, **kwargs)
        with transaction.atomic(using=using, savepoint=False):
            return save_base(document, *args, **kwargs)

    return save


def _hear_of_save(instance: models.Model, created: bool, using: str, **_signal: Any) -> None:
    _hear(instance, InboxEntry.Operation.INSERT if created else InboxEntry.Operation.UPDATE, using)


def _hear_of_deletion(instance: models.Model, using: str, **_signal: Any) -> None:
    _hear(instance, InboxEntry.Operation.DELETE, using)


def _hear(document: models.Model, operation: InboxEntry.Operation, using: str) -> None:
    """Note it now where that is one transaction; of a document elsewhere only once its own is committed."""
    if not is_watched(type(document)):
        return
    entries = entries_of(document, operation)
    if using == DEFAULT_DB_ALIAS:
        keep_entries(entries)
    else:
        transaction.on_commit(partial(keep_entries, entries), using=using, robust=True)


def _hear_of_type(**_signal: Any) -> None:
    forget_watchers()
