"""What belongs to a type: a look at real records, what saving would change, its cursors, its source's columns."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from syncjobs.api import job_type_part_serializers as parts
from syncjobs.api.idempotency import answer_once
from syncjobs.api.job_type_bodies import JobTypeChanges, PreviewBody
from syncjobs.api.job_type_verb_views import CHANGE_TYPE
from syncjobs.api.job_type_views import CHANGE, SEE
from syncjobs.api.views import ApiView, person
from syncjobs.api.visible import find_job_type
from syncjobs.models import SyncJobType
from syncjobs.operations import type_descriptions as words
from syncjobs.operations.cursors import list_cursor_entries, list_streams, rewind_cursor
from syncjobs.operations.entered_types import entered_over, preview_entered
from syncjobs.operations.job_type_differences import list_consequences, list_differences
from syncjobs.operations.job_types import check_job_type
from syncjobs.operations.source_schemas import accept_schemas, describe_schema, list_schemas
from syncjobs.stream_cursors import cursor_fields

TAG = ["job types"]


class JobTypePreview(ApiView):
    """What a stream's first records become."""

    needs = {"POST": CHANGE}

    @extend_schema(operation_id="job_types_preview", request=PreviewBody, responses=parts.PreviewSerializer, tags=TAG)
    def post(self, request: Request, slug: str) -> Response:
        """Map the first real records of a stream, and write nothing.

        By the type as it is saved, or with whatever of it the body gives otherwise.
        """
        body, user = self.read_given(request, PreviewBody), person(request)
        stream, rows = body.pop("stream", None), body.pop("rows")
        entered = entered_over(find_job_type(user, slug), body)
        number = _place_of(entered, stream)
        return Response(words.describe_preview(preview_entered(entered, number, user=user, rows=rows)))


def _place_of(job_type: SyncJobType, stream: str | None) -> int:
    """At which place of the config the stream is. Raises ValidationError."""
    streams = job_type.config.get("streams")
    given = streams if isinstance(streams, list) else []
    names = [one.get("source") if isinstance(one, dict) else None for one in given]
    found = [number for number, name in enumerate(names) if stream in (None, name)]
    if len(found) != 1:
        raise ValidationError({"stream": [f"Name one of this type's streams: {', '.join(map(str, names)) or 'none'}."]})
    return found[0]


class JobTypeReview(ApiView):
    """What saving would change."""

    needs = {"POST": CHANGE}

    @extend_schema(operation_id="job_types_review", request=JobTypeChanges, responses=parts.ReviewSerializer, tags=TAG)
    def post(self, request: Request, slug: str) -> Response:
        """Tell what would differ if this was saved, and what that leads to. Refused as saving it would be."""
        changes, user = self.read_given(request, JobTypeChanges), person(request)
        job_type = find_job_type(user, slug)
        entered = entered_over(job_type, changes)
        check_job_type(entered, user=user)
        after = entered.snapshot()
        differences = list_differences(job_type.snapshot(), after)
        return Response(
            {
                "differences": [words.describe_difference(one) for one in differences],
                "consequences": list_consequences(job_type, after),
            }
        )


class JobTypeCursor(ApiView):
    """How far the incremental streams of a type have come."""

    needs = {"GET": SEE, "POST": CHANGE_TYPE}

    @extend_schema(
        operation_id="job_types_cursor",
        parameters=[parts.CursorQuery],
        responses=parts.LedgersSerializer,
        tags=TAG,
    )
    def get(self, request: Request, slug: str) -> Response:
        """Read where each stream stands, and the newest entries of its ledger."""
        query = self.read_query(request, parts.CursorQuery)
        job_type = find_job_type(person(request), slug)
        streams = [query["stream"]] if "stream" in query else list_streams(job_type)
        ledgers = [(name, list_cursor_entries(job_type, name, query["limit"])) for name in streams]
        return Response({"streams": [words.describe_ledger(*ledger) for ledger in ledgers]})

    @extend_schema(
        operation_id="job_types_rewind", request=parts.RewindBody, responses=parts.CursorEntrySerializer, tags=TAG
    )
    def post(self, request: Request, slug: str) -> Response:
        """Let a stream's next run begin where an earlier entry had come. The answer is the new entry."""
        body, user = self.read_given(request, parts.RewindBody), person(request)
        job_type = find_job_type(user, slug)
        stream = body.get("stream") or _only_cursor(job_type)

        def work() -> Response:
            reason = body.get("reason") or ""
            added = rewind_cursor(job_type, stream, body["entry"], actor=user.get_username(), reason=reason)
            return Response(words.describe_entry(added))

        return answer_once(request, work)


def _only_cursor(job_type: SyncJobType) -> str:
    names = list(cursor_fields(job_type.config))
    if len(names) != 1:
        raise ValidationError({"stream": [f"Name one of those with a cursor: {', '.join(names) or 'none'}."]})
    return names[0]


class JobTypeSchemas(ApiView):
    """The columns that a type's sources had."""

    needs = {"GET": SEE}

    @extend_schema(
        operation_id="job_types_schemas", parameters=[parts.SchemaQuery], responses=parts.SchemasSerializer, tags=TAG
    )
    def get(self, request: Request, slug: str) -> Response:
        """List which columns the sources had, and whether runs go by them."""
        query = self.read_query(request, parts.SchemaQuery)
        found = list_schemas(find_job_type(person(request), slug), query.get("stream"))
        return Response({"schemas": [describe_schema(row) for rows in found.values() for row in rows]})


class JobTypeAcceptSchema(ApiView):
    """New columns that have stopped a run."""

    needs = {"POST": CHANGE_TYPE}

    @extend_schema(
        operation_id="job_types_accept_schema",
        request=parts.AcceptBody,
        responses=parts.SchemasSerializer,
        tags=TAG,
    )
    def post(self, request: Request, slug: str) -> Response:
        """Let runs go by the newest columns of the sources. The answer is what was accepted."""
        body, user = self.read_body(request, parts.AcceptBody), person(request)
        job_type = find_job_type(user, slug)

        def work() -> Response:
            rows = accept_schemas(job_type, actor=user.get_username(), stream=body.get("stream"))
            return Response({"schemas": [describe_schema(row) for row in rows]})

        return answer_once(request, work)


PART_VIEWS: dict[str, type[ApiView]] = {
    "preview/": JobTypePreview,
    "review/": JobTypeReview,
    "cursor/": JobTypeCursor,
    "schemas/": JobTypeSchemas,
    "schemas/accept/": JobTypeAcceptSchema,
}
