"""The connections of one PostgreSQL connector: opened, perhaps ahead of their use, cancelled on request, closed."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from connectors.errors import SyncError
from connectors.network import resolve_checked
from connectors.postgres_connecting import Attempt, Connection, Login
from connectors.postgres_dialect import find_table
from connectors.postgres_session import (
    NO_JIT,
    READER_SETTINGS,
    WRITER_SETTINGS,
    BareSession,
    Session,
    apply_settings,
)
from connectors.postgres_settings import DEFAULT_PORT, login_parameters
from connectors.sql_errors import Place
from connectors.sql_reading import SQLConnector
from connectors.sql_text import Table
from connectors.surroundings import Surroundings

CANCEL_EVERY_SECONDS = 0.5
CANCEL_AT_MOST = 40


class PostgresSessions(SQLConnector):
    """What a connector needs before anything is read or written."""

    def __init__(
        self, slug: str, config: dict[str, Any], credentials: dict[str, str], surroundings: Surroundings | None = None
    ) -> None:
        super().__init__(slug, config, credentials, surroundings)
        self._reading: Session | None = None
        self._sessions: list[Session] = []
        self._ahead: Attempt | None = None
        self._is_closed = threading.Event()
        self.surroundings.interruption.call_on_request(self._interrupt)

    @property
    def schema_name(self) -> str:
        """Where streams lie that are named without a schema."""
        return str(self.config.get("schema") or "public")

    @property
    def host(self) -> str:
        return str(self.config["host"])

    @property
    def port(self) -> int:
        return int(self.config.get("port") or DEFAULT_PORT)

    def address(self) -> str:
        return f"{self.host}:{self.port}/{self.config['dbname']}"

    def login(self) -> Login:
        """Looks the host up. Raises ConfigError `address_refused`, TransientError `dns_failure`."""
        is_socket = self.host.startswith("/")
        # A socket on this machine is let through wherever this machine's own address is.
        checked = resolve_checked("127.0.0.1" if is_socket else self.host, self.port)
        parameters = login_parameters(self.config, None if is_socket else checked)
        return Login(parameters, self.credentials.get("password") or None)

    def connect_ahead(self, stream: str) -> None:
        def prepare(connection: Connection) -> Table | None:
            apply_settings(connection, WRITER_SETTINGS)
            return find_table(BareSession(connection), self.schema_name, stream)

        with contextlib.suppress(SyncError):
            self._ahead = Attempt(self.login(), prepare)

    def open_session(self, settings: dict[str, str], stream: str = "") -> Session:
        """A new connection, known to `close` and to the interruption; a writer's was perhaps begun before."""
        place, attempt = Place(self.slug, self.address(), stream), None
        if settings == WRITER_SETTINGS:
            attempt, self._ahead = self._ahead, None
        with self.surroundings.noting_refusals():
            session = Session(place, attempt or Attempt(self.login()), self.surroundings.interruption, settings)
        self._sessions = [*(one for one in self._sessions if not one.connection.closed), session]
        return session

    def reader(self) -> Session:
        """The session for reading, made anew if it broke."""
        if self._reading is None or self._reading.connection.closed:
            self._reading = self.open_session(READER_SETTINGS | NO_JIT)
        return self._reading

    def _interrupt(self) -> None:
        threading.Thread(target=self._keep_canceling, daemon=True, name="postgres-cancel").start()

    def _keep_canceling(self) -> None:
        """Again and again until closed, since a statement may begin just after it was looked for."""
        for _ in range(CANCEL_AT_MOST):
            for session in list(self._sessions):
                session.interrupt()
            if self._is_closed.wait(CANCEL_EVERY_SECONDS):
                return

    def close(self) -> None:
        self._is_closed.set()
        if self._ahead:
            self._ahead.abandon()
        while self._sessions:
            self._sessions.pop().close()
        self._reading = None
