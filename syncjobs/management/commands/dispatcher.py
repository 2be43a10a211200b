"""`manage.py dispatcher`: runs the list of ticks again and again, until it is told to stop. Decides nothing itself."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from datetime import datetime
from types import FrameType
from typing import Any, NamedTuple, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseProblem
from django.db import close_old_connections, connections

from config.console import send_console_to_stdout
from syncjobs import dispatch
from syncjobs.clock import db_now
from syncjobs.lifecycle.nudge_listening import listen_for_nudges
from syncjobs.models import SyncJob

logger = logging.getLogger("syncjobs.dispatcher")

TICKS: tuple[Callable[[datetime], int], ...] = (dispatch.tick,)
"""What has to happen every second or few: idempotent, safe beside another dispatcher; each says how much it did."""
BUSY_SECONDS = 1.0
IDLE_SECONDS = 5.0
QUICK_SECONDS = 0.1  # after a round that did something, since there may soon be more to do
MANY = 10  # done in one round: then the next one comes after QUICK_SECONDS whoever nudges, and does many at once, too
REST = 2  # times as long as a round took nobody is heard, so that nudges which come thick and fast share an answer


class Pause(NamedTuple):
    """What follows a round: so many seconds of rest, then up to so many of waiting for a nudge."""

    rest: float
    patience: float


class Rounds:
    """Runs the ticks, and survives an outage of the database: told once when it begins and once when it is over."""

    def __init__(self) -> None:
        self._is_failing = False

    def run(self) -> Pause:
        """One round, and what should follow it."""
        try:
            close_old_connections()
            pause = run_ticks()
        except DatabaseProblem as error:
            connections.close_all()
            if not self._is_failing:
                logger.error("The dispatcher waits until its database answers again: %s", error)
            self._is_failing = True
            return Pause(rest=0.0, patience=BUSY_SECONDS)
        if self._is_failing:
            logger.info("The dispatcher goes on: its database answers again")
        self._is_failing = False
        return pause


def run_ticks() -> Pause:
    """Every tick once, and what should follow: the next round soon, if there is something to do."""
    begun = time.monotonic()
    done = sum(tick(db_now()) for tick in TICKS)
    if done >= MANY:
        return Pause(rest=QUICK_SECONDS, patience=0.0)
    is_busy = bool(done) or SyncJob.objects.active().exists()
    rest = min(BUSY_SECONDS, REST * (time.monotonic() - begun))
    return Pause(rest, QUICK_SECONDS if done else BUSY_SECONDS if is_busy else IDLE_SECONDS)


class Command(BaseCommand):
    """Admits and sends jobs, takes back lost ones, until SIGTERM or Ctrl-C."""

    help = "Admit queued jobs and send them to the workers, until stopped. Several may run; one is enough."
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="do one round and end")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        if once:
            try:
                run_ticks()
            except DatabaseProblem as error:
                raise CommandError(f"The database does not answer: {str(error).strip()}.") from error
            return
        send_console_to_stdout()
        # Raising ends even a wait for the broker at once. Whatever it interrupts is rolled back, or sent again later.
        signal.signal(signal.SIGTERM, _stop)
        signal.signal(signal.SIGINT, _stop)
        self.run_until_stopped()

    def run_until_stopped(self) -> NoReturn:
        """Round after round; a nudge brings the next one forward."""
        rounds = Rounds()
        with listen_for_nudges() as nudges:
            logger.info("The dispatcher is at work")
            while True:
                pause = rounds.run()
                time.sleep(pause.rest)
                nudges.wait(pause.patience)


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    logger.info("The dispatcher stops")
    raise SystemExit(0)
