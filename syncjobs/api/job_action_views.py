"""What may be done to one job. Each verb is one operation, which says no with the actions that are allowed instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from syncjobs.api.answers import APPROVE_RUNS, WRITE_RUNS, answer_job
from syncjobs.api.idempotency import answer_once
from syncjobs.api.job_serializers import JobDetailSerializer
from syncjobs.api.run_serializers import ForceSerializer, NothingSerializer, ReasonSerializer
from syncjobs.api.views import ApiView, person
from syncjobs.api.visible import find_job
from syncjobs.models import SyncJob
from syncjobs.operations import jobs, plans
from syncjobs.operations.reverting import revert_job
from syncjobs.statuses import Trigger

Act = Callable[[Request, int, dict[str, Any]], SyncJob]


def _plainly(verb: Callable[..., SyncJob]) -> Act:
    """A verb that keeps a reason."""

    def act(request: Request, job_id: int, body: dict[str, Any]) -> SyncJob:
        return verb(job_id, actor=person(request).get_username(), reason=body.get("reason", ""))

    return act


def _restart(request: Request, job_id: int, body: dict[str, Any]) -> SyncJob:
    user = person(request)
    return jobs.restart_job(job_id, actor=user.get_username(), user=user, force=body.get("force", False))


def _apply(request: Request, job_id: int, _body: dict[str, Any]) -> SyncJob:
    user = person(request)
    return plans.apply_plan(job_id, trigger=Trigger.API, actor=user.get_username(), user=user)


def _revert(request: Request, job_id: int, _body: dict[str, Any]) -> SyncJob:
    user = person(request)
    return revert_job(job_id, actor=user.get_username(), user=user)


def _retry_children(request: Request, job_id: int, _body: dict[str, Any]) -> SyncJob:
    jobs.retry_children(job_id, actor=person(request).get_username())
    return SyncJob.objects.get(pk=job_id)


def _cancel_children(request: Request, job_id: int, body: dict[str, Any]) -> SyncJob:
    jobs.cancel_children(job_id, actor=person(request).get_username(), reason=body.get("reason", ""))
    return SyncJob.objects.get(pk=job_id)


def _view(name: str, act: Act, body: type[Serializer], summary: str) -> type[ApiView]:
    """The address of one verb."""
    needs = APPROVE_RUNS if name == "approve" else WRITE_RUNS

    @extend_schema(
        operation_id=f"jobs_{name}",
        request=body,
        responses={202: JobDetailSerializer},
        tags=["jobs"],
        summary=summary,
        description=f"{summary}. The answer is the job, or the new one that does it.",
    )
    def post(self: ApiView, request: Request, job_id: int) -> Response:
        given = self.read_body(request, body)
        find_job(person(request), job_id)
        return answer_once(request, lambda: answer_job(request, act(request, job_id, given)))

    title = f"Job{name.title().replace('_', '')}"
    return type(title, (ApiView,), {"needs": {"POST": needs}, "post": post, "__doc__": f"{summary}."})


VERBS: tuple[tuple[str, Act, type[Serializer], str], ...] = (
    ("start", _plainly(jobs.start_job), ReasonSerializer, "Queue a pending job"),
    ("retry", _plainly(jobs.retry_job), ReasonSerializer, "Queue a failed job again, from its checkpoint"),
    ("cancel", _plainly(jobs.cancel_job), ReasonSerializer, "Cancel a job; one at work ends within 10 s"),
    ("pause", _plainly(jobs.pause_job), ReasonSerializer, "Pause a job; one at work stops within 5 s"),
    ("resume", _plainly(jobs.resume_job), ReasonSerializer, "Queue a paused job again, from its position"),
    ("restart", _restart, ForceSerializer, "Make a new job that does the same from the beginning"),
    ("approve", _plainly(plans.approve), ReasonSerializer, "Approve a held job, or the plan of a dry run"),
    ("apply", _apply, NothingSerializer, "Write exactly the changes of an approved plan"),
    ("revert", _revert, NothingSerializer, "Bring back what the target had before the job"),
    ("discard", _plainly(jobs.discard_job), ReasonSerializer, "Cancel a held job"),
    ("retry_children", _retry_children, NothingSerializer, "Queue a relay's failed children again"),
    ("cancel_children", _cancel_children, ReasonSerializer, "Cancel a relay's children that are not over"),
)
ACTION_VIEWS = {name: _view(name, act, body, summary) for name, act, body, summary in VERBS}
