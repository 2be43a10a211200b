"""The inbox of document hooks: what a save leaves there, and for how long it stays. Jobs are made by triggers.inbox."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Exists, Max, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from syncjobs.asking import Door, present_asker
from syncjobs.clock import db_now
from syncjobs.lifecycle.nudges import nudge_for_inbox
from syncjobs.log_context import bound_fields
from syncjobs.models import InboxEntry, JobLog, SyncJobType
from syncjobs.operations.watched_models import Watcher, parts_of, watchers_by_model

logger = logging.getLogger("syncjobs.inbox")
MOST_DEEP = 5
LONGEST_NAME = 240  # so that a dedupe key holds it
SERVED_KEPT = timedelta(days=30)
ROWS_AT_ONCE = 5_000


def entries_of(document: models.Model, operation: InboxEntry.Operation) -> list[InboxEntry]:
    """An entry, not yet stored, for each type that watches the document and heeds whoever saves it."""
    watching = list(_watching(document, is_deleted=operation == InboxEntry.Operation.DELETE))
    job_id: Any = bound_fields().get("sync_id")
    depth = 0
    if job_id is not None:
        watching = [found for found in watching if found[0].heeds_jobs]
        depth = _depth_within(job_id) if watching else 0
        if depth > MOST_DEEP:
            _tell_too_deep(job_id, document)
            return []
    shared = {"operation": operation, "depth": depth, "saved_in": job_id, **_saver(), "saved_at": _now()}
    return [
        InboxEntry(job_type_id=watcher.job_type_id, document_type=label, document_name=name, **shared)
        for watcher, label, name in watching
    ]


def keep_entries(entries: list[InboxEntry]) -> None:
    """Store them in the present transaction; the dispatcher hears of it after its commit."""
    if entries:
        InboxEntry.objects.bulk_create(entries)
        transaction.on_commit(nudge_for_inbox, robust=True)


def _watching(document: models.Model, *, is_deleted: bool) -> Iterator[tuple[Watcher, str, str]]:
    """Each type with the document's type and name; a deleted document's parents are told of by themselves."""
    watchers = watchers_by_model()
    for label, model in parts_of(type(document)):
        if is_deleted and model is not document._meta.concrete_model and model is not type(document):
            continue
        for watcher in watchers.get(label.lower(), ()):
            name = str(getattr(document, model._meta.pk.attname))
            if len(name) > LONGEST_NAME or "\0" in name:
                logger.warning("A save of %s starts no job: no job can have its primary key as a name", label)
                continue
            yield watcher, label, name


def _depth_within(job_id: int) -> int:
    """How many hooks lead to a save that this job makes; a child job counts with its parent."""
    led_to_it = InboxEntry.objects.filter(Q(job=job_id) | Q(job__children=job_id))
    deepest = led_to_it.aggregate(deepest=Max("depth"))["deepest"]
    return 1 + (deepest or 0)


def _tell_too_deep(job_id: int, document: models.Model) -> None:
    text = f"The save of {document._meta.label} {document.pk} starts no job: it is {MOST_DEEP} hooks deep already"
    logger.warning("%s", text)
    attempt: Any = bound_fields().get("attempt", 0)
    JobLog.objects.create(job_id=job_id, attempt=attempt, level="WARNING", message=text, created_at=db_now())


def _saver() -> dict[str, str]:
    """Who saves, as far as the door knows it, and in which request."""
    asker = present_asker()
    who = "" if asker.door is Door.SYSTEM else asker.name()
    return {"saved_by": who[:150], "request_id": str(bound_fields().get("request_id", ""))[:100]}


def _now() -> Any:
    """The clock of `db_now`, without asking for it apart."""
    return Now() if connection.vendor == "postgresql" else timezone.now()


def waiting_entries(job_type: SyncJobType) -> models.QuerySet[InboxEntry, InboxEntry]:
    """What no job has served yet."""
    return InboxEntry.objects.filter(job_type=job_type, served_at__isnull=True)


def prune_inbox(*, now: datetime) -> int:
    """Remove entries that were served long ago, and those whose type is gone; returns how many."""
    removed = 0
    for job_type in SyncJobType.objects.order_by("pk"):
        removed += remove_entries(InboxEntry.objects.filter(job_type=job_type, served_at__lt=now - SERVED_KEPT))
    has_type = Exists(SyncJobType.objects.filter(pk=OuterRef("job_type_id")))
    return removed + remove_entries(InboxEntry.objects.filter(~has_type, served_at__isnull=True))


def remove_entries(entries: models.QuerySet[InboxEntry, InboxEntry]) -> int:
    """Delete them in short transactions; returns how many there were."""
    removed = 0
    while portion := list(entries.order_by("pk").values_list("pk", flat=True)[:ROWS_AT_ONCE]):
        removed += InboxEntry.objects.filter(pk__in=portion).delete()[0]
    return removed
