"""Connectors to look at and to keep: list, make, read, change, delete."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from connectors.models import Connector
from syncjobs.api.answers import read_config, write_config
from syncjobs.api.config_serializers import ConnectorQuery, ConnectorSerializer
from syncjobs.api.connector_bodies import ConnectorBody, ConnectorChanges
from syncjobs.api.etags import EDITED, ETAG, IF_MATCH, answer_row, edited_as_read
from syncjobs.api.pages import paged, serialized_by
from syncjobs.api.paging import Order
from syncjobs.api.views import ApiView, person
from syncjobs.api.visible import find_connector, visible_connectors
from syncjobs.operations.connector_credentials import give_credentials
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.deletions import delete_connector
from syncjobs.operations.grants import set_grants
from syncjobs.operations.visible import SEES_ALL

SEE, CHANGE = read_config("connectors.connector"), write_config("connectors.connector")
BY_SLUG = Order("slug", descending=False)


class ConnectorList(ApiView):
    """All connectors."""

    needs = {"GET": SEE, "POST": write_config("connectors.connector", "add")}

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

    @extend_schema(
        operation_id="connectors_create",
        parameters=[ETAG],
        request=ConnectorBody,
        responses={201: ConnectorSerializer},
        tags=["connectors"],
    )
    def post(self, request: Request) -> Response:
        """Make a connector. Its credentials are encrypted and never told again."""
        shape = self.read_given(request, ConnectorBody)
        credentials, groups = shape.pop("credentials", {}), _groups(request, shape)
        connector = connector_from_shape(shape)
        give_credentials(connector, credentials)
        with transaction.atomic():
            made = save_connector(connector, user=person(request))
            _grant(request, made, groups)
        place = request.build_absolute_uri(f"/api/v1/connectors/{made.slug}/")
        return answer_row(made, ConnectorSerializer(made).data, status=201, location=place)


def _groups(request: Request, given: dict[str, Any]) -> list[str] | None:
    """Takes the grants out of a body; None where it has none. Raises PermissionDenied for who may not give any."""
    groups: list[str] | None = given.pop("grants", None)
    if groups is not None and not request.user.has_perm(SEES_ALL):
        raise PermissionDenied(f"Grants need the permission {SEES_ALL}.")
    return groups


def _grant(request: Request, connector: Connector, groups: list[str] | None) -> None:
    if groups is not None:
        set_grants(connector, groups, actor=person(request).get_username())


class ConnectorDetail(ApiView):
    """One connector."""

    needs = {"GET": SEE, "PATCH": CHANGE, "DELETE": write_config("connectors.connector", "delete")}

    @extend_schema(
        operation_id="connectors_read", parameters=[ETAG], responses=ConnectorSerializer, tags=["connectors"]
    )
    def get(self, request: Request, slug: str) -> Response:
        """Read a connector; of its credentials only which are set."""
        self.read_query(request)
        connector = find_connector(person(request), slug)
        return answer_row(connector, ConnectorSerializer(connector).data)

    @extend_schema(
        operation_id="connectors_change",
        parameters=EDITED,
        request=ConnectorChanges,
        responses=ConnectorSerializer,
        tags=["connectors"],
    )
    def patch(self, request: Request, slug: str) -> Response:
        """Save what is given as the connector's next version; of its credentials only those that are named change."""
        changes, user = self.read_given(request, ConnectorChanges), person(request)
        groups = _groups(request, changes)
        connector = find_connector(user, slug)
        with edited_as_read(request, connector), transaction.atomic():
            give_credentials(connector, changes.pop("credentials", {}))
            for name, value in changes.items():
                setattr(connector, name, value)
            saved = save_connector(connector, user=user)
            _grant(request, saved, groups)
        return answer_row(saved, ConnectorSerializer(saved).data)

    @extend_schema(operation_id="connectors_delete", parameters=[IF_MATCH], responses={204: None}, tags=["connectors"])
    def delete(self, request: Request, slug: str) -> Response:
        """Delete a connector with its credentials and tests, if no job type uses it."""
        user = person(request)
        connector = find_connector(user, slug)
        with edited_as_read(request, connector):
            delete_connector(connector, actor=user.get_username())
        return Response(status=204)
