"""Pages of long lists by a field that is different in each row, so that nothing is ever counted or skipped through."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from syncjobs.api.fields import QuerySerializer

USUAL_SIZE, LARGEST_SIZE = 50, 200
LARGEST_ID = 2**63 - 1
LONGEST_CURSOR = 500


class PageQuery(QuerySerializer):
    """The parameters of every list."""

    cursor = serializers.CharField(
        required=False, max_length=LONGEST_CURSOR, help_text="Where the page begins: from `next` or `previous`."
    )
    page_size = serializers.IntegerField(required=False, default=USUAL_SIZE, min_value=1, max_value=LARGEST_SIZE)


@dataclass(frozen=True, slots=True)
class Order:
    """By which field a list goes on; `before` are fields that are the same in all its rows, for the index's sake."""

    field: str = "id"
    descending: bool = True
    before: tuple[str, ...] = ()

    def turned(self) -> Order:
        return Order(self.field, not self.descending, self.before)

    @property
    def terms(self) -> list[str]:
        return [f"{'-' if self.descending else ''}{name}" for name in (*self.before, self.field)]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in the order of the list, and the addresses of the pages beside it."""

    rows: Sequence[Any]
    next: str | None
    previous: str | None

    def as_body(self, results: Sequence[Any]) -> dict[str, Any]:
        return {"results": list(results), "next": self.next, "previous": self.previous}


def read_page(request: Request, rows: QuerySet[Any, Any], query: dict[str, Any], order: Order) -> Page:
    """The page that the query asks for; ValidationError for a cursor that is none of this list's."""
    size: int = query["page_size"]
    backwards, edge = _read_cursor(query.get("cursor"), rows, order)
    walk = order.turned() if backwards else order
    if edge is not None:
        rows = rows.filter(**{f"{order.field}__{'lt' if walk.descending else 'gt'}": edge})
    found = list(rows.order_by(*walk.terms)[: size + 1])
    has_more, shown = len(found) > size, found[:size]
    if backwards:
        shown.reverse()
    has_next, has_previous = (True, has_more) if backwards else (has_more, edge is not None)
    return Page(
        shown,
        _address(request, False, shown[-1], order) if has_next and shown else None,
        _address(request, True, shown[0], order) if has_previous and shown else None,
    )


def _address(request: Request, backwards: bool, row: Any, order: Order) -> str:
    cursor = json.dumps([int(backwards), getattr(row, order.field)]).encode()
    kept = {name: value for name, value in request.query_params.items() if name != "cursor"}
    kept["cursor"] = base64.urlsafe_b64encode(cursor).decode().rstrip("=")
    return str(request.build_absolute_uri(f"{request.path}?{urlencode(kept)}"))


def _read_cursor(cursor: str | None, rows: QuerySet[Any, Any], order: Order) -> tuple[bool, Any]:
    """Whether to go backwards, and from which value of the field."""
    if cursor is None:
        return False, None
    kind = str if rows.model._meta.get_field(order.field).get_internal_type() in ("SlugField", "CharField") else int
    try:
        backwards, edge = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise _bad_cursor() from error
    if backwards not in (0, 1) or type(edge) is not kind or (isinstance(edge, int) and abs(edge) > LARGEST_ID):
        raise _bad_cursor()
    if isinstance(edge, str) and not edge.isprintable():
        raise _bad_cursor()
    return bool(backwards), edge


def _bad_cursor() -> ValidationError:
    return ValidationError({"cursor": ["This is no cursor of this list; take it from next or previous."]})
