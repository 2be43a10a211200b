"""What may be done with one connector: test it, sync what reads from it, look into it."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlencode

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from connectors.errors import ConfigError
from connectors.records import StreamInfo
from connectors.sampling import StreamSample
from syncjobs.api.answers import WRITE_RUNS, read_config, write_config
from syncjobs.api.connector_bodies import LONGEST_STREAM, SampleQuery, StreamQuery, SyncNowBody
from syncjobs.api.idempotency import answer_once
from syncjobs.api.job_serializers import JobSerializer
from syncjobs.api.permissions import Needs
from syncjobs.api.run_serializers import NothingSerializer
from syncjobs.api.stream_samples import SampleSerializer, StreamsSerializer, describe_sample, describe_stream
from syncjobs.api.sync_views import ConnectionTestSerializer, describe_test
from syncjobs.api.views import ApiView, person
from syncjobs.api.visible import find_connector, visible_jobs
from syncjobs.operations.connector_syncs import SeveralTypes, sync_connector
from syncjobs.operations.connectors import list_streams, sample_stream, test_connector
from syncjobs.operations.descriptions import describe_jobs
from syncjobs.operations.sample_masks import masked_columns_of
from syncjobs.scopes import CONFIG_READ
from syncjobs.statuses import Trigger

logger = logging.getLogger("syncjobs.api")
SEE_ROWS = Needs(CONFIG_READ, ("connectors.sample_connector", "connectors.change_connector"))


class NothingStarted(APIException):
    """None of the types could be started."""

    status_code = 409
    default_code = "conflict"


class ConnectorTest(ApiView):
    """A test of the connection."""

    needs = {"POST": write_config("connectors.connector")}

    @extend_schema(
        operation_id="connectors_test",
        request=NothingSerializer,
        responses=ConnectionTestSerializer,
        tags=["connectors"],
    )
    def post(self, request: Request, slug: str) -> Response:
        """Test the connection, step by step, which may take half a minute; what is wrong is in the steps."""
        self.read_body(request, NothingSerializer)
        test = test_connector(find_connector(person(request), slug))
        return Response(ConnectionTestSerializer(describe_test(test)).data)


class ConnectorSyncSerializer(serializers.Serializer):
    """What was started."""

    jobs = JobSerializer(many=True)
    refused = serializers.DictField(child=serializers.CharField(), help_text="Why types were not started, by slug.")


class ConnectorSync(ApiView):
    """Sync now."""

    needs = {"POST": WRITE_RUNS}

    @extend_schema(
        operation_id="connectors_sync",
        request=SyncNowBody,
        responses={202: ConnectorSyncSerializer},
        tags=["connectors"],
    )
    def post(self, request: Request, slug: str) -> Response:
        """Start the enabled types that read from it: the only one, or those that you name."""
        body, connector = self.read_body(request, SyncNowBody), find_connector(person(request), slug)

        def work() -> Response:
            user = person(request)
            try:
                done = sync_connector(
                    connector,
                    body.get("job_types"),
                    trigger=Trigger.API,
                    actor=user.get_username(),
                    user=user,
                    dry_run=body.get("dry_run", False),
                )
            except SeveralTypes as several:
                raise ValidationError({"job_types": [f"{several}."]}) from several
            if not done.jobs:
                raise NothingStarted(" ".join(f"{slug}: {why.rstrip('.')}." for slug, why in done.refused.items()))
            made = visible_jobs(user).with_plans().select_related("job_type")
            jobs = made.filter(pk__in=[job.pk for job in done.jobs]).order_by("pk")
            return Response({"jobs": describe_jobs(list(jobs)), "refused": done.refused}, status=202)

        return answer_once(request, work)


class ConnectorStreams(ApiView):
    """What a connector offers."""

    needs = {"GET": read_config("connectors.connector")}

    @extend_schema(
        operation_id="connectors_streams", parameters=[StreamQuery], responses=StreamsSerializer, tags=["connectors"]
    )
    def get(self, request: Request, slug: str) -> Response:
        """Ask the system for its streams, within 15 seconds, and list them by name."""
        query = self.read_query(request, StreamQuery)
        size, found = query["page_size"], list_streams(find_connector(person(request), slug))
        rest = [info for info in found if _fits(info, query)]
        more = _address(request, rest[size - 1].name) if len(rest) > size else None
        return Response({"results": [describe_stream(info) for info in rest[:size]], "next": more})


def _fits(info: StreamInfo, query: dict[str, Any]) -> bool:
    is_behind = "after" not in query or info.name > query["after"]
    return is_behind and query.get("search", "").lower() in f"{info.name} {info.label}".lower()


def _address(request: Request, last: str) -> str:
    query = urlencode({**request.query_params.dict(), "after": last})
    return str(request.build_absolute_uri(f"{request.path}?{query}"))


class StreamSampleView(ApiView):
    """A look into a stream."""

    needs = {"GET": SEE_ROWS}

    @extend_schema(
        operation_id="connectors_streams_sample",
        parameters=[SampleQuery],
        responses=SampleSerializer,
        tags=["connectors"],
    )
    def get(self, request: Request, slug: str, name: str) -> Response:
        """Ask the system for a stream's fields and first records, within 15 seconds.

        A stream's name stands in the address as it is, slashes too. What job types mask is masked; texts are cut after
        4,000 characters.
        """
        query, user = self.read_query(request, SampleQuery), person(request)
        connector = find_connector(user, slug)
        if len(name) > LONGEST_STREAM or "\0" in name:
            raise Http404(f"{slug} has no such stream.")
        logger.info("%s looks at the first rows of %s/%s", user.get_username(), slug, name)
        try:
            sample: StreamSample = sample_stream(connector, name, query["rows"])
        except ConfigError as error:
            if error.code == "stream_not_found":
                raise Http404(error.message) from error
            raise
        return Response(describe_sample(slug, name, sample, masked_columns_of(connector, name)))


ACTION_VIEWS = {
    "test/": ConnectorTest,
    "sync/": ConnectorSync,
    "streams/": ConnectorStreams,
    "streams/<path:name>/sample/": StreamSampleView,
}
