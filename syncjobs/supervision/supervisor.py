"""Runs a plan's children until it is asked to stop: starts, restarts, tells when all is ready, stops in order."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TextIO, cast

from syncjobs.supervision import broker, guardian
from syncjobs.supervision.children import Child
from syncjobs.supervision.output import LogStream
from syncjobs.supervision.plan import Page, SupervisionPlan

TICK_SECONDS = 0.2
PATIENT_AFTER_SECONDS = 20.0
SLOW_LOOK_SECONDS = 5.0
KILL_RESERVE_SECONDS = 1.0
LAST_LINES_SECONDS = 0.5
SAME_SIGNAL_SECONDS = 1.0
OWN_NAME = "syncdeck"


class Supervisor:
    """The parent of all children. Single-threaded but for the threads that copy log lines."""

    def __init__(self, plan: SupervisionPlan, log: LogStream) -> None:
        self.plan = plan
        self.log = log
        self.stops_asked = 0
        self.asked_at = float("-inf")
        self.is_ready = False
        self.began_at = self.next_look_at = time.monotonic()
        self.environment = {**os.environ, **plan.environment}
        self.guardian = start_guardian()
        guardian_input = cast(TextIO, self.guardian.stdin)
        self.children = [Child(child, self.environment, log, guardian_input) for child in plan.children]
        self.followers: list[subprocess.Popen[bytes]] = []

    def run(self) -> None:
        """Run until SIGINT or SIGTERM; a second one ends everything at once."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.ask_to_stop)
        try:
            for child in self.children:
                self.start(child)
            while not self.stops_asked:
                self.tick()
                time.sleep(TICK_SECONDS)
        finally:
            self.stop()

    def ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        """Note the signal; the main loop acts on it. `make` passes a SIGTERM on, so the same one may come twice."""
        if time.monotonic() - self.asked_at >= SAME_SIGNAL_SECONDS:
            self.stops_asked += 1
        self.asked_at = time.monotonic()

    def start(self, child: Child) -> None:
        """Start a child; the others wait until the broker answers, for a moment."""
        if self.stops_asked:
            return
        child.start(time.monotonic())
        if child.plan.name == "broker":
            self.wait_for(lambda: broker.is_answering(Path(self.plan.data_dir)), broker.START_SECONDS)

    def tick(self) -> None:
        """Look after every child once, and after readiness until it is reached."""
        for child in self.children:
            child.mind(time.monotonic())
        if not self.is_ready:
            self.look_for_readiness()
        self.followers = [process for process in self.followers if process.poll() is None]

    def look_for_readiness(self) -> None:
        """Ask for the pages: often at first, seldom once it takes long, since each answer may fill the log."""
        now = time.monotonic()
        if now < self.next_look_at:
            return
        self.is_ready = all(page_answers(page) for page in self.plan.ready_pages)
        self.next_look_at = now + (SLOW_LOOK_SECONDS if now - self.began_at > PATIENT_AFTER_SECONDS else 0)
        if self.is_ready:
            self.log.say(OWN_NAME, "\n".join(self.plan.ready_lines))
            for command in self.plan.run_when_ready:
                self.run_beside(command)

    def run_beside(self, command: list[str]) -> None:
        """Run a short command whose output is shown like a child's."""
        process = subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        if process.stdout is not None:
            self.log.follow(OWN_NAME, process.stdout)
        self.followers.append(process)

    def stop(self) -> None:
        """End the children stage by stage within the plan's bound, whatever they do."""
        self.log.say(OWN_NAME, "Stopping.")
        deadline = time.monotonic() + self.plan.stop_seconds - KILL_RESERVE_SECONDS
        for process in self.followers:
            process.terminate()
        stages = sorted({child.plan.stop_stage for child in self.children})
        for position, stage in enumerate(stages, start=1):
            members = [child for child in self.children if child.plan.stop_stage == stage]
            for child in members:
                child.terminate()
            # The later stages keep a second each.
            patience = deadline - time.monotonic() - (len(stages) - position)
            self.wait_for_all(members, patience)
        for process in self.followers:
            process.kill()
            process.wait()
        self.log.finish(LAST_LINES_SECONDS)
        self.end_guardian()
        broker.remove_outside_directories(Path(self.plan.data_dir))
        self.log.say(OWN_NAME, "Stopped.")

    def wait_for_all(self, members: list[Child], seconds: float) -> None:
        """Wait for these children's end; whoever takes too long, or is in the way of a second Ctrl-C, is killed."""
        self.wait_for(lambda: all(child.has_ended() for child in members), seconds, limit=1)
        for child in members:
            child.kill()

    def end_guardian(self) -> None:
        """Let the guardian see that nothing is left, and wait for its end."""
        if self.guardian.stdin is not None:
            with contextlib.suppress(OSError):
                self.guardian.stdin.close()
        self.guardian.wait()

    def wait_for(self, condition: Callable[[], bool], seconds: float, limit: int = 0) -> None:
        """Wait until the condition holds, the time is over, or more than `limit` signals asked to stop."""
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline and self.stops_asked <= limit:
            time.sleep(0.05)


def start_guardian() -> subprocess.Popen[str]:
    """Start the process that clears up if this one is killed; it needs nothing but the standard library."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", guardian.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def page_answers(page: Page) -> bool:
    """Tell whether the page at (host, port, Host header, path) answers with a status below 500."""
    host, port, host_header, path = page
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": host_header})
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
