"""The child jobs of a relay, in chunks: each place is taken once, however often the parent starts again."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from syncjobs.lifecycle.alike_rows import insert_alike
from syncjobs.lifecycle.chunks import in_chunks
from syncjobs.lifecycle.moves import StatusConflict
from syncjobs.lifecycle.nudges import nudge_dispatcher
from syncjobs.models import JobEvent, SyncJob
from syncjobs.statuses import Status, Trigger

INHERITED = (
    "title",
    "job_type_id",
    "type_version_id",
    "source_document_type",
    "source_document_name",
    "dry_run",
    "insert_enabled",
    "update_enabled",
    "delete_enabled",
    "update_without_changes_enabled",
    "queue",
    "timeout",
    "retry_delay",
    "max_retries",
    "verbose_logging",
    "priority",
    "config_snapshot",
    "triggered_by_document_type",
    "triggered_by_document_name",
    "trigger_document_timestamp",
    "triggered_by_id",
)
TARGET = ("operation", "target_document_type", "target_document_name")


def create_children(
    parent: SyncJob,
    children: Iterable[Mapping[str, Any]],
    now: datetime,
    on_other_target: Callable[[int], object] | None = None,
) -> int:
    """Create a relay's child jobs in chunks; those that exist (same parent and position) are left as they are.

    Each item holds the columns of one child besides what it inherits. Returns how many children there are in all;
    `on_other_target` hears the position of each that exists, but with another target than the list has there now.
    Raises StatusConflict, and makes no more, if the parent is no longer the caller's.
    """
    shared = {name: getattr(parent, name) for name in INHERITED} | {
        "parent_id": parent.pk,
        "trigger_type": Trigger.RELAY.value,
        "status": Status.QUEUED.value,
        "created_at": now,
        "available_at": now,
    }
    for chunk in in_chunks(enumerate(children)):
        wanted = dict(chunk)
        with transaction.atomic():
            _stay_owner(parent)
            present = _present(parent, wanted)
            _insert(parent, shared, {place: wanted[place] for place in wanted if place not in present}, now)
        for place, target in present.items():
            if on_other_target is not None and _differs(wanted[place], target):
                on_other_target(place)
    return parent.children.count()


def _stay_owner(parent: SyncJob) -> None:
    """Nobody else makes children of this parent until our transaction ends."""
    same = SyncJob.objects.filter(pk=parent.pk, status=parent.status, fence=parent.fence)
    if not same.select_for_update(no_key=True).exists():
        raise StatusConflict(SyncJob.objects.get(pk=parent.pk), Status.RELAYED)


def _present(parent: SyncJob, wanted: Mapping[int, Any]) -> dict[int, tuple[str, ...]]:
    rows = parent.children.filter(position__range=(min(wanted), max(wanted))).order_by()
    return {place: target for place, *target in rows.values_list("position", *TARGET)}


def _differs(wanted: Mapping[str, Any], target: tuple[str, ...]) -> bool:
    return any(wanted.get(name, value) != value for name, value in zip(TARGET, target, strict=True))


def _insert(parent: SyncJob, shared: Mapping[str, Any], wanted: Mapping[int, Mapping[str, Any]], now: datetime) -> None:
    if not wanted:
        return
    rows = [dict(child) | {"position": place, "token": uuid.uuid4()} for place, child in wanted.items()]
    for row in rows:
        if "title" in row:
            row["title"] = row["title"][:300]
    insert_alike(SyncJob, shared, rows)
    inside = parent.children.filter(position__range=(min(wanted), max(wanted))).order_by("position")
    made = [(pk, place) for pk, place in inside.values_list("pk", "position") if place in wanted]
    first = {"old": "", "new": Status.QUEUED.value, "actor": "relay", "created_at": now}
    reasons = [{"job_id": pk, "reason": f"child {place} of job #{parent.pk}"} for pk, place in made]
    insert_alike(JobEvent, first, reasons)
    nudge_dispatcher()
