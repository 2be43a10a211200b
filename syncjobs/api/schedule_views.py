"""Schedules: list, make, read, change, delete, and run now what they run."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from syncjobs.api.answers import WRITE_RUNS, answer_job, read_config, write_config
from syncjobs.api.config_serializers import ScheduleQuery, ScheduleSerializer, describe_schedules
from syncjobs.api.etags import EDITED, ETAG, IF_MATCH, answer_row, edited_as_read
from syncjobs.api.idempotency import answer_once
from syncjobs.api.job_serializers import JobDetailSerializer
from syncjobs.api.pages import paged
from syncjobs.api.paging import Order
from syncjobs.api.run_serializers import NothingSerializer
from syncjobs.api.schedule_bodies import ScheduleBody, ScheduleChanges, save_given
from syncjobs.api.views import ApiView, person
from syncjobs.api.visible import find_schedule, visible_schedules
from syncjobs.models import Schedule
from syncjobs.operations.schedule_runs import run_schedule_now
from syncjobs.operations.schedules import delete_schedule
from syncjobs.statuses import Trigger

SEE, CHANGE = read_config("syncjobs.schedule"), write_config("syncjobs.schedule")


class ScheduleList(ApiView):
    """All schedules."""

    needs = {"GET": SEE, "POST": write_config("syncjobs.schedule", "add")}

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

    @extend_schema(
        operation_id="schedules_create",
        parameters=[ETAG],
        request=ScheduleBody,
        responses={201: ScheduleSerializer},
        tags=["schedules"],
    )
    def post(self, request: Request) -> Response:
        """Make a schedule. Its first run is the first due time from now on."""
        body, user = self.read_given(request, ScheduleBody), person(request)

        def work() -> Response:
            made = save_given(body, None, user=user)
            place = request.build_absolute_uri(f"/api/v1/schedules/{made.pk}/")
            return answer_schedule(made, status=201, location=place)

        return answer_once(request, work)


def answer_schedule(schedule: Schedule, *, status: int = 200, location: str = "") -> Response:
    """The schedule with its ETag."""
    return answer_row(schedule, describe_schedules([schedule])[0], status=status, location=location)


class ScheduleDetail(ApiView):
    """One schedule."""

    needs = {"GET": SEE, "PATCH": CHANGE, "DELETE": write_config("syncjobs.schedule", "delete")}

    @extend_schema(operation_id="schedules_read", parameters=[ETAG], responses=ScheduleSerializer, tags=["schedules"])
    def get(self, request: Request, schedule_id: int) -> Response:
        """Read a schedule with its next runs."""
        self.read_query(request)
        return answer_schedule(find_schedule(person(request), schedule_id))

    @extend_schema(
        operation_id="schedules_change",
        parameters=EDITED,
        request=ScheduleChanges,
        responses=ScheduleSerializer,
        tags=["schedules"],
    )
    def patch(self, request: Request, schedule_id: int) -> Response:
        """Save what is given as the schedule's next version. With another rule it begins anew, from now on."""
        changes, user = self.read_given(request, ScheduleChanges), person(request)
        schedule = find_schedule(user, schedule_id)
        with edited_as_read(request, schedule):
            saved = save_given(changes, schedule, user=user)
        return answer_schedule(saved)

    @extend_schema(operation_id="schedules_delete", parameters=[IF_MATCH], responses={204: None}, tags=["schedules"])
    def delete(self, request: Request, schedule_id: int) -> Response:
        """Delete a schedule. The jobs that it started stay."""
        user = person(request)
        schedule = find_schedule(user, schedule_id)
        with edited_as_read(request, schedule):
            delete_schedule(schedule, actor=user.get_username())
        return Response(status=204)


class ScheduleRun(ApiView):
    """A run of what a schedule runs."""

    needs = {"POST": WRITE_RUNS}

    @extend_schema(
        operation_id="schedules_run",
        request=NothingSerializer,
        responses={202: JobDetailSerializer},
        tags=["schedules"],
    )
    def post(self, request: Request, schedule_id: int) -> Response:
        """Run now what the schedule runs, whether it is on or off. When it is next due stays as it is."""
        self.read_body(request, NothingSerializer)
        user = person(request)
        schedule = find_schedule(user, schedule_id)

        def work() -> Response:
            job = run_schedule_now(schedule, trigger=Trigger.API, actor=user.get_username(), user=user)
            return answer_job(request, job)

        return answer_once(request, work)
