"""Failures by their cause: the clusters, one with its jobs, and the retry of all of them."""

from __future__ import annotations

from datetime import timedelta

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from syncjobs.api.answers import READ_RUNS, WRITE_RUNS
from syncjobs.api.fields import QuerySerializer, StrictSerializer, number
from syncjobs.api.idempotency import answer_once
from syncjobs.api.views import ApiView, person
from syncjobs.clock import db_now
from syncjobs.operations.failure_clusters import Cluster, cluster, clusters, jobs_of
from syncjobs.operations.failures import retry_failures
from syncjobs.operations.part_descriptions import describe_cluster

USUAL_DAYS, MOST_DAYS = 7, 30
MOST_CLUSTERS = JOBS_TOLD = 50


class StruckTypeSerializer(serializers.Serializer):
    """How many jobs of a type failed so."""

    job_type = serializers.CharField()
    jobs = serializers.IntegerField()


class ClusterSerializer(serializers.Serializer):
    """Jobs that are failed now for the same cause."""

    fingerprint = serializers.CharField()
    jobs = serializers.IntegerField(help_text="How many.")
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    failure_class = serializers.CharField()
    code = serializers.CharField()
    cause = serializers.CharField()
    message = serializers.CharField(help_text="Without what is each job's own.")
    hint = serializers.CharField()
    newest_job = serializers.IntegerField()
    job_types = StruckTypeSerializer(many=True)


class ClustersSerializer(serializers.Serializer):
    """The largest first, at most 50."""

    failures = ClusterSerializer(many=True)


class ClusterDetailSerializer(ClusterSerializer):
    """With its newest jobs, at most 50."""

    newest_jobs = serializers.ListField(child=serializers.IntegerField())


class RetriedSerializer(serializers.Serializer):
    """What was queued again, and why the others were not."""

    retried = serializers.ListField(child=serializers.IntegerField())
    refused = serializers.DictField(child=serializers.CharField(), help_text="{job: sentence}")


class DaysQuery(QuerySerializer):
    """How far back."""

    days = serializers.IntegerField(required=False, default=USUAL_DAYS, min_value=1, max_value=MOST_DAYS)


class DaysBody(StrictSerializer):
    """How far back; 7 days if not given."""

    days = number(1, MOST_DAYS)


class FailureList(ApiView):
    """All clusters."""

    needs = {"GET": READ_RUNS}

    @extend_schema(
        operation_id="failures_list", parameters=[DaysQuery], responses=ClustersSerializer, tags=["failures"]
    )
    def get(self, request: Request) -> Response:
        """List failed jobs by their cause."""
        query = self.read_query(request, DaysQuery)
        found = clusters(db_now(), days=query["days"], limit=MOST_CLUSTERS)
        return Response({"failures": [describe_cluster(one) for one in found]})


class FailureDetail(ApiView):
    """One cluster."""

    needs = {"GET": READ_RUNS}

    @extend_schema(
        operation_id="failures_read", parameters=[DaysQuery], responses=ClusterDetailSerializer, tags=["failures"]
    )
    def get(self, request: Request, fingerprint: str) -> Response:
        """Read a cause, with the newest jobs that failed by it."""
        days, now = self.read_query(request, DaysQuery)["days"], db_now()
        found = _find(fingerprint, days)
        jobs = jobs_of(fingerprint, now, days=days).order_by("-pk").values_list("pk", flat=True)
        return Response(describe_cluster(found) | {"newest_jobs": list(jobs[:JOBS_TOLD])})


class FailureRetry(ApiView):
    """All jobs that failed alike, again."""

    needs = {"POST": WRITE_RUNS}

    @extend_schema(operation_id="failures_retry", request=DaysBody, responses=RetriedSerializer, tags=["failures"])
    def post(self, request: Request, fingerprint: str) -> Response:
        """Queue all jobs again that failed by this cause, at most 1,000 at once, the oldest first."""
        days = self.read_body(request, DaysBody).get("days", USUAL_DAYS)
        actor = person(request).get_username()

        def work() -> Response:
            _find(fingerprint, days)
            result = retry_failures(fingerprint, since=db_now() - timedelta(days=days), actor=actor)
            return Response({"retried": result.done, "refused": {str(job): why for job, why in result.refused.items()}})

        return answer_once(request, work)


def _find(fingerprint: str, days: int) -> Cluster:
    found = cluster(db_now(), fingerprint, days=days)
    if found is None:
        raise Http404("No job is failed in this way now.")
    return found
