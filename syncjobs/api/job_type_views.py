"""Job types to look at and to keep: list, make, read, change, delete."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from syncjobs.api.answers import read_config
from syncjobs.api.config_serializers import JobTypeQuery, JobTypeSerializer
from syncjobs.api.pages import paged, serialized_by
from syncjobs.api.paging import Order
from syncjobs.api.views import ApiView, person
from syncjobs.api.visible import JobTypes, find_job_type, visible_job_types

SEE = read_config("syncjobs.syncjobtype")
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
