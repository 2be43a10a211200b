"""Runs now what a schedule would run when it is due."""

from __future__ import annotations

from django.contrib.auth.models import User

from syncjobs.models import Schedule, SyncJob
from syncjobs.operations.job_types import run_job_type
from syncjobs.statuses import Trigger


def run_schedule_now(schedule: Schedule, *, trigger: Trigger, actor: str, user: User | None = None) -> SyncJob:
    """A job of its type with its overrides, whether the schedule is on or off; when it is next due stays as it is.

    The job is not one of the schedule's: it was due at no time. Raises what run_job_type does.
    """
    return run_job_type(schedule.job_type, trigger=trigger, actor=actor, user=user, **schedule.overrides)
