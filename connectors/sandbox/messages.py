"""Requests and answers of the sandbox as plain values, without sockets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

from connectors.sandbox.errors import SodaError, malformed_query
from connectors.sandbox.faults import Fault


@dataclass(frozen=True)
class Request:
    """`target` is the path with its query; `body` the decoded JSON of a control request."""

    method: str
    target: str
    app_token: str | None = None
    body: object = None

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    def parameters(self) -> list[tuple[str, str]]:
        """The query string's names and values as they stand. Raises SodaError (400)."""
        try:
            return parse_qsl(urlsplit(self.target).query, keep_blank_values=True, max_num_fields=100, errors="strict")
        except ValueError as error:
            raise malformed_query(f"the query string cannot be read: {error}") from error


@dataclass(frozen=True)
class RecordedRequest:
    at: datetime
    method: str
    target: str
    app_token: str | None


@dataclass(frozen=True)
class Response:
    """`transit` are the faults that hit the answer on its way: slow, slow_body, truncated."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json;charset=utf-8"
    transit: tuple[Fault, ...] = ()


def json_response(status: int, value: object, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status, json.dumps(value, ensure_ascii=False).encode() + b"\n", headers or {})


def error_response(error: SodaError) -> Response:
    return json_response(error.status, error.to_json())
