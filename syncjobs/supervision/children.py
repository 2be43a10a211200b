"""One child process and its whole process group: start it, see it die, start it again later, end it."""

import contextlib
import os
import signal
import subprocess
from typing import TextIO

from syncjobs.supervision.backoff import crashes_in_a_row, restart_delay_seconds
from syncjobs.supervision.guardian import is_group_alive
from syncjobs.supervision.output import LogStream
from syncjobs.supervision.plan import ChildPlan


class Child:
    """A child in a session of its own, so that a Ctrl-C reaches the supervisor alone and a signal the whole group."""

    def __init__(self, plan: ChildPlan, environment: dict[str, str], log: LogStream, guardian: TextIO) -> None:
        self.plan = plan
        self.environment = environment
        self.log = log
        self.guardian = guardian
        self.process: subprocess.Popen[bytes] | None = None
        self.group: int | None = None
        self.started_at = 0.0
        self.restart_at: float | None = None
        self.crashes = 0

    def start(self, now: float) -> None:
        """Start the process; `now` is in seconds of any steady clock."""
        self.restart_at = None
        self.started_at = now
        try:
            self.process = subprocess.Popen(
                self.plan.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            self.log.say(self.plan.name, f"Cannot be started: {error}.")
            self.schedule_restart(now)
            return
        self.group = self.process.pid
        print(f"+{self.group}", file=self.guardian, flush=True)
        if self.process.stdout is not None:
            self.log.follow(self.plan.name, self.process.stdout, self.plan.hidden)

    def mind(self, now: float) -> None:
        """Notice a crash, clear up after it, and start the child again when its time has come."""
        if self.process is not None and self.process.poll() is not None:
            self.log.say(self.plan.name, f"Ended unexpectedly ({describe_exit(self.process.returncode)}).")
            self.forget()
            self.schedule_restart(now)
        if self.process is None and self.restart_at is not None and now >= self.restart_at:
            self.start(now)

    def schedule_restart(self, now: float) -> None:
        """Set the time of the next start: later after each crash in a row."""
        self.crashes = crashes_in_a_row(self.crashes, now - self.started_at)
        delay = restart_delay_seconds(self.crashes)
        self.restart_at = now + delay
        self.log.say(self.plan.name, f"Starts again in {delay:g} s.")

    def terminate(self) -> None:
        """Ask the process to end in its own good order; it tells its own children."""
        self.restart_at = None
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def has_ended(self) -> bool:
        """Tell whether the process is gone; what is left of its group then is ended."""
        if self.process is not None and self.process.poll() is None:
            return False
        self.forget()
        return True

    def kill(self) -> None:
        """End the whole group now."""
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.forget()

    def forget(self) -> None:
        """End leftovers of the group and take it off the guardian's list."""
        self.process = None
        if self.group is None:
            return
        if is_group_alive(self.group):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.group, signal.SIGKILL)
        with contextlib.suppress(OSError):
            print(f"-{self.group}", file=self.guardian, flush=True)
        self.group = None


def describe_exit(code: int) -> str:
    """Say how a process ended: its exit code, or the signal that killed it."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
