"""What belongs to one job: changes, rejects, log lines, moves, attempts, children, metrics. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from syncjobs.api import job_part_serializers as parts
from syncjobs.api.answers import READ_RUNS
from syncjobs.api.job_serializers import JobSerializer
from syncjobs.api.pages import paged
from syncjobs.api.paging import Order, PageQuery
from syncjobs.api.views import ApiView, person
from syncjobs.api.visible import find_job, visible_jobs, visible_rejects
from syncjobs.models import Attempt, Change, Conflict, JobBatch, JobEvent, JobLog, SyncJob
from syncjobs.operations import part_descriptions as words
from syncjobs.operations.descriptions import describe_job, describe_jobs
from syncjobs.operations.plan_descriptions import describe_conflict
from syncjobs.querysets import in_job

Rows = QuerySet[Any, Any]
Select = Callable[[Request, SyncJob, dict[str, Any]], Rows]
Describe = Callable[[list[Any]], list[dict[str, Any]]]


def _changes(_request: Request, job: SyncJob, query: dict[str, Any]) -> Rows:
    settled = Q(batch=None) | Q(batch__state=JobBatch.State.COMMITTED)
    rows = in_job(Change.objects.filter(settled), job.pk, newest_first=False)
    return rows.filter(operation=query["operation"]) if "operation" in query else rows


def _conflicts(_request: Request, job: SyncJob, _query: dict[str, Any]) -> Rows:
    return Conflict.objects.filter(job=job)


def _logs(_request: Request, job: SyncJob, query: dict[str, Any]) -> Rows:
    rows = in_job(JobLog.objects.all(), job.pk, newest_first=False)
    return rows.filter(level__in=parts.graver(query["level"])) if "level" in query else rows


def _events(_request: Request, job: SyncJob, _query: dict[str, Any]) -> Rows:
    return JobEvent.objects.filter(job=job)


def _attempts(_request: Request, job: SyncJob, _query: dict[str, Any]) -> Rows:
    return Attempt.objects.filter(job=job)


def _children(request: Request, job: SyncJob, query: dict[str, Any]) -> Rows:
    children = visible_jobs(person(request)).filter(parent=job).with_plans().select_related("job_type")
    return children.filter(status=query["status"]) if "status" in query else children


def _rejects(request: Request, job: SyncJob, query: dict[str, Any]) -> Rows:
    """With those of its children."""
    rows = visible_rejects(person(request)).filter(Q(job=job) | Q(job__parent=job))
    return rows.filter(state=query["state"]) if "state" in query else rows


def each(describe: Callable[[Any], dict[str, Any]]) -> Describe:
    """Words many rows by what words one."""
    return lambda rows: [describe(row) for row in rows]


def _view(
    name: str, kind: type[Serializer], query: type[PageQuery], select: Select, describe: Describe, order: Order
) -> type[ApiView]:
    """The address of one sort of parts."""

    @extend_schema(
        operation_id=f"jobs_{name}",
        parameters=[query],
        responses=paged(kind),
        tags=["jobs"],
        summary=f"List the {name} of a job",
    )
    def get(self: ApiView, request: Request, job_id: int) -> Response:
        asked = self.read_query(request, query)
        job = find_job(person(request), job_id)
        turned = order.turned() if asked.get("ordering", "id") != "id" else order
        return self.answer_page(request, select(request, job, asked), asked, describe, turned)

    return type(f"Job{name.title()}", (ApiView,), {"needs": {"GET": READ_RUNS}, "get": get})


BY_ID, BY_JOB = Order("id", descending=False), Order("id", descending=False, before=("job_id",))
PART_VIEWS: dict[str, type[ApiView]] = {
    "changes": _view(
        "changes", parts.ChangeSerializer, parts.ChangeQuery, _changes, each(words.describe_change), BY_JOB
    ),
    "conflicts": _view("conflicts", parts.ConflictSerializer, PageQuery, _conflicts, each(describe_conflict), BY_ID),
    "rejects": _view(
        "rejects", parts.RejectSerializer, parts.RejectQuery, _rejects, each(words.describe_reject), BY_ID
    ),
    "logs": _view("logs", parts.LogLineSerializer, parts.LogQuery, _logs, each(words.describe_line), BY_JOB),
    "events": _view("events", parts.EventSerializer, parts.OrderedQuery, _events, each(words.describe_event), BY_ID),
    "attempts": _view(
        "attempts",
        parts.AttemptSerializer,
        PageQuery,
        _attempts,
        each(words.describe_attempt),
        Order("number", descending=False),
    ),
    "children": _view(
        "children", JobSerializer, parts.ChildQuery, _children, describe_jobs, Order("position", descending=False)
    ),
}


class JobMetrics(ApiView):
    """The six metrics of one job."""

    needs = {"GET": READ_RUNS}

    @extend_schema(operation_id="jobs_metrics", responses=parts.MetricsSerializer, tags=["jobs"])
    def get(self, request: Request, job_id: int) -> Response:
        """Read how fast a job reads, and where its time goes."""
        self.read_query(request)
        job = find_job(person(request), job_id)
        told = describe_job(job)
        seconds: Counter[str] = Counter()
        for spent in Attempt.objects.filter(job=job).values_list("phase_seconds", flat=True):
            seconds.update(spent)
        rates = ("records_per_second", "bytes_per_second", "idle_time_ms", "emit_event_time_ms", "reconnects")
        return Response(
            {"records": job.tally.read, "bytes": job.bytes_read, "phase_seconds": dict(seconds)}
            | {name: told[name] for name in rates}
        )
