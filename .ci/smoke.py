"""A bounded smoke of `make demo`: it comes up, its Airports job finishes with every row, it stops and leaves nothing.

Runs on a free port with a data directory of its own inside the checkout, and removes it.
"""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import airportsdata

CHECKOUT = Path(__file__).resolve().parent.parent
DATA_DIR = CHECKOUT / ".smoke"
LOG = CHECKOUT / ".smoke.log"
READY_SECONDS, FINISHED_SECONDS, STOP_SECONDS = 120, 60, 15


class SmokeFailed(RuntimeError):
    """The demo did not do what the README says."""


def main() -> None:
    """Run the demo once; exits with 1 and the log where something is amiss."""
    shutil.rmtree(DATA_DIR, ignore_errors=True)
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    variables = {**os.environ, "PORT": str(port), "SYNCDECK_DATA_DIR": str(DATA_DIR)}
    with LOG.open("wb") as log:
        demo = subprocess.Popen(
            ["make", "demo"], cwd=CHECKOUT, env=variables, stdout=log, stderr=log, start_new_session=True
        )
    try:
        began = time.monotonic()
        wait_for("the portal to answer", lambda: answers(port), READY_SECONDS, demo)
        print(f"smoke: the portal answered after {time.monotonic() - began:.1f} s")
        wait_for("the Airports job to finish", lambda: status_of_airports() == "finished", FINISHED_SECONDS, demo)
        check_rows()
    except SmokeFailed as problem:
        end(demo, signal.SIGKILL)
        sys.exit(f"smoke: {problem}\n{LOG.read_text(errors='replace')[-8000:]}")
    took = end(demo, signal.SIGTERM)
    left = processes_of_demo()
    if took > STOP_SECONDS or left:
        sys.exit(f"smoke: stopping took {took:.1f} s and left {left}\n{LOG.read_text(errors='replace')[-8000:]}")
    print(f"smoke: stopped after {took:.1f} s, nothing left")
    shutil.rmtree(DATA_DIR)
    LOG.unlink()


def wait_for(what: str, condition: Callable[[], bool], seconds: float, demo: subprocess.Popen[bytes]) -> None:
    """Wait until the condition holds while the demo lives."""
    deadline = time.monotonic() + seconds
    while not condition():
        if demo.poll() is not None:
            raise SmokeFailed(f"make demo ended while waiting for {what}")
        if time.monotonic() > deadline:
            raise SmokeFailed(f"waited {seconds} s for {what}")
        time.sleep(0.2)


def answers(port: int) -> bool:
    """Tell whether the portal's login page is served."""
    try:
        with urllib.request.urlopen(f"http://localhost:{port}/", timeout=5) as page:
            return bool(page.status == 200)
    except OSError:
        return False


def status_of_airports() -> str:
    """Return the status of the demo's newest job, read from the database; nothing before there is one."""
    try:
        with closing(sqlite3.connect(f"file:{DATA_DIR}/syncdeck.sqlite3?mode=ro", uri=True)) as database:
            row = database.execute("SELECT status FROM syncjobs_syncjob ORDER BY id DESC LIMIT 1").fetchone()
    except sqlite3.OperationalError:
        return ""
    return row[0] if row else ""


def check_rows() -> None:
    """Compare the target with the package the sandbox serves."""
    expected = len(airportsdata.load("ICAO"))
    with closing(sqlite3.connect(f"file:{DATA_DIR}/warehouse.sqlite3?mode=ro", uri=True)) as warehouse:
        (rows,) = warehouse.execute("SELECT count(DISTINCT icao) FROM airports").fetchone()
    if rows != expected:
        raise SmokeFailed(f"the target holds {rows} airports, the package {expected}")
    print(f"smoke: Airports finished with {rows} rows")


def end(demo: subprocess.Popen[bytes], number: int) -> float:
    """Signal the demo's process group, as Ctrl-C does, and return how long it took."""
    began = time.monotonic()
    if demo.poll() is None:
        os.killpg(demo.pid, number)
    demo.wait(timeout=60)
    while processes_of_demo() and time.monotonic() - began < STOP_SECONDS:
        time.sleep(0.1)
    return time.monotonic() - began


def processes_of_demo() -> list[str]:
    """Return the commands of living processes that work on the smoke's data directory."""
    mark = str(DATA_DIR).encode()  # In the environment, or, with the broker, which overwrites that, in the command.
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            if (
                mark in (directory / "environ").read_bytes() + (directory / "cmdline").read_bytes()
                and "State:\tZ" not in (directory / "status").read_text()
            ):
                found.append((directory / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


if __name__ == "__main__":
    main()
