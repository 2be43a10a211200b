"""Sockets, threads and faults in transit. What is answered is decided in routes."""

from __future__ import annotations

import json
import logging
import socket
import socketserver
import sqlite3
import sys
import threading
from http.server import BaseHTTPRequestHandler
from typing import cast
from urllib.parse import parse_qs, urlsplit

from connectors.sandbox.errors import SandboxError, SodaError, invalid_request
from connectors.sandbox.faults import Fault
from connectors.sandbox.messages import Request, Response, error_response
from connectors.sandbox.routes import respond
from connectors.sandbox.state import Sandbox

logger = logging.getLogger(__name__)

BODY_LIMIT = 10_000_000
IDLE_SECONDS = 60


class SandboxServer(socketserver.ThreadingTCPServer):
    """Serves one Sandbox; `stop` ends every connection and waits for its threads."""

    allow_reuse_address = True
    request_queue_size = 128
    daemon_threads = False
    block_on_close = True

    def __init__(self, host: str, port: int, sandbox: Sandbox) -> None:
        """Listens at once; port 0 takes a free one. Raises SandboxError when the address cannot be had."""
        self.sandbox = sandbox
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox")
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        try:
            super().__init__((host, port), SandboxHandler)
        except (OSError, OverflowError) as error:
            raise SandboxError(
                f"The sandbox cannot listen on {host}:{port} ({error}); choose another address with --host or --port."
            ) from error

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Does nothing the second time. Only for a server that was started."""
        if self.stopping.is_set():
            return
        self.stopping.set()
        self.shutdown()
        self._thread.join()
        with self._open_lock:
            for connection in self._open:
                _hang_up(connection)
        self.server_close()

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        with self._open_lock:
            self._open.add(cast("socket.socket", request))
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        with self._open_lock:
            self._open.discard(cast("socket.socket", request))
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        logger.error("The sandbox could not answer a request.", exc_info=sys.exc_info())


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        logger.debug("The connection was closed already.")


class SandboxHandler(BaseHTTPRequestHandler):
    """One connection: its own thread and its own SQLite connection, kept alive over many requests."""

    server: SandboxServer
    protocol_version = "HTTP/1.1"
    server_version = "SyncdeckSandbox"
    disable_nagle_algorithm = True  # Otherwise every answer on a kept connection waits 40 ms for an acknowledgement.
    timeout = IDLE_SECONDS

    def setup(self) -> None:
        super().setup()
        self.records: sqlite3.Connection = self.server.sandbox.store.connect()

    def finish(self) -> None:
        self.records.close()
        super().finish()

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            logger.debug("The client went away.")

    def answer(self) -> None:
        try:
            request = self._read_request()
        except SodaError as error:
            self.close_connection = True  # The body may not have been read to its end.
            self._send(error_response(error))
            return
        self._send(self._respond(request))

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = do_HEAD = answer  # noqa: N815 - names the base class looks for

    def _respond(self, request: Request) -> Response:
        try:
            return respond(self.server.sandbox, self.records, request)
        except Exception:
            logger.exception("The sandbox failed on %s %s.", request.method, request.path)
            return error_response(SodaError(500, "internal", "The sandbox failed; its log says why."))

    def _read_request(self) -> Request:
        method = "GET" if self.command == "HEAD" else self.command
        query_token = parse_qs(urlsplit(self.path).query).get("$$app_token", [None])[0]
        token = self.headers.get("X-App-Token") or query_token
        return Request(method, self.path, token, self._read_body() if method != "GET" else None)

    def _read_body(self) -> object:
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit() and int(length) <= BODY_LIMIT):
            raise SodaError(413, "invalid_request", f"A request body has a length, at most {BODY_LIMIT} bytes.")
        content = self.rfile.read(int(length))
        if not content:
            return None
        # A foreign web page can post plain text to this address without being asked, but not JSON.
        if self.headers.get_content_type() != "application/json":
            raise SodaError(415, "invalid_request", "The sandbox takes application/json.")
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise invalid_request(f"The request body is not JSON: {error}") from error

    def _send(self, response: Response) -> None:
        transit = {fault.kind: fault for fault in response.transit}
        if "slow" in transit and self._is_stopping(transit["slow"].seconds):
            return
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        for name, value in response.headers.items():
            self.send_header(name, value)
        if self.close_connection or "truncated" in transit:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD":
            return
        body = response.body
        if "truncated" in transit:
            body = body[: len(body) // 2]
            self.close_connection = True
        self._send_body(body, transit.get("slow_body"))

    def _send_body(self, body: bytes, slow: Fault | None) -> None:
        size = slow.chunk_bytes if slow else max(1, len(body))
        for start in range(0, len(body), size):
            if slow and start and self._is_stopping(slow.seconds):
                return
            self.wfile.write(body[start : start + size])

    def _is_stopping(self, seconds: float) -> bool:
        """Waits, but not longer than the server lives; then the connection must not be used any more."""
        self.close_connection = self.server.stopping.wait(seconds) or self.close_connection
        return self.server.stopping.is_set()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class refuses (a broken request line, an unknown method), as JSON too."""
        self.close_connection = True
        self._send(error_response(SodaError(int(code), "invalid_request", message or "The request cannot be read.")))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's signature
        logger.debug(format, *args)
