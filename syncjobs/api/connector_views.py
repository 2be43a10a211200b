"""Connectors to look at. Testing, browsing and writing them is not here yet."""

from __future__ import annotations

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from syncjobs.api.answers import read_config
from syncjobs.api.config_serializers import ConnectorQuery, ConnectorSerializer
from syncjobs.api.etags import ETAG, answer_row
from syncjobs.api.pages import paged, serialized_by
from syncjobs.api.paging import Order
from syncjobs.api.views import ApiView, person
from syncjobs.api.visible import find_connector, visible_connectors

SEE = read_config("connectors.connector")
BY_SLUG = Order("slug", descending=False)


class ConnectorList(ApiView):
    """All connectors."""

    needs = {"GET": SEE}

    @extend_schema(
        operation_id="connectors_list",
        parameters=[ConnectorQuery],
        responses=paged(ConnectorSerializer),
        tags=["connectors"],
    )
    def get(self, request: Request) -> Response:
        """List connectors by slug."""
        query = self.read_query(request, ConnectorQuery)
        rows = visible_connectors(person(request))
        if "kind" in query:
            rows = rows.filter(kind=query["kind"])
        if query["enabled"] is not None:
            rows = rows.filter(enabled=query["enabled"])
        if "search" in query:
            rows = rows.filter(Q(name__icontains=query["search"]) | Q(slug__icontains=query["search"]))
        return self.answer_page(request, rows, query, serialized_by(ConnectorSerializer), BY_SLUG)


class ConnectorDetail(ApiView):
    """One connector."""

    needs = {"GET": SEE}

    @extend_schema(
        operation_id="connectors_read", parameters=[ETAG], responses=ConnectorSerializer, tags=["connectors"]
    )
    def get(self, request: Request, slug: str) -> Response:
        """Read a connector; of its credentials only which are set."""
        self.read_query(request)
        connector = find_connector(person(request), slug)
        return answer_row(connector, ConnectorSerializer(connector).data)
