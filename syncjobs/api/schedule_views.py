"""Schedules to look at. Writing them is not here yet."""

from __future__ import annotations

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from syncjobs.api.answers import read_config
from syncjobs.api.config_serializers import ScheduleQuery, ScheduleSerializer, describe_schedules
from syncjobs.api.etags import ETAG, answer_row
from syncjobs.api.pages import paged
from syncjobs.api.paging import Order
from syncjobs.api.views import ApiView, person, storable_id
from syncjobs.api.visible import visible_schedules

SEE = read_config("syncjobs.schedule")


class ScheduleList(ApiView):
    """All schedules."""

    needs = {"GET": SEE}

    @extend_schema(
        operation_id="schedules_list",
        parameters=[ScheduleQuery],
        responses=paged(ScheduleSerializer),
        tags=["schedules"],
    )
    def get(self, request: Request) -> Response:
        """List schedules with their next runs."""
        query = self.read_query(request, ScheduleQuery)
        rows = visible_schedules(person(request))
        if "job_type" in query:
            rows = rows.filter(job_type__slug=query["job_type"])
        if query["enabled"] is not None:
            rows = rows.filter(periodic_task__enabled=query["enabled"])
        return self.answer_page(request, rows, query, describe_schedules, Order("id", descending=False))


class ScheduleDetail(ApiView):
    """One schedule."""

    needs = {"GET": SEE}

    @extend_schema(operation_id="schedules_read", parameters=[ETAG], responses=ScheduleSerializer, tags=["schedules"])
    def get(self, request: Request, schedule_id: int) -> Response:
        """Read a schedule with its next runs."""
        self.read_query(request)
        schedule = visible_schedules(person(request)).filter(pk=storable_id(schedule_id)).first()
        if schedule is None:
            raise Http404(f"There is no schedule {schedule_id}.")
        return answer_row(schedule, describe_schedules([schedule])[0])
