"""What a person may see of each table, as the API reads it. `operations.visible` limits it; what is not here is a 404.

The middleware has said whose request it is; the person is named all the same, so that no reader forgets them.
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import Http404

from connectors.models import Connector
from syncjobs.api.paging import LARGEST_ID
from syncjobs.models import ApiToken, Reject, Schedule, SyncJob, SyncJobType
from syncjobs.operations import visible
from syncjobs.querysets import JobQuerySet

Connectors = QuerySet[Connector, Connector]
JobTypes = QuerySet[SyncJobType, SyncJobType]


def visible_jobs(_user: User) -> JobQuerySet:
    return visible.visible_jobs()


def visible_job_types(_user: User) -> JobTypes:
    return visible.visible_job_types().select_related("source_connector", "target_connector", "paused_by")


def visible_connectors(_user: User) -> Connectors:
    return visible.visible_connectors().prefetch_related("granted_to")


def visible_schedules(_user: User) -> QuerySet[Schedule, Schedule]:
    rules = (f"periodic_task__{kind}" for kind in ("interval", "crontab", "clocked"))
    return visible.visible_schedules().select_related("job_type", *rules)


def visible_rejects(_user: User) -> QuerySet[Reject, Reject]:
    """Without those of a batch that may still be dropped."""
    return visible.visible_rejects().settled()


def own_tokens(user: User) -> QuerySet[ApiToken, ApiToken]:
    return ApiToken.objects.filter(owner=user)


def find_job(user: User, job_id: int) -> SyncJob:
    """The job with what it is described by. Raises Http404."""
    jobs = visible_jobs(user).with_plans().select_related("job_type", "type_version", "triggered_by")
    job = jobs.filter(pk=min(job_id, LARGEST_ID)).first()
    if job is None:
        raise Http404(f"There is no job {job_id}.")
    return job


def find_job_type(user: User, slug: str) -> SyncJobType:
    """Raises Http404."""
    job_type = visible_job_types(user).filter(slug=slug).first()
    if job_type is None:
        raise Http404(f"There is no job type '{slug}'.")
    return job_type


def find_schedule(user: User, schedule_id: int) -> Schedule:
    """Raises Http404."""
    schedule = visible_schedules(user).filter(pk=min(schedule_id, LARGEST_ID)).first()
    if schedule is None:
        raise Http404(f"There is no schedule {schedule_id}.")
    return schedule


def find_connector(user: User, slug: str) -> Connector:
    """Raises Http404."""
    connector = visible_connectors(user).filter(slug=slug).first()
    if connector is None:
        raise Http404(f"There is no connector '{slug}'.")
    return connector
