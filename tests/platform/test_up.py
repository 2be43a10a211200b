"""`manage.py up` for real: every process, on a free port and a data directory of its own. Leaves nothing behind."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import airportsdata
import pytest

from syncjobs.supervision.broker import is_answering, socket_path
from tests.isolation import CHECKOUT, SCRATCH
from tests.platform.supervised import Talking, parent_of, processes_with, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("up")]
NAMES = ("broker", "web", "worker", "beat", "dispatcher")
STOP_SECONDS = 15


class Up:
    """A running `manage.py up`."""

    def __init__(self, data_dir: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir
        with closing(socket.create_server(("127.0.0.1", 0))) as listener:
            self.port = int(listener.getsockname()[1])
        environment = {**os.environ, "SYNCDECK_DATA_DIR": str(data_dir), "PORT": str(self.port), **(variables or {})}
        del environment["SYNCDECK_NETWORK_ALLOW"]
        self.talking = Talking([sys.executable, "manage.py", "up", *arguments], environment)

    def wait_until_ready(self) -> None:
        """Wait for the line that says so."""
        self.talking.wait_for(rf"Syncdeck is ready at http://localhost:{self.port}/", seconds=60)

    def processes(self) -> dict[int, str]:
        """Return id and command of all its processes."""
        return processes_with(str(self.data_dir))

    def find(self, words: str) -> int:
        """Return the process whose command holds the words; of a parent and its children the parent (ids wrap)."""
        found = [pid for pid, command in self.processes().items() if words in command]
        return next(pid for pid in found if parent_of(pid) not in found)

    def get(self, path: str) -> http.client.HTTPResponse:
        """Fetch a page."""
        answer = urllib.request.urlopen(f"http://localhost:{self.port}{path}", timeout=10)
        assert isinstance(answer, http.client.HTTPResponse)
        return answer

    def answers(self) -> bool:
        """Tell whether the login page is served."""
        try:
            with self.get("/admin/login/") as page:
                return page.status == 200
        except OSError:
            return False

    def password(self) -> str:
        """Return the password it printed."""
        found = re.search(r"Log in as admin with the password (\S+) ", self.talking.text)
        assert found, self.talking.text
        return found[1]

    def can_log_in(self, password: str) -> bool:
        """Try the login form as a browser does."""
        jar = CookieJar()
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        url = f"http://localhost:{self.port}/admin/login/?next=/livez"
        with opener.open(url, timeout=10) as page:
            token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.read().decode())
        assert token
        form = {"username": "admin", "password": password, "csrfmiddlewaretoken": token[1], "next": "/livez"}
        with opener.open(url, urlencode(form).encode(), timeout=10) as answer:
            return urlsplit(str(answer.url)).path == "/livez"

    def query(self, sql: str, file: str = "syncdeck.sqlite3") -> list[tuple[object, ...]]:
        """Read from one of its SQLite files."""
        with closing(sqlite3.connect(f"file:{self.data_dir / file}?mode=ro", uri=True)) as database:
            return database.execute(sql).fetchall()


@pytest.fixture
def make_data_dir() -> Iterator[Callable[[], Path]]:
    """Make short data directories inside the checkout."""
    made: list[Path] = []

    def make() -> Path:
        made.append(Path(tempfile.mkdtemp(prefix="up-", dir=SCRATCH)))
        return made[-1]

    yield make
    for path in made:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def start_up(make_data_dir: Callable[[], Path]) -> Iterator[Callable[..., Up]]:
    """Start `manage.py up`; whatever happens, it is gone after the test."""
    started: list[Up] = []

    def start(*arguments: str, data_dir: Path | None = None, variables: Mapping[str, str] | None = None) -> Up:
        started.append(Up(data_dir or make_data_dir(), *arguments, variables=variables))
        return started[-1]

    yield start
    for up in started:
        up.talking.end()
    wait_until(lambda: not any(up.processes() for up in started), 20)


def test_up_serves_heals_refuses_a_second_and_stops_in_time(start_up: Callable[..., Up]) -> None:
    up = start_up()
    up.wait_until_ready()

    # 1. Everything runs, the page is styled and safe, the printed login works.
    for name in NAMES[1:]:
        up.talking.wait_for(rf"(?m)^{name} +\| ", seconds=30)
    with up.get("/") as page:
        body = page.read().decode()
        assert page.url.startswith(f"http://localhost:{up.port}/admin/")
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    sheets = re.findall(r'href="(/static/[^"]+\.css)"', body)
    assert sheets
    for sheet in sheets:
        with up.get(sheet) as answer:
            assert answer.status == 200
            assert "immutable" in answer.headers["Cache-Control"]
    assert up.can_log_in(up.password())
    assert not up.can_log_in("wrong")
    assert not [command for command in up.processes().values() if up.password() in command]

    # 2. A second one on the same data directory is refused, in one sentence.
    second = start_up(data_dir=up.data_dir)
    assert second.talking.process.wait(timeout=30) == 1
    wait_until(lambda: second.talking.lines)
    assert re.fullmatch(r"CommandError: Syncdeck is already running on the data directory .*\.\n", second.talking.text)

    # 3. A crashed web server and a crashed broker come back.
    os.kill(up.find("gunicorn"), signal.SIGKILL)
    up.talking.wait_for(r"web +\| Ended unexpectedly \(killed by SIGKILL\)")
    wait_until(up.answers, 20)
    os.kill(up.find("valkey-server"), signal.SIGKILL)
    up.talking.wait_for(r"broker +\| Ended unexpectedly")
    wait_until(lambda: is_answering(up.data_dir), 20)

    # 4. It stops in time and leaves no process, no socket and no open port.
    assert up.talking.stop(signal.SIGINT) <= STOP_SECONDS
    assert up.talking.process.returncode == 0
    assert not up.processes()
    assert not socket_path(up.data_dir).exists()
    assert not up.answers()
    lines = [json.loads(line) for line in (up.data_dir / "logs" / "api.log").read_text(encoding="utf-8").splitlines()]
    assert {"time", "level", "logger", "message"} <= set(lines[0])


@pytest.mark.faults  # two stacks of processes
def test_two_run_side_by_side_and_a_killed_one_leaves_nothing(start_up: Callable[..., Up]) -> None:
    first, second = start_up(), start_up()
    first.wait_until_ready()
    second.wait_until_ready()
    assert first.can_log_in(first.password())
    assert not second.can_log_in(first.password())
    first.talking.stop(signal.SIGKILL)
    wait_until(lambda: not first.processes(), STOP_SECONDS)
    assert second.answers()
    assert second.talking.stop(signal.SIGTERM) <= STOP_SECONDS
    assert not second.processes()


def test_taken_port_is_told_before_anything_is_started(make_data_dir: Callable[[], Path]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = str(listener.getsockname()[1])
        variables = {**os.environ, "SYNCDECK_DATA_DIR": str(make_data_dir())}
        refused = Talking([sys.executable, "manage.py", "up", "--port", port], variables)
        assert refused.process.wait(timeout=30) == 1
        refused.end()
    assert refused.text.count("\n") == 1
    assert re.search(rf"127\.0\.0\.1 port {port} .*PORT", refused.text)


def test_unwritable_data_directory_is_told_before_anything_is_started() -> None:
    refused = Talking([sys.executable, "manage.py", "up"], {**os.environ, "SYNCDECK_DATA_DIR": "/proc/data"})
    assert refused.process.wait(timeout=30) == 1
    refused.end()
    assert refused.text.count("\n") == 1
    assert "SYNCDECK_DATA_DIR names /proc/data, which cannot be used" in refused.text


def run_in_another_shell(up: Up, *arguments: str) -> dict[str, Any]:
    """Run a command that knows the data directory alone, and return the JSON it prints."""
    kept = {name: value for name, value in os.environ.items() if name != "SYNCDECK_NETWORK_ALLOW"}
    outcome = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        env=kept | {"SYNCDECK_DATA_DIR": str(up.data_dir)},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert outcome.returncode == 0, outcome.stderr
    printed = json.loads(outcome.stdout)
    assert isinstance(printed, dict)
    return printed


def finished_jobs(up: Up) -> list[tuple[object, ...]]:
    """Return trigger and counts of the finished jobs, oldest first."""
    return up.query("SELECT status, counts FROM syncjobs_syncjob ORDER BY id")


@pytest.mark.faults  # two stacks of processes
def test_demo_finishes_airports_with_exact_counts_and_greets_again_the_same_way(start_up: Callable[..., Up]) -> None:
    airports = airportsdata.load("ICAO")
    up = start_up("--demo")
    up.wait_until_ready()
    password = up.password()
    wait_until(lambda: [status for status, _ in finished_jobs(up)] == ["finished"], 60)
    counts = json.loads(str(finished_jobs(up)[0][1]))
    assert (counts["read"], counts["inserted"]) == (len(airports), len(airports))
    assert {icao for (icao,) in up.query("SELECT icao FROM airports", "warehouse.sqlite3")} == set(airports)
    sandbox = (up.data_dir / "sandbox.address").read_text(encoding="ascii")
    log = [json.loads(line) for line in (up.data_dir / "logs" / "etl.log").read_text(encoding="utf-8").splitlines()]
    assert {line["sync_id"] for line in log} == {1}

    # The broker crashes; a run asked for from another shell meanwhile is done once it is back, by the same worker.
    os.kill(up.find("valkey-server"), signal.SIGKILL)
    second = run_in_another_shell(up, "sync", "run", "airports", "--wait", "--json")
    assert second["counts"] == counts | {"inserted": 0, "unchanged": len(airports)}
    inline = run_in_another_shell(up, "sync", "run", "airports", "--inline", "--json")
    assert inline["counts"] == second["counts"]
    assert up.talking.stop(signal.SIGINT) <= STOP_SECONDS

    again = start_up("--demo", data_dir=up.data_dir)
    again.wait_until_ready()
    assert again.password() == password
    assert again.can_log_in(password)
    assert (up.data_dir / "sandbox.address").read_text(encoding="ascii") == sandbox
    time.sleep(2)
    assert len(finished_jobs(again)) == 3
    assert again.talking.stop(signal.SIGTERM) <= STOP_SECONDS
    assert not again.processes()
