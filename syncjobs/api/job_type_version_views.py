"""The versions of a type: listed, compared with one another, and used again."""

from __future__ import annotations

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from syncjobs.api import job_type_part_serializers as parts
from syncjobs.api.config_serializers import JobTypeSerializer
from syncjobs.api.etags import ETAG, IF_MATCH, edited_as_read
from syncjobs.api.job_type_views import CHANGE, SEE, answer_type
from syncjobs.api.pages import paged
from syncjobs.api.paging import Order, PageQuery
from syncjobs.api.run_serializers import NothingSerializer
from syncjobs.api.views import ApiView, person, storable_id
from syncjobs.api.visible import find_job_type
from syncjobs.models import JobTypeVersion, SyncJobType
from syncjobs.operations import type_descriptions as words
from syncjobs.operations.job_type_differences import list_differences
from syncjobs.operations.job_type_versions import use_version_again

TAG = ["job types"]


class JobTypeVersions(ApiView):
    """What a type was."""

    needs = {"GET": SEE}

    @extend_schema(
        operation_id="job_types_versions",
        parameters=[PageQuery],
        responses=paged(parts.VersionSerializer),
        tags=TAG,
    )
    def get(self, request: Request, slug: str) -> Response:
        """List the versions of a type, the newest first."""
        query = self.read_query(request, PageQuery)
        rows = JobTypeVersion.objects.filter(job_type=find_job_type(person(request), slug)).defer("snapshot")
        return self.answer_page(
            request, rows, query, lambda found: [words.describe_version(one) for one in found], Order("number")
        )


class JobTypeVersionDetail(ApiView):
    """One version."""

    needs = {"GET": SEE}

    @extend_schema(
        operation_id="job_types_version",
        parameters=[parts.VersionQuery],
        responses=parts.VersionDetailSerializer,
        tags=TAG,
    )
    def get(self, request: Request, slug: str, number: int) -> Response:
        """Read a version, and what it has otherwise than the one before it, or than another one."""
        query = self.read_query(request, parts.VersionQuery)
        job_type = find_job_type(person(request), slug)
        version = _version(job_type, number)
        other: JobTypeVersion | None
        if "compared_with" in query:
            other = _version(job_type, query["compared_with"])
        else:
            other = JobTypeVersion.objects.filter(job_type=job_type, number__lt=number).first()
        differences = list_differences(other.snapshot, version.snapshot) if other else []
        return Response(
            words.describe_version(version)
            | {
                "snapshot": version.snapshot,
                "compared_with": other and other.number,
                "differences": [words.describe_difference(one) for one in differences],
            }
        )


class JobTypeVersionUse(ApiView):
    """An earlier version as the next one."""

    needs = {"POST": CHANGE}

    @extend_schema(
        operation_id="job_types_use_version",
        parameters=[IF_MATCH, ETAG],
        request=NothingSerializer,
        responses=JobTypeSerializer,
        tags=TAG,
    )
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Save the content of an earlier version as the next one. If-Match is of the type as it is."""
        self.read_body(request, NothingSerializer)
        user = person(request)
        job_type = find_job_type(user, slug)
        version = _version(job_type, number)
        with edited_as_read(request, job_type):
            return answer_type(use_version_again(job_type, version, actor=user.get_username(), user=user))


def _version(job_type: SyncJobType, number: int) -> JobTypeVersion:
    found = JobTypeVersion.objects.filter(job_type=job_type, number=storable_id(number)).first()
    if found is None:
        raise Http404(f"{job_type.slug} has no version {number}.")
    return found


VERSION_VIEWS: dict[str, type[ApiView]] = {
    "versions/": JobTypeVersions,
    "versions/<int:number>/": JobTypeVersionDetail,
    "versions/<int:number>/use/": JobTypeVersionUse,
}
