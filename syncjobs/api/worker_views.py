"""Workers and queues: who is alive and does what, and what waits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from syncjobs.api.answers import READ_RUNS
from syncjobs.api.views import ApiView, person
from syncjobs.api.visible import visible_jobs
from syncjobs.clock import db_now
from syncjobs.lifecycle.occupancy import SILENT_AFTER
from syncjobs.models import ProgramSeen, WorkerSeen
from syncjobs.statuses import Status

GONE_AFTER = timedelta(days=7)


class WorkerSerializer(serializers.Serializer):
    """A worker that reported in the last days."""

    name = serializers.CharField()
    host = serializers.CharField()
    queues = serializers.ListField(child=serializers.CharField())
    slots = serializers.IntegerField()
    version = serializers.CharField()
    last_seen_at = serializers.DateTimeField()
    is_alive = serializers.BooleanField()


class ProgramSerializer(serializers.Serializer):
    """A dispatcher or a beat that reported."""

    role = serializers.CharField()
    name = serializers.CharField()
    version = serializers.CharField()
    started_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    is_alive = serializers.BooleanField()
    broker_ok = serializers.BooleanField(allow_null=True)
    broker_message = serializers.CharField()


class QueueSerializer(serializers.Serializer):
    """What is in a queue."""

    name = serializers.CharField()
    queued = serializers.IntegerField()
    started = serializers.IntegerField()


class WorkshopSerializer(serializers.Serializer):
    """All that runs jobs."""

    workers = WorkerSerializer(many=True)
    programs = ProgramSerializer(many=True)
    queues = QueueSerializer(many=True)


class WorkerList(ApiView):
    """Workers, programs and queues."""

    needs = {"GET": READ_RUNS}

    @extend_schema(operation_id="workers_list", responses=WorkshopSerializer, tags=["workers"])
    def get(self, request: Request) -> Response:
        """List workers, dispatchers and beats of the last 7 days, and what is in the queues."""
        self.read_query(request)
        now = db_now()
        workers = list(WorkerSeen.objects.filter(last_seen_at__gte=now - GONE_AFTER))
        programs = list(ProgramSeen.objects.filter(last_seen_at__gte=now - GONE_AFTER))
        rows: list[Any] = [*workers, *programs]
        for row in rows:
            row.is_alive = row.last_seen_at >= now - SILENT_AFTER
        jobs = visible_jobs(person(request)).filter(status__in=(Status.QUEUED.value, Status.STARTED.value)).order_by()
        queues = jobs.values("queue").annotate(
            queued=Count("id", filter=Q(status=Status.QUEUED.value)),
            started=Count("id", filter=Q(status=Status.STARTED.value)),
        )
        told = [{"name": one["queue"], "queued": one["queued"], "started": one["started"]} for one in queues]
        return Response(WorkshopSerializer({"workers": workers, "programs": programs, "queues": told}).data)
