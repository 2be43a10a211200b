"""Deletes connectors that nothing uses, and job types with all that was kept of them. Records of targets stay."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import F, Q

from connectors import deleting
from connectors.asides import AsideWriter
from connectors.base import WriteRequest
from connectors.deleting import ConnectorInUse
from connectors.errors import SyncError
from connectors.models import Connector, EditConflict
from syncjobs.clock import db_now
from syncjobs.lifecycle.deleting import delete_rows
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.auditing import record
from syncjobs.operations.connector_entries import connector_values
from syncjobs.operations.schedules import delete_schedule
from syncjobs.statuses import ACTIVE

__all__ = ["ConnectorInUse", "TypeInUse", "delete_connector", "delete_job_type", "users_of", "why_not_deleted"]

logger = logging.getLogger(__name__)
MOST_NAMED = 5
IS_ACTIVE = Q(status__in=ACTIVE) | Q(retry_after__isnull=False)


class TypeInUse(Exception):
    """A job of the type is active; the text names it and says what to do."""


def users_of(connector: Connector) -> list[str]:
    """The slugs of the job types that read from the connector or write to it."""
    using = SyncJobType.objects.filter(Q(source_connector=connector) | Q(target_connector=connector))
    return list(using.order_by("slug").values_list("slug", flat=True))


def delete_connector(connector: Connector, *, actor: str) -> None:
    """Delete it with its credentials and tests. Raises ConnectorInUse, and EditConflict if it was edited meanwhile."""
    with transaction.atomic():
        record("connector.delete", connector, before=connector_values(connector), actor=actor)
        deleting.delete_connector(connector, actor=actor)


def delete_job_type(job_type: SyncJobType, *, actor: str) -> list[str]:
    """Delete a type with its versions, schedules, cursors, jobs and what these left at the target.

    Returns what could not be tidied up there, in sentences. Raises TypeInUse while a job of it is active, and
    EditConflict if it was edited meanwhile.
    """
    _stop(job_type)
    jobs = SyncJob.objects.filter(job_type=job_type)
    left = _tidy_target(job_type, [str(token) for token in jobs.values_list("token", flat=True)])
    for schedule in list(job_type.schedules.all()):
        delete_schedule(schedule, actor=actor)
    deleted = delete_rows(list(jobs.filter(parent__isnull=True).values_list("pk", flat=True)))
    deleted += delete_rows(list(jobs.values_list("pk", flat=True)))
    with transaction.atomic():
        record("job_type.delete", job_type, before=job_type.snapshot() | {"jobs": deleted}, actor=actor)
        job_type.delete()
    logger.info("Type '%s' was deleted by %s, with %s jobs", job_type.slug, actor, deleted)
    return left


def count_what_goes(job_type: SyncJobType) -> dict[str, int]:
    """What would go with the type, besides the changes, rejects and logs of its jobs."""
    return {
        "jobs": job_type.jobs.count(),
        "versions": job_type.versions.count(),
        "schedules": job_type.schedules.count(),
        "cursor_entries": job_type.cursors.count(),
    }


def why_not_deleted(job_type: SyncJobType) -> str:
    """What stands in the way of deleting the type, and what to do about it; empty if nothing does."""
    active = job_type.jobs.filter(IS_ACTIVE).order_by("-pk").values_list("pk", flat=True)
    if not active:
        return ""
    numbers = _named([f"#{number}" for number in active])
    return f"{job_type.slug} has active jobs: {numbers}. Wait for them, or cancel them first"


def _stop(job_type: SyncJobType) -> None:
    """Nothing of it may start any more; whoever edits it meanwhile is told so."""
    with transaction.atomic():
        same = SyncJobType.objects.select_for_update().filter(pk=job_type.pk)
        list(same)
        if reason := why_not_deleted(job_type):
            raise TypeInUse(reason)
        as_read = same.filter(version=job_type.version)
        if not as_read.update(paused_at=db_now(), resume_at=None, version=F("version") + 1):
            raise EditConflict(f"{job_type.slug} was changed by someone else; load it again")


def _tidy_target(job_type: SyncJobType, tokens: Sequence[str]) -> list[str]:
    """Remove the rows and tables of ours that these jobs have at the target."""
    connector = job_type.target_connector
    streams = job_type.config.get("streams") or []
    if connector is None or not tokens or not streams:
        return []
    try:
        target = connector.open(even_disabled=True)
        try:
            writer = target.writer(WriteRequest(str(streams[0]["target"]), (), (), "append"))
            if isinstance(writer, AsideWriter):
                writer.forget_jobs(tokens)
        finally:
            target.close()
    except SyncError as error:
        return [f"{connector.slug} could not be tidied up, where tables and rows of _syncdeck_… stay: {error.message}"]
    return []


def _named(names: Iterable[str]) -> str:
    *first, last = list(names)
    if len(first) >= MOST_NAMED:
        return f"{', '.join(first[:MOST_NAMED])} and {len(first) + 1 - MOST_NAMED:,} more"
    return f"{', '.join(first)} and {last}" if first else last
