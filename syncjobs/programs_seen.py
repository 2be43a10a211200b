"""Programs of which every installation needs one say that they are there: dispatchers and beats. For people only.

Nothing is decided by these rows, so a program that cannot write one goes on with its work.
"""

from __future__ import annotations

import logging
import os
import socket
from datetime import datetime, timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.db import DatabaseError, InterfaceError

from syncjobs.models import ProgramSeen

REPORT_EVERY = timedelta(seconds=10)
SILENT_AFTER = timedelta(seconds=45)
FORGOTTEN_AFTER = timedelta(days=1)

logger = logging.getLogger("syncjobs.programs")


@cache
def own_version() -> str:
    """The version of Syncdeck that runs here."""
    try:
        return version("syncdeck")
    except PackageNotFoundError:  # run from a folder that was never installed
        return ""


class ProgramReport:
    """Reports this process as a dispatcher or a beat, every few seconds, until it leaves."""

    def __init__(self, role: ProgramSeen.Role) -> None:
        self._role = role
        self._host, self._name = socket.gethostname(), f"{socket.gethostname()}:{os.getpid()}"
        self._reported_at: datetime | None = None

    def report(self, now: datetime, **facts: Any) -> bool:
        """Say that it is there, with `facts` as columns, if it is time to; returns whether it was said."""
        if self._reported_at is not None and self._reported_at <= now < self._reported_at + REPORT_EVERY:
            return False
        if self._reported_at is None:
            self._forget_others(now)
        self._reported_at = now
        values = {"host": self._host, "version": own_version(), "last_seen_at": now, **facts}
        at_first = values | {"started_at": now}
        ProgramSeen.objects.update_or_create(
            role=self._role, name=self._name, defaults=values, create_defaults=at_first
        )
        return True

    def leave(self) -> None:
        """Take the row away, so that nobody waits for a program that was stopped."""
        try:
            ProgramSeen.objects.filter(role=self._role, name=self._name).delete()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The %s could not say that it stops: %s", self._role, error)

    def _forget_others(self, now: datetime) -> None:
        """Those of this host that fell silent are what we replace; of other hosts, after a day."""
        silent = ProgramSeen.objects.filter(role=self._role, last_seen_at__lt=now - SILENT_AFTER)
        silent.filter(host=self._host).delete()
        silent.filter(last_seen_at__lt=now - FORGOTTEN_AFTER).delete()
