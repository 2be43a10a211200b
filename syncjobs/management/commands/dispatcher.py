"""`manage.py dispatcher`: runs the list of ticks again and again, until it is told to stop. Decides nothing itself."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from threading import Event
from types import FrameType
from typing import Any, NamedTuple, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseProblem
from django.db import close_old_connections, connections

from config.console import send_console_to_stdout
from syncjobs import dispatch
from syncjobs.clock import db_now
from syncjobs.lifecycle.nudge_listening import listen_for_nudges
from syncjobs.management.housekeeping import keep_house
from syncjobs.models import SyncJob
from syncjobs.triggers import chains, inbox

logger = logging.getLogger("syncjobs.dispatcher")

TICKS: tuple[Callable[[datetime], int], ...] = (inbox.tick, chains.tick, dispatch.tick, dispatch.report)
"""What has to happen every second or few: idempotent, safe beside another dispatcher; each says how much it did."""
BUSY_SECONDS = 1.0
IDLE_SECONDS = 5.0
QUICK_SECONDS = 0.1  # after a round that did something, since there may soon be more to do
MANY = 10  # done in one round: then the next one comes after MANY_SECONDS whoever nudges, and does many at once, too
MANY_SECONDS = 0.2
MOST_AT_A_STRETCH = 0.1  # seconds of rounds; if nudges come thicker, they share an answer
CHECK_CONNECTION_SECONDS = 1.0


class Breath:
    """Lets rounds follow nudges at once, unless they come so thick that the dispatcher would do nothing else."""

    def __init__(self) -> None:
        self._left = MOST_AT_A_STRETCH
        self._counted_at = time.monotonic()

    def seconds_of_rest(self, worked: float) -> float:
        """How long to hear nobody after a round that took `worked` seconds."""
        now = time.monotonic()
        idle = now - self._counted_at - worked
        self._left = min(MOST_AT_A_STRETCH, self._left + idle) - worked
        self._counted_at = now
        return min(BUSY_SECONDS, max(0.0, -self._left))


class Pause(NamedTuple):
    """What follows a round: so many seconds of rest, then up to so many of waiting for a nudge."""

    rest: float
    patience: float


class Rounds:
    """Runs the ticks, and survives an outage of the database: told once when it begins and once when it is over."""

    def __init__(self) -> None:
        self._is_failing = False
        self._checked_at = 0.0

    def run(self) -> Pause:
        """One round, and what should follow it."""
        try:
            self._check_connection()
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

    def _check_connection(self) -> None:
        if time.monotonic() - self._checked_at > CHECK_CONNECTION_SECONDS:
            self._checked_at = time.monotonic()
            close_old_connections()


def run_ticks() -> Pause:
    """Every tick once, and what should follow: the next round soon, if there is something to do."""
    done = sum(tick(db_now()) for tick in TICKS)
    if done >= MANY:
        return Pause(rest=MANY_SECONDS, patience=0.0)
    if done:
        return Pause(rest=0.0, patience=QUICK_SECONDS)
    patience = BUSY_SECONDS if SyncJob.objects.active().exists() else IDLE_SECONDS
    return Pause(rest=0.0, patience=min(patience, inbox.seconds_until_due()))


class Command(BaseCommand):
    """Admits and sends jobs, takes back lost ones, until SIGTERM or Ctrl-C."""

    help = "Admit queued jobs and send them to the workers, until stopped. Several may run; one is enough."
    requires_migrations_checks = False
    requires_system_checks = ()  # they would load the whole portal into a process that never shows a page

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="do one round and end")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        if once:
            try:
                run_ticks()
            except DatabaseProblem as error:
                raise CommandError(f"The database does not answer: {str(error).strip()}.") from error
            dispatch.leave()
            return
        send_console_to_stdout()
        # Raising ends even a wait for the broker at once. Whatever it interrupts is rolled back, or sent again later.
        signal.signal(signal.SIGTERM, _stop)
        signal.signal(signal.SIGINT, _stop)
        self.run_until_stopped()

    def run_until_stopped(self) -> NoReturn:
        """Round after round; a nudge brings the next one forward."""
        rounds, breath = Rounds(), Breath()
        with listen_for_nudges() as nudges, ExitStack() as at_the_end:
            at_the_end.callback(dispatch.leave)
            stopped = Event()
            at_the_end.callback(stopped.set)
            keep_house(stopped)
            logger.info("The dispatcher is at work")
            while True:
                begun = time.monotonic()
                pause = rounds.run()
                time.sleep(max(pause.rest, breath.seconds_of_rest(time.monotonic() - begun)))
                nudges.wait(pause.patience)


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    logger.info("The dispatcher stops")
    raise SystemExit(0)
