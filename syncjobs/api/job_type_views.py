"""Job types to look at, and what may be done to a whole type: run, start, pause, resume, restart."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from syncjobs.api.answers import WRITE_RUNS, answer_job, read_config
from syncjobs.api.config_serializers import JobTypeQuery, JobTypeSerializer
from syncjobs.api.idempotency import answer_once
from syncjobs.api.job_serializers import JobDetailSerializer
from syncjobs.api.pages import paged, serialized_by
from syncjobs.api.paging import Order
from syncjobs.api.permissions import Needs
from syncjobs.api.run_serializers import NothingSerializer, PauseTypeSerializer, RunSerializer
from syncjobs.api.runs import start_run
from syncjobs.api.views import ApiView, person
from syncjobs.api.visible import JobTypes, find_job_type, visible_job_types
from syncjobs.operations.cursors import restart_job_type
from syncjobs.operations.job_type_states import pause_job_type, resume_job_type
from syncjobs.scopes import RUNS_WRITE
from syncjobs.statuses import Trigger

SEE = read_config("syncjobs.syncjobtype")
CHANGE_TYPE = Needs(RUNS_WRITE, ("syncjobs.change_syncjobtype",))
BY_SLUG = Order("slug", descending=False)
EQUAL = {"queue": "queue", "source_connector": "source_connector__slug", "target_connector": "target_connector__slug"}


class JobTypeList(ApiView):
    """All job types."""

    needs = {"GET": SEE}

    @extend_schema(
        operation_id="job_types_list", parameters=[JobTypeQuery], responses=paged(JobTypeSerializer), tags=["job types"]
    )
    def get(self, request: Request) -> Response:
        """List job types by slug."""
        query = self.read_query(request, JobTypeQuery)
        rows = _narrow(visible_job_types(person(request)), query)
        return self.answer_page(request, rows, query, serialized_by(JobTypeSerializer), BY_SLUG)


def _narrow(rows: JobTypes, query: dict[str, Any]) -> JobTypes:
    rows = rows.filter(**{column: query[name] for name, column in EQUAL.items() if name in query})
    if query["enabled"] is not None:
        rows = rows.filter(enabled=query["enabled"])
    if query["paused"] is not None:
        rows = rows.filter(paused_at__isnull=not query["paused"])
    if "search" in query:
        rows = rows.filter(Q(name__icontains=query["search"]) | Q(slug__icontains=query["search"]))
    return rows


class JobTypeDetail(ApiView):
    """One job type."""

    needs = {"GET": SEE}

    @extend_schema(operation_id="job_types_read", responses=JobTypeSerializer, tags=["job types"])
    def get(self, request: Request, slug: str) -> Response:
        """Read a job type."""
        self.read_query(request)
        return Response(JobTypeSerializer(find_job_type(person(request), slug)).data)


class JobTypeRun(ApiView):
    """One run of a type, with overrides."""

    needs = {"POST": WRITE_RUNS}

    @extend_schema(
        operation_id="job_types_run",
        request=RunSerializer,
        responses={202: JobDetailSerializer},
        tags=["job types"],
    )
    def post(self, request: Request, slug: str) -> Response:
        """Run a type; whatever is given is for this run only. The answer is its job."""
        body = self.read_body(request, RunSerializer)
        job_type = find_job_type(person(request), slug)
        return answer_once(request, lambda: answer_job(request, start_run(request, job_type, body)))


class JobTypeStart(ApiView):
    """One run of a type as it is."""

    needs = {"POST": WRITE_RUNS}

    @extend_schema(
        operation_id="job_types_start",
        request=NothingSerializer,
        responses={202: JobDetailSerializer},
        tags=["job types"],
    )
    def post(self, request: Request, slug: str) -> Response:
        """Run a type as it is. The answer is its job."""
        self.read_body(request, NothingSerializer)
        job_type = find_job_type(person(request), slug)
        return answer_once(request, lambda: answer_job(request, start_run(request, job_type, {})))


class JobTypePause(ApiView):
    """The pause of a whole type."""

    needs = {"POST": CHANGE_TYPE}

    @extend_schema(
        operation_id="job_types_pause", request=PauseTypeSerializer, responses=JobTypeSerializer, tags=["job types"]
    )
    def post(self, request: Request, slug: str) -> Response:
        """Start nothing of the type any more and pause its jobs, until `resume_at` or until somebody resumes it."""
        body, user = self.read_body(request, PauseTypeSerializer), person(request)
        job_type = find_job_type(user, slug)

        def work() -> Response:
            paused = pause_job_type(job_type, actor=user.get_username(), user=user, resume_at=body.get("resume_at"))
            return Response(JobTypeSerializer(paused).data)

        return answer_once(request, work)


class JobTypeResume(ApiView):
    """The end of a pause."""

    needs = {"POST": CHANGE_TYPE}

    @extend_schema(
        operation_id="job_types_resume", request=NothingSerializer, responses=JobTypeSerializer, tags=["job types"]
    )
    def post(self, request: Request, slug: str) -> Response:
        """Let the type start again, and queue the jobs that its pause has paused."""
        self.read_body(request, NothingSerializer)
        user = person(request)
        job_type = find_job_type(user, slug)

        def work() -> Response:
            return Response(JobTypeSerializer(resume_job_type(job_type, actor=user.get_username())).data)

        return answer_once(request, work)


class JobTypeRestart(ApiView):
    """A run of a type from the very beginning."""

    needs = {"POST": CHANGE_TYPE}

    @extend_schema(
        operation_id="job_types_restart",
        request=NothingSerializer,
        responses={202: JobDetailSerializer},
        tags=["job types"],
    )
    def post(self, request: Request, slug: str) -> Response:
        """Set the cursors of the type's incremental streams back to the start, and run it."""
        self.read_body(request, NothingSerializer)
        user = person(request)
        job_type = find_job_type(user, slug)

        def work() -> Response:
            job = restart_job_type(job_type, trigger=Trigger.API, actor=user.get_username(), user=user)
            return answer_job(request, job)

        return answer_once(request, work)
