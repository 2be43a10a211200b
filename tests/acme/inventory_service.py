"""Acme's inventory service: lists of records in memory, given page by page to whoever has the key."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

LARGEST_PAGE = 500


class InventoryService(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api_key: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.api_key = api_key
        self.lists: dict[str, dict[str, Any]] = {}
        self.records: dict[str, list[dict[str, Any]]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, name: str, fields: dict[str, str], key: Sequence[str], records: list[dict[str, Any]]) -> None:
        shown = [{"name": field, "type": kind} for field, kind in fields.items()]
        self.lists[name] = {"name": name, "key": list(key), "fields": shown}
        self.records[name] = records


class Handler(BaseHTTPRequestHandler):
    server: InventoryService
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        name = unquote(parts.path.removeprefix("/lists").strip("/"))
        if self.headers["X-Acme-Key"] != self.server.api_key:
            self._answer(401, {"error": "wrong key"})
        elif not name:
            self._answer(200, list(self.server.lists.values()))
        elif name not in self.server.records:
            self._answer(404, {"error": "no such list"})
        else:
            self._answer(200, self._page(self.server.records[name], dict(parse_qsl(parts.query))))

    def _page(self, records: list[dict[str, Any]], asked: dict[str, str]) -> dict[str, Any]:
        first = int(asked.get("after", 0))
        last = min(first + min(int(asked["limit"]), LARGEST_PAGE), len(records))
        return {"records": records[first:last], "last": last}

    def _answer(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Quiet."""


@contextmanager
def inventory_service(api_key: str) -> Iterator[InventoryService]:
    service = InventoryService(api_key)
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        service.shutdown()
        thread.join()
        service.server_close()
