"""A newsletter service to call: contacts in memory, GET and PUT, and an answer that a test may put in their place."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class NewsletterService(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.contacts: dict[str, Any] = {}
        self.puts = 0
        self.trouble: list[tuple[int, dict[str, str]]] = []
        """Statuses and headers of the next answers, instead of what was asked for."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: NewsletterService

    def do_GET(self) -> None:
        found = self.server.contacts.get(self.path)
        self._answer(404 if found is None else 200, found or {})

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._answer(200, {}):
            self.server.puts += 1
            self.server.contacts[self.path] = body

    def _answer(self, status: int, value: dict[str, Any]) -> bool:
        """Whether the answer was the ordinary one."""
        is_ordinary, headers = not self.server.trouble, dict[str, str]()
        if self.server.trouble:
            status, headers = self.server.trouble.pop(0)
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)
        return is_ordinary

    def log_message(self, *_args: Any) -> None:
        """Quiet."""


@contextmanager
def newsletter_service() -> Iterator[NewsletterService]:
    service = NewsletterService()
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        service.shutdown()
        thread.join()
        service.server_close()
