"""The supervisor on small real processes: starts, restarts, tells readiness, stops in order, leaves nothing behind."""

import http.server
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syncjobs.supervision.backoff import crashes_in_a_row, restart_delay_seconds
from syncjobs.supervision.plan import ChildPlan, SupervisionPlan
from tests.platform.supervised import Talking, processes_with, start_supervisor, wait_until

NOWHERE = ("127.0.0.1", 9, "localhost", "/")
SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
NOTES_ITS_END = """
import signal, sys, time
def note(*_):
    with open({path!r}, "a") as file:
        file.write({name!r} + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, note)
print("up", flush=True)
time.sleep(600)
"""

Supervise = Callable[..., Talking]


@pytest.fixture
def mark(tmp_path: Path) -> str:
    """A text in the environment of every process a test starts, by which they are found."""
    return f"supervision-of-{tmp_path.name}-{os.getpid()}-{time.monotonic_ns()}"


@pytest.fixture
def supervise(tmp_path: Path, mark: str) -> Iterator[Supervise]:
    """Start a supervisor over children given as name = Python code."""
    started: list[Talking] = []

    def start(
        ready: tuple[str, int, str, str] = NOWHERE,
        stop_seconds: float = 6.0,
        stages: dict[str, int] | None = None,
        **code: str,
    ) -> Talking:
        children = [
            ChildPlan(name, [sys.executable, "-c", text], stop_stage=(stages or {}).get(name, 0))
            for name, text in code.items()
        ]
        environment = {"SUPERVISED_BY": mark}
        commands = [[sys.executable, "-c", "print('first run asked for')"]]
        plan = SupervisionPlan(str(tmp_path), children, environment, [ready], ["It is ready."], commands, stop_seconds)
        started.append(start_supervisor(plan))
        return started[-1]

    yield start
    for supervisor in started:
        supervisor.end()
    wait_until(lambda: not processes_with(mark), 15)


def test_crashed_child_is_started_again_and_the_log_says_how_it_ended(supervise: Supervise, mark: str) -> None:
    supervisor = supervise(steady=SLEEPER, shaky=SLEEPER)
    supervisor.wait_for(r"shaky +\| up")
    victim = next(pid for pid, command in processes_with(mark).items() if "time.sleep" in command)
    os.kill(victim, signal.SIGKILL)
    supervisor.wait_for(r"\| Ended unexpectedly \(killed by SIGKILL\)\.")
    supervisor.wait_for(r"\| Starts again in 1 s\.")
    supervisor.wait_for(r"\| up", times=3)
    assert victim not in processes_with(mark)


def test_child_that_keeps_crashing_is_started_less_and_less_often(supervise: Supervise) -> None:
    supervisor = supervise(broken="raise SystemExit(3)")
    supervisor.wait_for(r"Starts again in 4 s", seconds=20)
    delays = re.findall(r"Starts again in (\d+) s", supervisor.text)
    assert delays == ["1", "2", "4"]
    assert supervisor.text.count("exit code 3") == 3


def test_back_off_doubles_to_half_a_minute_and_begins_anew_after_a_healthy_minute() -> None:
    assert [restart_delay_seconds(crashes) for crashes in range(1, 9)] == [1, 2, 4, 8, 16, 30, 30, 30]
    assert restart_delay_seconds(100_000) == 30
    assert crashes_in_a_row(5, lived_seconds=59) == 6
    assert crashes_in_a_row(5, lived_seconds=60) == 1


def test_leftovers_of_a_crashed_child_are_ended(supervise: Supervise, mark: str) -> None:
    parent = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {STUBBORN!r} + '#grandchild']); "
    parent += "time.sleep(600)"
    supervisor = supervise(parent=parent)
    supervisor.wait_for(r"parent +\| up")
    grandchildren = [
        pid for pid, command in processes_with(mark).items() if "#grandchild" in command and "Popen" not in command
    ]
    parents = [pid for pid, command in processes_with(mark).items() if "Popen" in command]
    os.kill(parents[0], signal.SIGKILL)
    supervisor.wait_for("Ended unexpectedly")
    wait_until(lambda: not set(grandchildren) & set(processes_with(mark)))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_children_stop_stage_by_stage(supervise: Supervise, tmp_path: Path, mark: str, number: int) -> None:
    path = str(tmp_path / "order")
    code = {name: NOTES_ITS_END.format(path=path, name=name) for name in ("broker_like", "web", "beat")}
    supervisor = supervise(stages={"beat": 0, "web": 1, "broker_like": 2}, **code)
    supervisor.wait_for(r"\| up", times=3)
    assert supervisor.stop(number) < 5
    assert Path(path).read_text(encoding="ascii").split() == ["beat", "web", "broker_like"]
    assert supervisor.process.returncode == 0
    assert not processes_with(mark)


def test_child_that_will_not_stop_is_killed_within_the_bound(supervise: Supervise, mark: str) -> None:
    supervisor = supervise(stubborn=STUBBORN, polite=SLEEPER, stages={"stubborn": 0, "polite": 1}, stop_seconds=3.0)
    supervisor.wait_for(r"\| up", times=2)
    assert supervisor.stop() < 3.5
    assert not processes_with(mark)


def test_second_signal_ends_everything_at_once(supervise: Supervise, mark: str) -> None:
    supervisor = supervise(stubborn=STUBBORN, stop_seconds=15.0)
    supervisor.wait_for(r"\| up")
    supervisor.process.send_signal(signal.SIGINT)
    supervisor.wait_for("Stopping")
    time.sleep(1.2)
    assert supervisor.stop(signal.SIGINT) < 3
    assert not processes_with(mark)


def test_signal_that_make_passes_on_once_more_is_no_second_one(supervise: Supervise, mark: str) -> None:
    slow = "import signal, time, sys; end = lambda *_: (time.sleep(1), print('bye', flush=True), sys.exit(0)); "
    supervisor = supervise(slow=slow + "signal.signal(15, end); print('up', flush=True); time.sleep(600)")
    supervisor.wait_for(r"\| up")
    supervisor.process.send_signal(signal.SIGTERM)
    supervisor.stop(signal.SIGTERM)
    assert "bye" in supervisor.text
    assert not processes_with(mark)


def test_killed_supervisor_leaves_no_process(supervise: Supervise, mark: str) -> None:
    supervisor = supervise(polite=SLEEPER, other=SLEEPER)
    supervisor.wait_for(r"\| up", times=2)
    supervisor.stop(signal.SIGKILL)
    wait_until(lambda: not processes_with(mark), 5)


class Page(http.server.BaseHTTPRequestHandler):
    """Answers 503 once, then 200."""

    answers = 0

    def do_GET(self) -> None:
        Page.answers += 1
        self.send_response(503 if Page.answers == 1 else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        return


def test_readiness_is_told_once_when_the_page_answers_and_then_the_first_run_is_asked_for(supervise: Supervise) -> None:
    Page.answers = 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            supervisor = supervise(ready=("127.0.0.1", server.server_address[1], "localhost", "/"), child=SLEEPER)
            supervisor.wait_for(r"syncdeck +\| It is ready\.")
            supervisor.wait_for(r"syncdeck +\| first run asked for")
        finally:
            server.shutdown()
            thread.join()
    assert Page.answers == 2
    assert supervisor.text.count("It is ready.") == 1


def test_program_that_does_not_exist_is_told_and_tried_again(supervise: Supervise, tmp_path: Path) -> None:
    plan = SupervisionPlan(str(tmp_path), [ChildPlan("web", [str(tmp_path / "nothing")], 0)], {}, [NOWHERE])
    supervisor = start_supervisor(plan)
    try:
        supervisor.wait_for("Cannot be started: .*nothing")
        supervisor.wait_for("Starts again in 2 s")
    finally:
        supervisor.end()
