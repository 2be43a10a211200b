"""How a connection to a PostgreSQL server is made: the login, the patience, and one try in a thread of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from connectors.sql_text import Table

Row = tuple[Any, ...]
Connection = psycopg.Connection[Row]
CONNECT_SECONDS = 20
NETWORK: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives": 1,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


@dataclass(frozen=True, slots=True)
class Login:
    """How to get in: libpq's parameters, the password apart from them so that it is never shown."""

    parameters: dict[str, Any]
    password: str | None = field(default=None, repr=False)


class Attempt:
    """One try to connect, made in another thread and begun at once.

    There a new connection is also prepared, and a table looked for, as far as the server lets it: an error in that is
    met again by whoever does it himself.
    """

    def __init__(self, login: Login, prepare: Callable[[Connection], Table | None] | None = None) -> None:
        self.login = login
        self.is_prepared = False
        self.table: Table | None = None
        self._prepare = prepare
        self.is_over = threading.Event()
        self.connection: Connection | None = None
        self.error: psycopg.Error | None = None
        self._lock = threading.Lock()
        self._is_abandoned = False
        threading.Thread(target=self._run, daemon=True, name="postgres-connect").start()

    def _run(self) -> None:
        try:
            connection = psycopg.Connection.connect(
                **NETWORK,
                **self.login.parameters,
                password=self.login.password,
                application_name="syncdeck",
                client_encoding="UTF8",
                autocommit=True,
                prepare_threshold=None,
                cursor_factory=psycopg.RawCursor,
            )
        except psycopg.Error as error:
            self.error = error
        except UnicodeError:  # half a character, as JSON may hold, is sent to no server
            self.error = psycopg.OperationalError("its settings or credentials hold characters that can not be sent")
        else:
            self._make_ready(connection)
            self._hand_over(connection)
        finally:
            self.is_over.set()

    def _make_ready(self, connection: Connection) -> None:
        if self._prepare is not None:
            with contextlib.suppress(psycopg.Error, UnicodeError):
                self.table, self.is_prepared = self._prepare(connection), True

    def _hand_over(self, connection: Connection) -> None:
        with self._lock:
            self.connection = connection
            if self._is_abandoned:
                connection.close()

    def abandon(self) -> None:
        """Nobody waits any more."""
        with self._lock:
            self._is_abandoned = True
            if self.connection is not None:
                self.connection.close()


def own_address(peer: str) -> str:
    """This machine's address on the way to the peer, which is what a firewall sees. Sends nothing."""
    if not peer:
        return socket.gethostname()
    family = socket.AF_INET6 if ":" in peer else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((peer, 9))
            return f"{socket.gethostname()}, {probe.getsockname()[0]}"
    except OSError:
        return socket.gethostname()
