"""The dispatcher's ear: waits until somebody nudges it or the time is up. Never says what there is to do.

On SQLite nudges are datagrams to a socket in the data directory, on PostgreSQL notifications on a connection of its
own. Without an ear (no socket can be had, the database is away) the dispatcher still polls.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from django.conf import settings
from django.db import Error as DatabaseProblem
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from syncjobs.lifecycle.nudges import CHANNEL

logger = logging.getLogger("syncjobs.dispatcher")
MOST_BYTES = 64
STAND_IN_PREFIX = "syncdeck-"  # of the private directory where the data directory's path is too long for a socket


class Ear(Protocol):
    """Something to wait on. `open` may be called again after a failure; it raises OSError or DatabaseProblem."""

    def open(self) -> None: ...

    def fileno(self) -> int: ...

    def drain(self) -> None:
        """Forget the nudges that have arrived: one round of work answers all of them."""

    def close(self) -> None: ...


class SocketEar:
    """Hears datagrams on a socket that only this user may write to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        self._identity: tuple[int, int] | None = None

    def open(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._path.parent.stat().st_uid != os.getuid():
            raise PermissionError(f"the directory {self._path.parent} belongs to somebody else")
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()  # left behind by a killed dispatcher, or by one that now only polls
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.setblocking(False)
        before = os.umask(0o177)
        try:
            listener.bind(str(self._path))
        except OSError:
            listener.close()
            raise
        finally:
            os.umask(before)
        self._socket, self._identity = listener, _identity(self._path)

    def fileno(self) -> int:
        if self._socket is None:
            raise OSError("the socket is not open")
        return self._socket.fileno()

    def drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._socket is not None:
                self._socket.recv(MOST_BYTES)

    def close(self) -> None:
        if self._socket is None:
            return
        self._socket.close()
        self._socket = None
        with contextlib.suppress(OSError):
            if _identity(self._path) == self._identity:  # else a second dispatcher has put its own there
                self._path.unlink()
            if self._path.parent.name.startswith(STAND_IN_PREFIX):
                self._path.parent.rmdir()


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


class NotificationEar:
    """Hears NOTIFY on a connection of its own, which does nothing else and so is never inside a transaction."""

    def __init__(self) -> None:
        self._wrapper: BaseDatabaseWrapper | None = None

    def open(self) -> None:
        wrapper = connections.create_connection("default")
        try:
            wrapper.ensure_connection()
            with wrapper.cursor() as cursor:  # Django's connections are in autocommit
                cursor.execute(f"LISTEN {CHANNEL}")
        except DatabaseProblem:
            wrapper.close()
            raise
        self._wrapper = wrapper

    def fileno(self) -> int:
        if self._wrapper is None or self._wrapper.connection is None:
            raise OSError("the connection is not open")
        return int(self._wrapper.connection.fileno())

    def drain(self) -> None:
        if self._wrapper is not None and self._wrapper.connection is not None:
            with self._wrapper.wrap_database_errors:
                for _ in self._wrapper.connection.notifies(timeout=0):
                    pass

    def close(self) -> None:
        if self._wrapper is not None:
            self._wrapper.close()
        self._wrapper = None


class Nudges:
    """Waits for a nudge, at most so long. Opens its ear anew after a failure, and tells of each change once."""

    def __init__(self, ear: Ear) -> None:
        self._ear = ear
        self._is_open = False
        self._is_failing = False

    def __enter__(self) -> Self:
        self._try_to_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ear.close()

    def wait(self, seconds: float) -> bool:
        """Whether somebody nudged within `seconds`; nudges that came before the call count."""
        if not self._is_open and not self._try_to_open():
            time.sleep(seconds)
            return False
        try:
            heard, _, _ = select.select([self._ear], [], [], seconds)
            if heard:
                self._ear.drain()
        except (OSError, ValueError, DatabaseProblem) as error:
            self._fail(error)
            time.sleep(min(seconds, 1.0))
            return False
        return bool(heard)

    def _try_to_open(self) -> bool:
        try:
            self._ear.open()
        except (OSError, DatabaseProblem) as error:
            self._fail(error)
            return False
        if self._is_failing:
            logger.info("The dispatcher hears nudges again")
        self._is_open, self._is_failing = True, False
        return True

    def _fail(self, error: Exception) -> None:
        self._ear.close()
        self._is_open = False
        if not self._is_failing:
            logger.warning("The dispatcher hears no nudges and looks by itself every few seconds: %s", error)
        self._is_failing = True


def listen_for_nudges() -> Nudges:
    """The ear that fits Syncdeck's database."""
    if connection.vendor == "postgresql":
        return Nudges(NotificationEar())
    return Nudges(SocketEar(Path(settings.SYNCDECK_DISPATCHER_SOCKET)))
