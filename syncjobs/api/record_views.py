"""The history of one record: what every job had to do with it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from syncjobs.api.answers import READ_RUNS
from syncjobs.api.fields import QuerySerializer
from syncjobs.api.views import ApiView, person
from syncjobs.api.visible import find_job_type
from syncjobs.operations.part_descriptions import describe_sighting
from syncjobs.operations.records import RecordSearch, read_history
from syncjobs.statuses import Status


class RecordQuery(QuerySerializer):
    """Which record."""

    type = serializers.SlugField(max_length=100, help_text="The job type's slug.")
    key = serializers.CharField(max_length=2_000, help_text='Its value, or JSON for several fields: {"a": 7, "b": 2}.')
    stream = serializers.CharField(required=False, default="", max_length=255)
    before = serializers.IntegerField(
        required=False, min_value=1, max_value=2**63 - 1, help_text="Go on from here: `before` of the answer."
    )
    page_size = serializers.IntegerField(required=False, default=50, min_value=1, max_value=200)


class SightingSerializer(serializers.Serializer):
    """What one job had to do with the record."""

    kind = serializers.ChoiceField(("changed", "rejected", "conflict", "looked at"))
    job = serializers.IntegerField()
    job_type = serializers.CharField()
    status = serializers.ChoiceField(Status.choices())
    dry_run = serializers.BooleanField()
    at = serializers.DateTimeField()
    stream = serializers.CharField()
    key = serializers.JSONField()
    operation = serializers.CharField(allow_null=True)
    fields = serializers.DictField(help_text="{name: [old, new]}")
    message = serializers.CharField(allow_null=True)
    state = serializers.CharField(allow_null=True)


class HistorySerializer(serializers.Serializer):
    """Newest job first."""

    results = SightingSerializer(many=True)
    before = serializers.IntegerField(allow_null=True, help_text="Null where that is all.")


class RecordHistoryView(ApiView):
    """One record through all jobs."""

    needs = {"GET": READ_RUNS}

    @extend_schema(operation_id="records_read", parameters=[RecordQuery], responses=HistorySerializer, tags=["records"])
    def get(self, request: Request) -> Response:
        """Read what jobs of a type changed, rejected or left alone of one record."""
        query: dict[str, Any] = self.read_query(request, RecordQuery)
        job_type = find_job_type(person(request), query["type"])
        search = RecordSearch(job_type, query["stream"], query["key"])
        history = read_history(search, limit=query["page_size"], before=query.get("before"))
        told = [describe_sighting(one) for one in history.sightings]
        return Response({"results": told, "before": history.before})
