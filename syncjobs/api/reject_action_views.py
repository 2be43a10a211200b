"""Replaying and dismissing rejects: some by their ids, or all open ones of a choice."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from syncjobs.api.answers import READ_RUNS, WRITE_RUNS, answer_job
from syncjobs.api.fields import QuerySerializer, StrictInteger, StrictSerializer, StrictText, number, text
from syncjobs.api.idempotency import answer_once
from syncjobs.api.job_part_serializers import RejectSerializer
from syncjobs.api.job_serializers import JobDetailSerializer
from syncjobs.api.job_views import find_named_type
from syncjobs.api.views import ApiView, person
from syncjobs.api.visible import visible_jobs
from syncjobs.models import Reject, SyncJob
from syncjobs.operations.part_descriptions import describe_group
from syncjobs.operations.rejects import (
    LONGEST_REASON,
    dismiss_rejects,
    find_rejects,
    group_rejects,
    open_reject_ids,
    replay_rejects,
)
from syncjobs.statuses import Trigger

MOST_NAMED, MOST_GROUPS = 500, 200
LARGEST_ID = 2**63 - 1
COLUMNS = ("stream", "code", "fingerprint")


class RejectChoice(StrictSerializer):
    """Open rejects for which all of this is so; at least one must be given."""

    rejects = serializers.ListField(
        child=StrictInteger(min_value=1, max_value=LARGEST_ID),
        required=False,
        allow_null=True,
        min_length=1,
        max_length=MOST_NAMED,
        help_text="Their ids.",
    )
    job = number(1, LARGEST_ID, help_text="Of this job and its children.")
    job_type = text(100, help_text="Of this type, by its slug.")
    stream = text()
    code = text(50)
    fingerprint = text(32, help_text="Of one reason, as a group has it.")


class DismissBody(RejectChoice):
    """Which rejects, and why they need nothing more."""

    reason = StrictText(max_length=LONGEST_REASON)


class DismissedSerializer(serializers.Serializer):
    """How many."""

    dismissed = serializers.IntegerField()


class RejectReplay(ApiView):
    """Rejects once more."""

    needs = {"POST": WRITE_RUNS}

    @extend_schema(
        operation_id="rejects_replay", request=RejectChoice, responses={202: JobDetailSerializer}, tags=["rejects"]
    )
    def post(self, request: Request) -> Response:
        """Write the records of open rejects by the mapping of today, in a new job, which is the answer.

        They are of one job type, and at most 10,000 at once, the oldest first. What still does not fit stays open.
        """
        body, user = self.read_body(request, RejectChoice), person(request)
        chosen = _chosen(request, body)

        def work() -> Response:
            ids = open_reject_ids(**chosen)
            job = replay_rejects(rejects=ids, actor=user.get_username(), user=user, trigger=Trigger.API)
            return answer_job(request, job)

        return answer_once(request, work)


class RejectDismiss(ApiView):
    """Rejects that need nothing more."""

    needs = {"POST": WRITE_RUNS}

    @extend_schema(operation_id="rejects_dismiss", request=DismissBody, responses=DismissedSerializer, tags=["rejects"])
    def post(self, request: Request) -> Response:
        """Close open rejects without writing their records, at most 10,000 at once, the oldest first."""
        body, user = self.read_body(request, DismissBody), person(request)
        chosen = _chosen(request, body)

        def work() -> Response:
            ids = open_reject_ids(**chosen)
            number = dismiss_rejects(rejects=ids, actor=user.get_username(), reason=body["reason"])
            return Response({"dismissed": number})

        return answer_once(request, work)


def _chosen(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    """What `open_reject_ids` is asked for. Raises ValidationError for an empty choice and what is not there."""
    if not body.keys() & {"rejects", "job", "job_type", *COLUMNS}:
        raise ValidationError({"rejects": ["Say which: their ids, or a job, job_type, stream, code or fingerprint."]})
    job_type = find_named_type(request, body["job_type"]) if "job_type" in body else None
    return {
        "job": _named_job(request, body["job"]) if "job" in body else None,
        "job_type": job_type,
        "rejects": body.get("rejects"),
        **{name: body[name] for name in COLUMNS if name in body},
    }


def _named_job(request: Request, job_id: int) -> SyncJob:
    found = visible_jobs(person(request)).filter(pk=job_id).first()
    if found is None:
        raise ValidationError({"job": [f"There is no job {job_id}."]})
    return found


class GroupSerializer(serializers.Serializer):
    """Rejects that have the same reason."""

    stream = serializers.CharField()
    code = serializers.CharField()
    field = serializers.CharField(allow_null=True)
    reason = serializers.CharField(help_text="The message without what is each record's own.")
    fingerprint = serializers.CharField()
    number = serializers.IntegerField()
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    sample = RejectSerializer(help_text="The newest.")


class GroupsSerializer(serializers.Serializer):
    """The most frequent first, at most 200."""

    groups = GroupSerializer(many=True)


class GroupQuery(QuerySerializer):
    """Of which rejects."""

    job = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    job_type = serializers.SlugField(required=False, max_length=100)
    state = serializers.ChoiceField(Reject.State.choices, required=False, default=Reject.State.OPEN.value)


class RejectGroups(ApiView):
    """Rejects by reason."""

    needs = {"GET": READ_RUNS}

    @extend_schema(operation_id="rejects_groups", parameters=[GroupQuery], responses=GroupsSerializer, tags=["rejects"])
    def get(self, request: Request) -> Response:
        """List rejects by their reason."""
        query = self.read_query(request, GroupQuery)
        job = _named_job(request, query["job"]) if "job" in query else None
        job_type = find_named_type(request, query["job_type"]) if "job_type" in query else None
        found = group_rejects(find_rejects(job=job, job_type=job_type, state=query["state"]), most=MOST_GROUPS)
        return Response({"groups": [describe_group(one) for one in found]})
