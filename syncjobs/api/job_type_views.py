"""Job types to look at and to keep: list, make, read, change, delete."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from syncjobs.api.answers import read_config, write_config
from syncjobs.api.config_serializers import JobTypeQuery, JobTypeSerializer
from syncjobs.api.etags import EDITED, ETAG, IF_MATCH, answer_row, edited_as_read
from syncjobs.api.idempotency import answer_once
from syncjobs.api.job_type_bodies import JobTypeBody, JobTypeChanges
from syncjobs.api.pages import paged, serialized_by
from syncjobs.api.paging import Order
from syncjobs.api.views import ApiView, person
from syncjobs.api.visible import JobTypes, find_job_type, visible_job_types
from syncjobs.models import SyncJobType
from syncjobs.operations.deletions import count_what_goes, delete_job_type
from syncjobs.operations.entered_types import entered_over
from syncjobs.operations.job_types import job_type_from_shape, save_job_type

SEE, CHANGE = read_config("syncjobs.syncjobtype"), write_config("syncjobs.syncjobtype")
BY_SLUG = Order("slug", descending=False)
EQUAL = {"queue": "queue", "source_connector": "source_connector__slug", "target_connector": "target_connector__slug"}


class JobTypeList(ApiView):
    """All job types."""

    needs = {"GET": SEE, "POST": write_config("syncjobs.syncjobtype", "add")}

    @extend_schema(
        operation_id="job_types_list", parameters=[JobTypeQuery], responses=paged(JobTypeSerializer), tags=["job types"]
    )
    def get(self, request: Request) -> Response:
        """List job types by slug."""
        query = self.read_query(request, JobTypeQuery)
        rows = _narrow(visible_job_types(person(request)), query)
        return self.answer_page(request, rows, query, serialized_by(JobTypeSerializer), BY_SLUG)

    @extend_schema(
        operation_id="job_types_create",
        parameters=[ETAG],
        request=JobTypeBody,
        responses={201: JobTypeSerializer},
        tags=["job types"],
    )
    def post(self, request: Request) -> Response:
        """Make a job type."""
        shape, user = self.read_given(request, JobTypeBody), person(request)

        def work() -> Response:
            made = save_job_type(job_type_from_shape(shape), actor=user.get_username(), user=user)
            place = request.build_absolute_uri(f"/api/v1/job-types/{made.slug}/")
            return answer_type(made, status=201, location=place)

        return answer_once(request, work)


def _narrow(rows: JobTypes, query: dict[str, Any]) -> JobTypes:
    rows = rows.filter(**{column: query[name] for name, column in EQUAL.items() if name in query})
    if query["enabled"] is not None:
        rows = rows.filter(enabled=query["enabled"])
    if query["paused"] is not None:
        rows = rows.filter(paused_at__isnull=not query["paused"])
    if "search" in query:
        rows = rows.filter(Q(name__icontains=query["search"]) | Q(slug__icontains=query["search"]))
    return rows


def answer_type(job_type: SyncJobType, *, status: int = 200, location: str = "") -> Response:
    """The type with its ETag."""
    return answer_row(job_type, JobTypeSerializer(job_type).data, status=status, location=location)


class DeletedTypeSerializer(serializers.Serializer):
    """What went with a type."""

    slug = serializers.CharField()
    jobs = serializers.IntegerField()
    versions = serializers.IntegerField()
    schedules = serializers.IntegerField()
    cursor_entries = serializers.IntegerField()
    left = serializers.ListField(child=serializers.CharField(), help_text="What could not be tidied up at the target.")


class JobTypeDetail(ApiView):
    """One job type."""

    needs = {"GET": SEE, "PATCH": CHANGE, "DELETE": write_config("syncjobs.syncjobtype", "delete")}

    @extend_schema(operation_id="job_types_read", parameters=[ETAG], responses=JobTypeSerializer, tags=["job types"])
    def get(self, request: Request, slug: str) -> Response:
        """Read a job type."""
        self.read_query(request)
        return answer_type(find_job_type(person(request), slug))

    @extend_schema(
        operation_id="job_types_change",
        parameters=EDITED,
        request=JobTypeChanges,
        responses=JobTypeSerializer,
        tags=["job types"],
    )
    def patch(self, request: Request, slug: str) -> Response:
        """Save what is given as the type's next version. Active jobs keep the version with which they began."""
        changes, user = self.read_given(request, JobTypeChanges), person(request)
        job_type = find_job_type(user, slug)
        with edited_as_read(request, job_type):
            saved = save_job_type(entered_over(job_type, changes), actor=user.get_username(), user=user)
        return answer_type(saved)

    @extend_schema(
        operation_id="job_types_delete",
        parameters=[IF_MATCH],
        responses={200: DeletedTypeSerializer},
        tags=["job types"],
    )
    def delete(self, request: Request, slug: str) -> Response:
        """Delete a type with its versions, jobs, changes, logs, cursors and schedules.

        What its jobs left of ours at the target goes, too; the records there stay. The answer says what went.
        """
        user = person(request)
        job_type = find_job_type(user, slug)
        with edited_as_read(request, job_type):
            going = count_what_goes(job_type)
            left = delete_job_type(job_type, actor=user.get_username())
        return Response({"slug": slug, **going, "left": left})
