"""Runs a real supervisor over real children and reads what it says. Ends it whatever the test does."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from syncjobs.supervision.plan import SupervisionPlan, dump_plan
from tests.isolation import CHECKOUT


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait until the condition holds; AssertionError after that long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"did not come true within {seconds} s"
        time.sleep(0.05)


def processes_with(mark: str) -> dict[int, str]:
    """Return id and command of every living process whose environment or command holds the mark."""
    found = {}
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit() or int(directory.name) == os.getpid():
            continue
        try:
            command, variables = (directory / "cmdline").read_bytes(), (directory / "environ").read_bytes()
            state = (directory / "stat").read_text(encoding="utf-8", errors="replace").rpartition(") ")[2][:1]
        except OSError:
            continue
        if state != "Z" and mark.encode() in command + b"\0" + variables:
            found[int(directory.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found


def parent_of(pid: int) -> int:
    """Return the parent's id; 0 for a process that is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return int(stat.rpartition(") ")[2].split()[1])


class Talking:
    """A process whose output is collected while it runs."""

    def __init__(self, command: list[str], environment: dict[str, str], pass_fds: tuple[int, ...] = ()) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            command,
            env=environment,
            cwd=CHECKOUT,
            pass_fds=pass_fds,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        if self.process.stdout is not None:
            with self.process.stdout as output:
                self.lines.extend(iter(output.readline, ""))

    @property
    def text(self) -> str:
        """What it said so far."""
        return "".join(self.lines)

    def wait_for(self, pattern: str, seconds: float = 20, times: int = 1) -> None:
        """Wait until a line matches, that many times."""
        try:
            wait_until(lambda: len(re.findall(pattern, self.text)) >= times or self.process.poll() is not None, seconds)
        except AssertionError as error:
            raise AssertionError(f"{pattern!r} not seen within {seconds} s in:\n{self.text}") from error
        time.sleep(0.05)
        assert len(re.findall(pattern, self.text)) >= times, f"{pattern!r} not seen in:\n{self.text}"

    def stop(self, number: int = signal.SIGTERM, seconds: float = 20) -> float:
        """Send the signal and return how many seconds the end took."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(timeout=seconds)
        self.reader.join(timeout=5)
        return time.monotonic() - began

    def end(self) -> None:
        """Make sure that it is gone."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self.reader.join(timeout=5)


def start_supervisor(plan: SupervisionPlan) -> Talking:
    """Start the supervisor as `manage.py up` does at its end."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file, (Path(plan.data_dir) / "up.lock").open("w") as lock:
        file.write(dump_plan(plan))
        file.flush()
        file.seek(0)
        descriptors = (file.fileno(), lock.fileno())
        command = [sys.executable, "-m", "syncjobs.supervision", *map(str, descriptors)]
        return Talking(command, dict(os.environ), descriptors)
