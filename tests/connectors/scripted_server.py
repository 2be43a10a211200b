"""A real HTTP server on loopback that answers request after request as a test tells it. Knows nothing above HTTP."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler], None]


class ScriptedServer(ThreadingHTTPServer):
    """Plays `answers` in turn, the last one for ever.

    `requests` keeps each request's path and headers, `bodies` what was posted.
    """

    daemon_threads = True

    def __init__(self, answers: list[Answer]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = answers
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.bodies: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what many tests are about."""


class Handler(BaseHTTPRequestHandler):
    server: ScriptedServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or head and body would go 40 ms apart

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers.items())))
        self.server.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        number = min(len(self.server.requests), len(self.server.answers))
        self.server.answers[number - 1](self)

    do_HEAD = do_POST = do_GET  # noqa: N815 - names the base class looks for

    def log_message(self, *_args: Any) -> None:
        """Quiet."""


@contextlib.contextmanager
def scripted_server(*answers: Answer) -> Iterator[ScriptedServer]:
    """Runs a server with these answers until the block ends."""
    server = ScriptedServer(list(answers))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def reply(status: int = 200, body: bytes = b"[]", content_type: str = "application/json", **headers: str) -> Answer:
    """A complete answer; underscores in header names stand for dashes."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response_only(status)
        for name, value in (
            _dashed(headers) | {"Content-Type": content_type, "Content-Length": str(len(body))}
        ).items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    return answer


def reply_json(value: Any, status: int = 200, **headers: str) -> Answer:
    return reply(status, json.dumps(value).encode(), **headers)


def _dashed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def reply_cut_short(handler: BaseHTTPRequestHandler) -> None:
    """Announces more bytes than it sends, then hangs up."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'[{"a": 1')
    handler.close_connection = True


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Closes the connection without a word."""
    handler.close_connection = True


def dribble(handler: BaseHTTPRequestHandler) -> None:
    """Sends a byte every 50 ms for 20 s, so that no single read ever waits long."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    handler.close_connection = True
    for _ in range(400):
        handler.wfile.write(b" ")
        time.sleep(0.05)


def dribble_headers(handler: BaseHTTPRequestHandler) -> None:
    """The same before the headers are complete."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    handler.close_connection = True
    for number in range(400):
        handler.wfile.write(b"X-%d: 1\r\n" % number if number < 90 else b"x")
        time.sleep(0.05)


def stay_silent(handler: BaseHTTPRequestHandler) -> None:
    """Takes the request and answers nothing for 20 s."""
    handler.close_connection = True
    time.sleep(20)
