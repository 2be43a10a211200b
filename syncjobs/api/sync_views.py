"""`sync/…`: the familiar addresses over the default job types, and the only ones that also lie outside /api/v1/."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from connectors.errors import ConfigError
from connectors.models import ConnectionTest
from syncjobs.api.answers import READ_RUNS, WRITE_RUNS, answer_job
from syncjobs.api.idempotency import answer_once
from syncjobs.api.job_serializers import JobDetailSerializer, JobSerializer
from syncjobs.api.run_serializers import NothingSerializer, TriggerSerializer
from syncjobs.api.runs import start_run
from syncjobs.api.views import ApiView, person
from syncjobs.api.visible import find_job_type, visible_jobs
from syncjobs.models import SyncJobType
from syncjobs.operations.connectors import test_connector
from syncjobs.operations.default_jobs import FULL_REFRESH, JOB_TYPES
from syncjobs.operations.descriptions import describe_jobs
from syncjobs.operations.target_counts import count_targets

MOST_ACTIVE = 50
SLUGS = [str(shape["slug"]) for shape in JOB_TYPES]


def full_refresh(request: Request) -> SyncJobType:
    """The type behind these addresses. Raises Http404."""
    return find_job_type(person(request), FULL_REFRESH)


class SyncTrigger(ApiView):
    """One job of the type full_refresh."""

    needs = {"POST": WRITE_RUNS}

    @extend_schema(
        operation_id="sync_trigger", request=TriggerSerializer, responses={202: JobDetailSerializer}, tags=["sync"]
    )
    def post(self, request: Request) -> Response:
        """Sync all endpoints, or those named, within a range of dates. The answer is the job."""
        body, job_type = self.read_body(request, TriggerSerializer), full_refresh(request)
        return answer_once(request, lambda: answer_job(request, start_run(request, job_type, body)))


class SyncStatusSerializer(serializers.Serializer):
    """How the default syncs stand."""

    is_running = serializers.BooleanField()
    active = JobSerializer(many=True)
    last = JobSerializer(allow_null=True, help_text="The newest one that is over.")


class SyncStatus(ApiView):
    """How the default syncs stand."""

    needs = {"GET": READ_RUNS}

    @extend_schema(operation_id="sync_status", responses=SyncStatusSerializer, tags=["sync"])
    def get(self, request: Request) -> Response:
        """Read which default syncs are active, and how the last one ended."""
        self.read_query(request)
        jobs = visible_jobs(person(request)).filter(job_type__slug__in=SLUGS, parent=None).order_by("-id")
        jobs = jobs.with_plans().select_related("job_type")
        active = describe_jobs(list(jobs.active()[:MOST_ACTIVE]))
        last = describe_jobs(list(jobs.filter(ended_at__isnull=False, retry_after=None)[:1]))
        is_running = any(job["status"] == "started" for job in active)
        return Response({"is_running": is_running, "active": active, "last": last[0] if last else None})


class EndpointSerializer(serializers.Serializer):
    """One stream of the type full_refresh."""

    name = serializers.CharField(help_text="As `endpoints` of sync/trigger takes it.")
    dataset = serializers.CharField(allow_null=True)
    target = serializers.CharField()
    key = serializers.ListField(child=serializers.CharField())
    window_field = serializers.CharField(allow_null=True, help_text="What start_date and end_date limit.")


class EndpointsSerializer(serializers.Serializer):
    """What sync/trigger can be limited to."""

    endpoints = EndpointSerializer(many=True)


class SyncEndpoints(ApiView):
    """What sync/trigger can be limited to."""

    needs = {"GET": READ_RUNS}

    @extend_schema(operation_id="sync_endpoints", responses=EndpointsSerializer, tags=["sync"])
    def get(self, request: Request) -> Response:
        """List the endpoints."""
        self.read_query(request)
        job_type = full_refresh(request)
        source = job_type.source_connector
        datasets = source.config.get("datasets", {}) if source else {}
        return Response({"endpoints": [_endpoint(stream, datasets) for stream in job_type.config.get("streams") or []]})


def _endpoint(stream: dict[str, Any], datasets: dict[str, str]) -> dict[str, Any]:
    return {
        "name": stream["source"],
        "dataset": datasets.get(stream["source"]),
        "target": stream["target"],
        "key": stream.get("key") or [],
        "window_field": (stream.get("window") or {}).get("field"),
    }


class CountSerializer(serializers.Serializer):
    """The records of one target."""

    endpoint = serializers.CharField()
    target = serializers.CharField()
    records = serializers.IntegerField(allow_null=True)
    problem = serializers.CharField(allow_null=True, help_text="Why they could not be counted.")


class CountsOfTargetsSerializer(serializers.Serializer):
    """The records of all targets."""

    counts = CountSerializer(many=True)


class SyncCounts(ApiView):
    """What the targets hold."""

    needs = {"GET": READ_RUNS}

    @extend_schema(operation_id="sync_counts", responses=CountsOfTargetsSerializer, tags=["sync"])
    def get(self, request: Request) -> Response:
        """Count the records of each target, within 15 seconds."""
        self.read_query(request)
        counts = count_targets(full_refresh(request))
        rows = [
            {"endpoint": one.stream, "target": one.target, "records": one.records, "problem": one.problem or None}
            for one in counts
        ]
        return Response({"counts": rows})


class StepSerializer(serializers.Serializer):
    """One step of a connection test."""

    name = serializers.CharField()
    ok = serializers.BooleanField()
    milliseconds = serializers.FloatField()
    message = serializers.CharField()
    fix = serializers.CharField()


class ConnectionTestSerializer(serializers.Serializer):
    """A test of a connector."""

    connector = serializers.CharField()
    ok = serializers.BooleanField()
    milliseconds = serializers.FloatField()
    created_at = serializers.DateTimeField()
    steps = StepSerializer(many=True)


def describe_test(test: ConnectionTest) -> dict[str, Any]:
    """The test for programs."""
    names = ("ok", "milliseconds", "created_at", "steps")
    return {"connector": test.connector.slug} | {name: getattr(test, name) for name in names}


class SyncTest(ApiView):
    """The test of the default source."""

    needs = {"POST": WRITE_RUNS}

    @extend_schema(
        operation_id="sync_test", request=NothingSerializer, responses=ConnectionTestSerializer, tags=["sync"]
    )
    def post(self, request: Request) -> Response:
        """Test the connection to the source, step by step; what is wrong is in the steps."""
        self.read_body(request, NothingSerializer)
        source = full_refresh(request).source_connector
        if source is None:
            raise ConfigError("no_connector", f"{FULL_REFRESH} has no source connector", hint="Choose one.")
        return Response(ConnectionTestSerializer(describe_test(test_connector(source))).data)
