"""`ETag` and `If-Match`: a row's version on what is read, and edits only of the version that somebody has seen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from connectors.models import EditConflict

HEADER = "If-Match"
ONE = r'(?:W/)?"[!#-~]{0,64}"'
MATCHES = rf"^(?:\*|{ONE}(?: *, *{ONE}){{0,9}})$"
TAG = re.compile(r'"([^"]*)"')
ETAG = OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200, 201], description="Its version.")
IF_MATCH = OpenApiParameter(
    HEADER,
    {"type": "string", "pattern": MATCHES},
    OpenApiParameter.HEADER,
    required=True,
    description="The ETag of what you have read and now change; * for whatever version there is.",
)
EDITED = [IF_MATCH, ETAG]
"""The parameters of PUT and PATCH; a DELETE has the first, a GET or POST the second."""


class Versioned(Protocol):
    """A row that counts its edits."""

    version: int


class NoIfMatch(APIException):
    """An edit that does not say of which version."""

    status_code = 428
    default_code = "precondition_required"
    default_detail = f"Send {HEADER} with the ETag that reading it gave you, so that no edit of others is lost."


class Stale(APIException):
    """An edit of an older version."""

    status_code = 412
    default_code = "precondition_failed"


@contextmanager
def edited_as_read(request: Request, row: Versioned) -> Iterator[None]:
    """Around an edit or deletion. Raises NoIfMatch, and Stale if the row is or becomes another than `If-Match` says."""
    _check(request.headers.get(HEADER), row)
    try:
        yield
    except EditConflict as conflict:
        raise Stale(_told(str(conflict))) from conflict


def answer_row(row: Versioned, told: Any, *, status: int = 200, location: str = "") -> Response:
    """What is told of the row, with its ETag."""
    headers = {"ETag": f'"{row.version}"'} | ({"Location": location} if location else {})
    return Response(told, status=status, headers=headers)


def _check(header: str | None, row: Versioned) -> None:
    """A weak tag counts as well: proxies that compress make strong ones weak."""
    if header is None:
        raise NoIfMatch
    if not re.fullmatch(MATCHES, header.strip()):
        raise ValidationError({HEADER: ['Write it as it was in the ETag, such as "3", or *.']})
    if header.strip() != "*" and str(row.version) not in TAG.findall(header):
        raise Stale(_told(f'it is at version "{row.version}" now, not at {header.strip()}'))


def _told(why: str) -> str:
    return f"{why[:1].upper()}{why[1:]}: read it again, and repeat your change if it still makes sense."
