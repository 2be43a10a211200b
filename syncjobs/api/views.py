"""What all addresses of the API share: who may, what is read from body and query, how lists and jobs are answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.contrib.auth.models import User
from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from syncjobs.api.fields import QuerySerializer
from syncjobs.api.paging import LARGEST_ID, Order, read_page
from syncjobs.api.permissions import Needs


class ApiView(APIView):
    """One address. `needs` says by method what it takes; a method without an entry is not answered."""

    needs: ClassVar[Mapping[str, Needs]] = {}

    @staticmethod
    def read_body(request: Request, kind: type[Serializer]) -> dict[str, Any]:
        """The body by its serializer, without what is null. Raises ValidationError."""
        body = kind(data=request.data)
        body.is_valid(raise_exception=True)
        return {name: value for name, value in body.validated_data.items() if value is not None}

    @staticmethod
    def read_given(request: Request, kind: type[Serializer]) -> dict[str, Any]:
        """The body with the nulls that it gives. Raises ValidationError."""
        body = kind(data=request.data)
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)

    @staticmethod
    def read_query(request: Request, kind: type[QuerySerializer] = QuerySerializer) -> dict[str, Any]:
        """The query string by its serializer. Raises ValidationError."""
        query = kind(data=request.query_params)
        query.is_valid(raise_exception=True)
        return dict(query.validated_data)

    @staticmethod
    def answer_page(
        request: Request,
        rows: QuerySet[Any, Any],
        query: dict[str, Any],
        describe: Callable[[list[Any]], list[dict[str, Any]]],
        order: Order = Order(),  # noqa: B008 - it never changes
    ) -> Response:
        """One page of the rows, each as `describe` words them."""
        page = read_page(request, rows, query, order)
        return Response(page.as_body(describe(list(page.rows))))


def person(request: Request) -> User:
    """The person behind a request that has passed authentication."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - told to the type checker
    return user


def storable_id(number: int) -> int:
    """A number from an address as a database can look for it."""
    return min(number, LARGEST_ID)
