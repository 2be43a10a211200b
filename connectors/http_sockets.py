"""Opens the sockets of HTTP sessions: only to addresses the guard permits, and so that another thread can cut them."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import weakref
from functools import partial
from queue import SimpleQueue
from types import TracebackType
from typing import Any, TypeAlias

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from connectors.errors import TransientError
from connectors.network import Resolver, checked_addresses
from connectors.surroundings import Interruption

Wire: TypeAlias = socket.socket
LookUp: TypeAlias = "SimpleQueue[list[str] | Exception]"


class Dialer:
    """Connects, and keeps a duplicate of each open socket: shutting it down ends the wait of any thread, TLS or not."""

    def __init__(self, interruption: Interruption, connect_timeout: float, resolver: Resolver) -> None:
        self.interruption = interruption
        self.connect_timeout = connect_timeout
        self.resolver = resolver
        self.opened = 0
        self.deadline: Deadline | None = None  # of the exchange at hand
        self._look_up: LookUp = SimpleQueue()
        self._lock = threading.Lock()
        self._duplicates: set[Wire] = set()
        self._retired: set[Wire] = set()
        # A session that nobody closed gives its sockets back with its memory, as requests' own do.
        weakref.finalize(self, _close_all, self._duplicates)
        interruption.call_on_request(self.cut)

    def dial(self, host: str, port: int) -> tuple[Wire, Wire]:
        """A connected socket and its duplicate; tries the checked addresses in turn.

        Raises ConfigError `address_refused`, TransientError `dns_failure`, `connect_timeout`, `connection_failed`.
        """
        failure: TransientError | None = None
        for address in self.addresses(host, port):
            self._check()
            try:
                return self._connect(address, host, port)
            except TransientError as error:
                failure = error
        self._check()
        assert failure is not None, "checked_addresses never returns an empty list"  # noqa: S101
        raise failure

    def addresses(self, host: str, port: int) -> list[str]:
        """As checked_addresses; `cut` ends the wait for a name server that does not answer, and leaves it alone."""

        def look_up(answers: LookUp) -> None:
            try:
                answers.put(checked_addresses(host, port, resolver=self.resolver))
            except Exception as error:
                answers.put(error)

        answers: LookUp = SimpleQueue()
        self._look_up = answers
        self._check()
        threading.Thread(target=look_up, args=(answers,), name="name-look-up", daemon=True).start()
        found = answers.get()
        if isinstance(found, Exception):
            raise found
        if not found:
            self.interruption.check()
            raise TransientError(
                "dns_failure",
                f"no name server has told in time where '{host}' is",
                hint="Check the name servers of the machine of the workers, and the firewall between.",
            )
        return found

    def _check(self) -> None:
        """Raise Interrupted or, after the deadline of the exchange, TimeoutError."""
        self.interruption.check()
        if self.deadline is not None and self.deadline.has_passed:
            raise TimeoutError

    def cut(self) -> None:
        """End every wait on every open socket, and that for a name server. Safe from any thread."""
        self._look_up.put([])
        with self._lock:
            for duplicate in self._duplicates:
                with contextlib.suppress(OSError):
                    duplicate.shutdown(socket.SHUT_RDWR)

    def retire(self, duplicate: Wire) -> None:
        """Its connection is done with it; a body may still be read from it until `tidy`."""
        self._retired.add(duplicate)

    def tidy(self) -> None:
        """Forget the retired sockets: for the end of an exchange."""
        with self._lock:
            self._duplicates -= self._retired
        while self._retired:
            self._retired.pop().close()

    def _connect(self, address: str, host: str, port: int) -> tuple[Wire, Wire]:
        wire = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        duplicate = wire.dup()
        with self._lock:
            self._duplicates.add(duplicate)
        try:
            self._check()
            wire.settimeout(self.connect_timeout)
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire.connect((address, port))
            self._check()
        except BaseException as error:
            local = _local_address(wire)
            wire.close()
            self.retire(duplicate)
            if isinstance(error, OSError):
                self._check()
                raise _connect_failure(error, host, port, local, self.connect_timeout) from error
            raise
        self.opened += 1
        return wire, duplicate


def _close_all(wires: set[Wire]) -> None:
    while wires:
        wires.pop().close()


def _local_address(wire: Wire) -> str:
    try:
        return str(wire.getsockname()[0])
    except OSError:
        return "this machine"


def _connect_failure(error: OSError, host: str, port: int, local: str, seconds: float) -> TransientError:
    if isinstance(error, TimeoutError):
        return TransientError(
            "connect_timeout",
            f"{host}:{port} did not accept a connection from {local} within {seconds:g} s",
            hint=f"Check the firewall between the worker ({local}) and the host.",
        )
    return TransientError(
        "connection_failed",
        f"{host}:{port} cannot be connected to from {local} ({error.strerror or 'connection lost'})",
        hint="Check that the server is running and that host and port are right.",
    )


class _GuardedConnection(HTTPConnection):
    """Connects through a dialer; the name stays for the Host header and for TLS."""

    duplicate: Wire | None = None

    def __init__(self, dialer: Dialer, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dialer = dialer

    def _new_conn(self) -> Wire:
        wire, self.duplicate = self.dialer.dial(self.host, self.port)
        return wire

    def close(self) -> None:
        super().close()
        if self.duplicate is not None:
            self.dialer.retire(self.duplicate)
            self.duplicate = None


class _GuardedTLSConnection(_GuardedConnection, HTTPSConnection):
    """The same over TLS: HTTPSConnection asks for the socket above and wraps it, checking the certificate's name."""


class GuardedAdapter(HTTPAdapter):
    """Makes every connection of a requests session, redirected ones too, go through one dialer."""

    def __init__(self, dialer: Dialer) -> None:
        self.dialer = dialer
        super().__init__(pool_connections=2, pool_maxsize=1)

    def get_connection_with_tls_context(
        self, request: PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> HTTPConnectionPool:
        pool: Any = super().get_connection_with_tls_context(request, verify, proxies, cert)
        guarded = _GuardedTLSConnection if pool.scheme == "https" else _GuardedConnection
        pool.ConnectionCls = partial(guarded, self.dialer)
        found: HTTPConnectionPool = pool
        return found


class Deadline:
    """Cuts the dialer's sockets once the time is over, whatever the other side dribbles until then."""

    def __init__(self, seconds: float, dialer: Dialer) -> None:
        self.has_passed = False
        self._ends_at = time.monotonic() + seconds
        self._dialer = dialer
        self._timer = threading.Timer(seconds, self._pass)
        self._timer.daemon = True

    def __enter__(self) -> Deadline:
        self._dialer.deadline = self
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if error is not None and time.monotonic() >= self._ends_at:
            self.has_passed = True  # the socket's own time limit may be quicker than the timer's thread

    def _pass(self) -> None:
        self.has_passed = True
        self._dialer.cut()
