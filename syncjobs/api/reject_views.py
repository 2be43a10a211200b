"""Rejects of all jobs to look at."""

from __future__ import annotations

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from syncjobs.api.answers import READ_RUNS
from syncjobs.api.job_part_serializers import RejectQuery, RejectSerializer
from syncjobs.api.job_part_views import each
from syncjobs.api.pages import paged
from syncjobs.api.views import ApiView, person, storable_id
from syncjobs.api.visible import visible_rejects
from syncjobs.operations.part_descriptions import describe_reject


class RejectsQuery(RejectQuery):
    """Which rejects of all jobs."""

    job = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    job_type = serializers.SlugField(required=False, max_length=100)
    stream = serializers.CharField(required=False, max_length=255)
    code = serializers.CharField(required=False, max_length=50)
    fingerprint = serializers.CharField(required=False, max_length=32)


COLUMNS = {"job": "job_id", "job_type": "job_type__slug"} | {
    name: name for name in ("stream", "code", "fingerprint", "state")
}


class RejectList(ApiView):
    """Records that could not be written."""

    needs = {"GET": READ_RUNS}

    @extend_schema(
        operation_id="rejects_list", parameters=[RejectsQuery], responses=paged(RejectSerializer), tags=["rejects"]
    )
    def get(self, request: Request) -> Response:
        """List rejects, the newest first."""
        query = self.read_query(request, RejectsQuery)
        wanted = {column: query[name] for name, column in COLUMNS.items() if name in query}
        return self.answer_page(
            request, visible_rejects(person(request)).filter(**wanted), query, each(describe_reject)
        )


class RejectDetail(ApiView):
    """One reject."""

    needs = {"GET": READ_RUNS}

    @extend_schema(operation_id="rejects_read", responses=RejectSerializer, tags=["rejects"])
    def get(self, request: Request, reject_id: int) -> Response:
        """Read a reject with its record."""
        self.read_query(request)
        reject = visible_rejects(person(request)).filter(pk=storable_id(reject_id)).first()
        if reject is None:
            raise Http404(f"There is no reject {reject_id}.")
        return Response(describe_reject(reject))
