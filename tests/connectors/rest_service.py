"""A real JSON service on loopback with every way of login and of paging that kind rest knows. For tests only."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.connectors.scripted_server import Answer, ScriptedServer, reply, reply_json, scripted_server

PAGINGS: dict[str, dict[str, Any]] = {
    "none": {"kind": "none"},
    "page": {"kind": "page", "parameter": "page", "size_parameter": "size"},
    "offset": {"kind": "offset", "parameter": "skip", "size_parameter": "size", "total": "total"},
    "cursor": {"kind": "cursor", "parameter": "after", "size_parameter": "size", "next": "next", "more": "more"},
    "link": {"kind": "link", "size_parameter": "size"},
    "next_url": {"kind": "next_url", "size_parameter": "size", "next": "links.next"},
}


@dataclass
class RestService:
    """What the service knows. `token_uses` is how many requests a token is good for, `lifetime` what it tells."""

    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    wanted: dict[str, str] = field(default_factory=dict)  # headers that a request for records must have
    client: tuple[str, str] = ("", "")
    tokens: dict[str, int] = field(default_factory=dict)
    token_uses: int = 1_000_000
    lifetime: int = 3600
    instead: list[Answer] = field(default_factory=list)  # given once each, before all else
    server: ScriptedServer | None = None

    @property
    def url(self) -> str:
        assert self.server is not None
        return self.server.url

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """/token, or /<way of paging>/<stream>."""
        assert self.server is not None
        parts = urlsplit(handler.path)
        if handler.command == "HEAD":
            return reply()(handler)
        if parts.path == "/token":
            return self._give_token(handler, self.server.bodies[-1].decode())
        if not self._is_let_in(handler):
            return reply(401)(handler)
        if self.instead:
            return self.instead.pop(0)(handler)
        _, way, stream = parts.path.split("/")
        if stream not in self.records:
            return reply(404)(handler)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return self._send(handler, way, parts.path, self._chosen(stream, asked), asked)

    def _chosen(self, stream: str, asked: dict[str, str]) -> list[dict[str, Any]]:
        records = self.records[stream]
        if "since" in asked:
            records = [one for one in records if (one.get("updated_at") or "") >= asked["since"]]
        return records

    def _send(
        self, handler: BaseHTTPRequestHandler, way: str, path: str, records: list[dict[str, Any]], asked: dict[str, str]
    ) -> None:
        size = int(asked.get("size", 20))
        if way == "none":
            return _send_text(handler, _spelled({"data": {"items": records}}), {})
        begin = int(asked.get("skip") or asked.get("after") or (int(asked.get("page", 1)) - 1) * size)
        part, end = records[begin : begin + size], begin + size
        more = end < len(records)
        following = f"{path}?{urlencode(asked | {'skip': end, 'size': size})}"
        body: dict[str, Any] = {"data": {"items": part}, "total": len(records), "more": more}
        body |= {"next": end if more else None, "links": {"next": following if more else None}}
        link = {"Link": f'<{following}>; rel="next", <{path}>; rel="first"'} if more and way == "link" else {}
        return _send_text(handler, _spelled(body), link)

    def _is_let_in(self, handler: BaseHTTPRequestHandler) -> bool:
        if any(handler.headers.get(name) != value for name, value in self.wanted.items()):
            return False
        if not self.client[0]:
            return True
        token = (handler.headers.get("Authorization") or "").removeprefix("Bearer ")
        self.tokens[token] = self.tokens.get(token, 0) - 1
        return self.tokens[token] >= 0

    def _give_token(self, handler: BaseHTTPRequestHandler, body: str) -> None:
        form = {name: values[0] for name, values in parse_qs(body).items()}
        login = base64.b64encode(":".join(self.client).encode()).decode()
        known = handler.headers.get("Authorization") == f"Basic {login}" or (
            (form.get("client_id"), form.get("client_secret")) == self.client
        )
        if form.get("grant_type") != "client_credentials" or not known:
            return reply_json({"error": "invalid_client"}, 400)(handler)
        token = secrets.token_urlsafe(24)
        self.tokens[token] = self.token_uses
        return reply_json({"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime})(handler)


def _spelled(value: Any) -> bytes:
    return json.dumps(value).encode()


def _send_text(handler: BaseHTTPRequestHandler, body: bytes, headers: dict[str, str]) -> None:
    reply(200, body, **headers)(handler)


def stream_settings(name: str, way: str, size: int = 20, **options: Any) -> dict[str, Any]:
    """The settings of a stream of the service."""
    paging = PAGINGS[way] | ({"size": size} if way != "none" else {})
    return {"name": name, "path": f"/{way}/{name}", "records": "data.items", "paging": paging, **options}


@contextlib.contextmanager
def rest_service(**options: Any) -> Iterator[RestService]:
    """Runs a service until the block ends."""
    service = RestService(**options)
    with scripted_server(service.answer) as server:
        service.server = server
        yield service
