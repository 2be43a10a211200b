"""How a page of a list reads in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

_made: dict[type[serializers.Serializer], serializers.Serializer] = {}


def paged(kind: type[serializers.Serializer]) -> serializers.Serializer:
    """A page of such rows."""
    if kind not in _made:
        _made[kind] = _page_of(kind)
    return _made[kind]


def _page_of(kind: type[serializers.Serializer]) -> serializers.Serializer:
    return inline_serializer(
        f"{kind.__name__.removesuffix('Serializer')}Page",
        {
            "results": kind(many=True),
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
        },
    )


def serialized_by(kind: type[serializers.Serializer]) -> Callable[[list[Any]], list[dict[str, Any]]]:
    """Words the rows of a page by their serializer."""
    return lambda rows: list(kind(rows, many=True).data)
