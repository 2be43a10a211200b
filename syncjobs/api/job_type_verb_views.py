"""What may be done to a whole type, once for each Idempotency-Key. Each verb is one operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from syncjobs.api.answers import WRITE_RUNS, answer_job
from syncjobs.api.config_serializers import JobTypeSerializer
from syncjobs.api.idempotency import answer_once
from syncjobs.api.job_serializers import JobDetailSerializer
from syncjobs.api.permissions import Needs
from syncjobs.api.run_serializers import NothingSerializer, PauseTypeSerializer, RunSerializer
from syncjobs.api.runs import start_run
from syncjobs.api.views import ApiView, person
from syncjobs.api.visible import find_job_type
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.cursors import restart_job_type
from syncjobs.operations.job_type_states import pause_job_type, resume_job_type
from syncjobs.scopes import RUNS_WRITE
from syncjobs.statuses import Trigger

Act = Callable[[Request, SyncJobType, dict[str, Any]], SyncJob | SyncJobType]
CHANGE_TYPE = Needs(RUNS_WRITE, ("syncjobs.change_syncjobtype",))
RESTART_TYPE = Needs(RUNS_WRITE, ("syncjobs.change_syncjobtype",), also="syncjobs.change_syncjob")


def _pause(request: Request, job_type: SyncJobType, body: dict[str, Any]) -> SyncJobType:
    user = person(request)
    return pause_job_type(job_type, actor=user.get_username(), user=user, resume_at=body.get("resume_at"))


def _resume(request: Request, job_type: SyncJobType, _body: dict[str, Any]) -> SyncJobType:
    return resume_job_type(job_type, actor=person(request).get_username())


def _restart(request: Request, job_type: SyncJobType, _body: dict[str, Any]) -> SyncJob:
    user = person(request)
    return restart_job_type(job_type, trigger=Trigger.API, actor=user.get_username(), user=user)


def _view(name: str, act: Act, needs: Needs, body: type[Serializer], summary: str, *, makes_job: bool) -> type[ApiView]:
    """The address of one verb, which answers with the new job, or with the type."""

    @extend_schema(
        operation_id=f"job_types_{name}",
        request=body,
        responses={202: JobDetailSerializer} if makes_job else JobTypeSerializer,
        tags=["job types"],
        summary=summary,
        description=f"{summary}. The answer is {'its job' if makes_job else 'the type'}.",
    )
    def post(self: ApiView, request: Request, slug: str) -> Response:
        given = self.read_body(request, body)
        job_type = find_job_type(person(request), slug)
        return answer_once(request, lambda: _answer(request, act(request, job_type, given)))

    return type(f"JobType{name.title()}", (ApiView,), {"needs": {"POST": needs}, "post": post})


def _answer(request: Request, found: SyncJob | SyncJobType) -> Response:
    if isinstance(found, SyncJob):
        return answer_job(request, found)
    return Response(JobTypeSerializer(found).data)


VERBS: tuple[tuple[str, Act, Needs, type[Serializer], str], ...] = (
    ("run", start_run, WRITE_RUNS, RunSerializer, "Run a type; whatever is given is for this run only"),
    ("start", start_run, WRITE_RUNS, NothingSerializer, "Run a type as it is"),
    (
        "restart",
        _restart,
        RESTART_TYPE,
        NothingSerializer,
        "Set the cursors of a type's streams back to the start, and run it",
    ),
    (
        "pause",
        _pause,
        CHANGE_TYPE,
        PauseTypeSerializer,
        "Start nothing of a type any more and pause its jobs, until `resume_at` or until somebody resumes it",
    ),
    (
        "resume",
        _resume,
        CHANGE_TYPE,
        NothingSerializer,
        "Let a type start again, and queue the jobs that its pause has paused",
    ),
)
VERB_VIEWS = {verb[0]: _view(*verb, makes_job=verb[0] not in ("pause", "resume")) for verb in VERBS}
