"""Stands between a worker and PostgreSQL, and keeps a COMMIT, or its answer, from arriving."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Literal
from urllib.parse import urlsplit

COMMIT = b"COMMIT\0"
How = Literal["late", "unanswered"]


class CommitProxy:
    """Passes everything on, until it is told to hold the next COMMIT: one that is `late` reaches the server when it is
    released, one that is `unanswered` at once; of neither the client hears any more.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (str(parts.hostname), int(parts.port or 0))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{self._port}").geturl()
        self._how: How | None = None
        self.holds = threading.Event()
        self._released = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def _port(self) -> int:
        return int(self._listener.getsockname()[1])

    def hold_next(self, how: How) -> None:
        self.holds.clear()
        self._released.clear()
        self._how = how

    def release(self) -> None:
        """Let a late COMMIT go to the server."""
        self._released.set()

    def close(self) -> None:
        self._listener.close()
        self.release()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                _Pair(client, socket.create_connection(self._server), self._reached).start()

    def _reached(self, data: bytes) -> How | None:
        """How this part of what a client says is held up."""
        if COMMIT not in data or self._how is None:
            return None
        how, self._how = self._how, None
        self.holds.set()
        if how == "late":
            self._released.wait(60)
        return how


class _Pair:
    """A connection of a client, and the one to the server behind it."""

    def __init__(self, client: socket.socket, server: socket.socket, reached: Callable[[bytes], How | None]) -> None:
        self._client, self._server, self._reached = client, server, reached
        self._is_answered = True

    def start(self) -> None:
        for pump in (self._ask, self._answer):
            threading.Thread(target=pump, daemon=True).start()

    def _ask(self) -> None:
        for data in _all_of(self._client):
            how = self._reached(data)
            self._is_answered = self._is_answered and how is None
            with contextlib.suppress(OSError):
                self._server.sendall(data)
        _hang_up(self._server)

    def _answer(self) -> None:
        for data in _all_of(self._server):
            if self._is_answered:
                with contextlib.suppress(OSError):
                    self._client.sendall(data)
        _hang_up(self._client)


def _all_of(connection: socket.socket) -> Iterator[bytes]:
    with contextlib.suppress(OSError):
        while data := connection.recv(65536):
            yield data


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
