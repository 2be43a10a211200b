"""`manage.py sandbox` as a real process: it says where it listens, serves, and stops when told."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

CHECKOUT = Path(__file__).resolve().parent.parent.parent
READY = re.compile(r"Sandbox is ready at (http://127\.0\.0\.1:\d+)/\n")


def command_line(path: Path, *options: str) -> list[str]:
    return [sys.executable, "manage.py", "sandbox", "--port", "0", "--data", str(path), *options]


@contextmanager
def sandbox_process(path: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with subprocess.Popen(
        command_line(path, *options), cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            ready = READY.fullmatch(line)
            assert ready, line + process.stdout.read()
            yield process, ready.group(1)
        finally:
            process.kill()


def test_the_command_serves_everything_stops_on_a_signal_and_serves_the_same_again(tmp_path: Path) -> None:
    served = []
    for number in (signal.SIGTERM, signal.SIGINT):
        with sandbox_process(tmp_path / "sandbox.sqlite3") as (process, url), requests.Session() as session:
            served.append(everything(session, url))
            started = time.monotonic()
            process.send_signal(number)
            assert process.wait(timeout=10) == 0
            assert time.monotonic() - started < 5
            assert process.stdout is not None
            assert process.stdout.read() == ""
    assert served[0].keys() == {"airports", "crashes", "people", "vehicles", "fatalities"}
    assert served[0] == served[1]


def everything(session: requests.Session, url: str) -> dict[str, object]:
    """All rows by dataset, with their system fields; each dataset is asked for by its identifier and by its name."""
    rows = {}
    for listed in session.get(f"{url}/", timeout=10).json()["datasets"]:
        name = listed["name"]
        whole = session.get(f"{url}/resource/{name}.json?$select=:*,*&$limit=50000", timeout=30)
        count = session.get(f"{url}{listed['rows']}?$select=count(*)", timeout=10).json()[0]["count"]
        assert len(whole.json()) == int(count) > 0
        assert ("not real crashes" in whole.headers.get("X-Sandbox-Notice", "")) == (name != "airports")
        rows[name] = whole.json()
    return rows


def test_switches_can_be_set_on_the_command_line(tmp_path: Path) -> None:
    options = ["--slow", "0.2", "--fault", "rate_limited:retry_after=5,times=1,dataset=people", "--app-token", "secret"]
    with sandbox_process(tmp_path / "sandbox.sqlite3", *options) as (_process, url):
        people = f"{url}/resource/people.json?$limit=1"
        assert requests.get(people, timeout=10).status_code == 403
        started = time.monotonic()
        limited = requests.get(people, headers={"X-App-Token": "secret"}, timeout=10)
        assert time.monotonic() - started >= 0.2
        assert (limited.status_code, limited.headers["Retry-After"]) == (429, "5")
        assert requests.get(people, headers={"X-App-Token": "secret"}, timeout=10).status_code == 200


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--fault", "earthquake"], "There is no fault 'earthquake'; choose from "),
        (["--fault", "server_error:dataset=nowhere"], "There is no dataset 'nowhere'"),
    ],
)
def test_a_wrong_option_is_one_sentence(tmp_path: Path, options: list[str], sentence: str) -> None:
    ended = subprocess.run(
        command_line(tmp_path / "sandbox.sqlite3", *options),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert ended.returncode != 0
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
