"""Switches a schedule off when run after run of it meets a source with other columns: only a person can help."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery

from syncjobs.models import Schedule, SyncJob
from syncjobs.operations.auditing import record
from syncjobs.querysets import JobQuerySet
from syncjobs.schema_drift import CODE, FAILURES_IN_A_ROW, is_drift
from syncjobs.statuses import Status

logger = logging.getLogger("syncjobs.schedules")
THAT_READ = (Status.FINISHED.value, Status.RELAYED.value, Status.FAILED.value, Status.ERROR.value)
"""Jobs that were skipped, canceled or held say nothing of the source."""


def pause_drifting_schedules(now: datetime) -> int:
    """Switch off each schedule whose last FAILURES_IN_A_ROW runs failed by drift; returns how many.

    Of a type with several streams a run fails so if one of its child jobs does. What failed before the schedule was
    last switched off in this way does not count again.
    """
    return sum(_pause_if_drifting(schedule, now) for schedule in _suspects())


def _suspects() -> QuerySet[Schedule, Schedule]:
    """Those whose newest run may have failed so."""
    newest = _runs_of(OuterRef("pk")).values("status")[:1]
    on = Schedule.objects.filter(periodic_task__enabled=True).annotate(newest=Subquery(newest))
    return on.filter(newest__in=(Status.ERROR.value, Status.RELAYED.value)).select_related("periodic_task")


def _runs_of(schedule: Any) -> JobQuerySet:
    """The newest first, by the index of due times."""
    return SyncJob.objects.filter(schedule=schedule, status__in=THAT_READ).order_by("-due_at")


def _pause_if_drifting(schedule: Schedule, now: datetime) -> bool:
    runs = list(_runs_of(schedule.pk).filter(pk__gt=schedule.paused_after_job or 0)[:FAILURES_IN_A_ROW])
    if len(runs) < FAILURES_IN_A_ROW or not all(_has_drifted(run) for run in runs):
        return False
    reason = (
        f"paused itself at {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC after {FAILURES_IN_A_ROW} runs in a row that met a"
        f" changed source (the last is #{runs[0].pk}): {_sentence(runs[0])}"
    )
    with transaction.atomic():
        before, after = {"enabled": True}, {"enabled": False}
        record("schedule.disable", schedule, before=before, after=after, reason=reason)
        schedule.paused_reason, schedule.paused_after_job = reason[:500], runs[0].pk
        schedule.version = F("version") + 1
        schedule.save(update_fields=["paused_reason", "paused_after_job", "version"])
        schedule.periodic_task.enabled = False
        schedule.periodic_task.save()
    logger.warning("Schedule '%s' %s", schedule, reason, extra={"sync_id": runs[0].pk})
    return True


def _has_drifted(run: SyncJob) -> bool:
    return is_drift(run.failure) or _drifted_children(run).exists()


def _drifted_children(run: SyncJob) -> JobQuerySet:
    return SyncJob.objects.filter(parent=run, status=Status.ERROR.value, failure__code=CODE).order_by("position")


def _sentence(run: SyncJob) -> str:
    """What failed: of the run itself, else of its first child that did."""
    child = None if is_drift(run.failure) else _drifted_children(run).first()
    failure = (child or run).failure or {}
    return str(failure.get("message", ""))
