"""Starts a run of a type as a body asks for it, by the operation that fits the type."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from syncjobs.api.run_serializers import OF_DOCUMENTS, OF_STREAMS
from syncjobs.api.views import person
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.enqueueing import enqueue_sync_job
from syncjobs.operations.job_types import run_job_type
from syncjobs.statuses import Trigger


def start_run(request: Request, job_type: SyncJobType, body: dict[str, Any]) -> SyncJob:
    """A job of the type, within the limits and with the overrides of a RunSerializer's body.

    Raises ValidationError for what such a type can not be given, and what run_job_type does.
    """
    user = person(request)
    if "streams" in job_type.config:
        _refuse(body, OF_DOCUMENTS, f"{job_type.slug} syncs streams, not single documents.")
        return run_job_type(job_type, trigger=Trigger.API, actor=user.get_username(), user=user, **body)
    _refuse(body, OF_STREAMS, f"{job_type.slug} is about single documents, not streams.")
    return enqueue_sync_job(sync_job_type=job_type, trigger_type=Trigger.API, user=user, **body)


def _refuse(body: dict[str, Any], names: tuple[str, ...], why: str) -> None:
    if wrong := {name: [why] for name in names if name in body}:
        raise ValidationError(wrong)
