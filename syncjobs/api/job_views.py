"""Jobs: the list with its filters, new ones, one with everything, and how many there are by status."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from syncjobs.api.answers import DELETE_RUNS, READ_RUNS, WRITE_RUNS, answer_job
from syncjobs.api.fields import QuerySerializer
from syncjobs.api.idempotency import answer_once
from syncjobs.api.job_serializers import JobDetailSerializer, JobQuery, JobSerializer
from syncjobs.api.pages import paged
from syncjobs.api.paging import Order
from syncjobs.api.run_serializers import NewJobSerializer
from syncjobs.api.runs import start_run
from syncjobs.api.views import ApiView, person
from syncjobs.api.visible import find_job, find_job_type, visible_jobs
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.descriptions import describe_jobs
from syncjobs.operations.full_descriptions import describe_in_full
from syncjobs.operations.jobs import delete_job
from syncjobs.operations.visible import newest_job_id
from syncjobs.querysets import JobQuerySet

SEARCHED = 100_000
"""Of titles and document names the newest so many are looked through."""
EQUAL = ("status", "trigger_type", "queue", "parent", "schedule")


class JobList(ApiView):
    """All jobs."""

    needs = {"GET": READ_RUNS, "POST": WRITE_RUNS}

    @extend_schema(operation_id="jobs_list", parameters=[JobQuery], responses=paged(JobSerializer), tags=["jobs"])
    def get(self, request: Request) -> Response:
        """List jobs, the newest first."""
        query = self.read_query(request, JobQuery)
        jobs = narrow(visible_jobs(person(request)), query).with_plans().select_related("job_type")
        order = Order("id", descending=query["ordering"].startswith("-"))
        return self.answer_page(request, jobs.defer("current_data", "updated_data"), query, describe_jobs, order)

    @extend_schema(
        operation_id="jobs_create", request=NewJobSerializer, responses={201: JobDetailSerializer}, tags=["jobs"]
    )
    def post(self, request: Request) -> Response:
        """Make a job of a type; with `queue_on_insert` false it stays pending until somebody starts it."""
        body = self.read_body(request, NewJobSerializer)

        def work() -> Response:
            job_type = find_named_type(request, body.pop("job_type"))
            return answer_job(request, start_run(request, job_type, body), status=201)

        return answer_once(request, work)


def narrow(jobs: JobQuerySet, query: dict[str, Any]) -> JobQuerySet:
    """Those that the query asks for."""
    jobs = jobs.filter(**{name: query[name] for name in EQUAL if name in query})
    if "job_type" in query:
        jobs = jobs.filter(job_type__slug=query["job_type"])
    if query["dry_run"] is not None:
        jobs = jobs.filter(dry_run=query["dry_run"])
    if query["active"] is not None:
        jobs = jobs.active() if query["active"] else jobs.exclude(pk__in=SyncJob.objects.active().values("pk"))
    if "created_after" in query:
        jobs = jobs.filter(created_at__gte=query["created_after"])
    if "created_before" in query:
        jobs = jobs.filter(created_at__lt=query["created_before"])
    return _search(jobs, query)


def _search(jobs: JobQuerySet, query: dict[str, Any]) -> JobQuerySet:
    wanted = {f"{side}_document_name": query.get(f"{side}_document_name") for side in ("source", "target")}
    words = {name: value for name, value in wanted.items() if value}
    if "search" in query:
        words["title__icontains"] = query["search"]
    if not words:
        return jobs
    newest = newest_job_id()
    return jobs.filter(Q(pk__gt=newest - SEARCHED), **words)


def find_named_type(request: Request, slug: str) -> SyncJobType:
    """The type that a body names; one that is not there is a wrong field. Raises ValidationError."""
    try:
        return find_job_type(person(request), slug)
    except Http404 as error:
        raise serializers.ValidationError({"job_type": [str(error)]}) from error


class JobDetail(ApiView):
    """One job."""

    needs = {"GET": READ_RUNS, "DELETE": DELETE_RUNS}

    @extend_schema(operation_id="jobs_read", responses=JobDetailSerializer, tags=["jobs"])
    def get(self, request: Request, job_id: int) -> Response:
        """Read a job with everything that is known of it."""
        self.read_query(request)
        return Response(describe_in_full(find_job(person(request), job_id)))

    @extend_schema(operation_id="jobs_delete", responses={204: None}, tags=["jobs"])
    def delete(self, request: Request, job_id: int) -> Response:
        """Delete a job that is over, with its changes, log and children."""
        find_job(person(request), job_id)
        delete_job(job_id, actor=person(request).get_username())
        return Response(status=204)


class SummarySerializer(serializers.Serializer):
    """How many jobs there are."""

    total = serializers.IntegerField()
    active = serializers.IntegerField()
    by_status = serializers.DictField(child=serializers.IntegerField())


class SummaryQuery(QuerySerializer):
    """Of which jobs."""

    job_type = serializers.SlugField(required=False, max_length=100)
    created_after = serializers.DateTimeField(required=False)


class JobSummary(ApiView):
    """Numbers of jobs."""

    needs = {"GET": READ_RUNS}

    @extend_schema(operation_id="jobs_summary", parameters=[SummaryQuery], responses=SummarySerializer, tags=["jobs"])
    def get(self, request: Request) -> Response:
        """Count jobs by status."""
        query = self.read_query(request, SummaryQuery)
        jobs = visible_jobs(person(request))
        if "job_type" in query:
            jobs = jobs.filter(job_type__slug=query["job_type"])
        if "created_after" in query:
            jobs = jobs.created_since(query["created_after"])
        by_status = jobs.status_counts()
        return Response({"total": sum(by_status.values()), "active": jobs.active().count(), "by_status": by_status})
