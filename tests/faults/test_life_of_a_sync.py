"""docs/sync-by-api.md and sync-by-cli.md: an operator's whole life of a sync; their own commands, on real processes."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import closing, suppress
from pathlib import Path
from time import monotonic, sleep

import pytest

from syncjobs.scopes import SCOPES
from tests.faults.stack import PATIENCE_SECONDS, Stack
from tests.isolation import CHECKOUT

pytestmark = pytest.mark.slow

STEP = re.compile(r"```sh\n(.*?)```(?:\n```text\n(.*?)```)?", re.DOTALL)
MARK = "--- end of step"
RIGHTS = """
from django.contrib.auth.models import User
from syncjobs.operations.tokens import create_token
anna = User.objects.create_superuser("anna")
answer = create_token(anna, name="docs", scopes={scopes!r}, expires_at=None, actor="test").secret
"""
BOOKS = """
import sqlite3
from django.conf import settings
from syncjobs.operations.state_checks import find_breaches
with sqlite3.connect(settings.SYNCDECK_DATA_DIR / "books.sqlite3") as books:
    people = books.execute("SELECT id, name, age FROM people ORDER BY id").fetchall()
answer = {"people": people, "breaches": [breach.message for breach in find_breaches()]}
"""


def start_answering_web(stack: Stack) -> str:
    """The address of a web server of this Syncdeck, once it answers."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    stack.start_web(port)
    give_up = monotonic() + PATIENCE_SECONDS
    address = f"http://127.0.0.1:{port}"
    while monotonic() < give_up:
        with suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(f"{address}/livez", timeout=5).close()  # noqa: S310 - our own server
            return address
        sleep(0.1)
    raise AssertionError(stack.log_text())


def live_through(page: str, stack: Stack, folder: Path, **told: str) -> None:
    """Run the page's commands and look for what it says that they print; then the target is as it ends there."""
    steps = STEP.findall((CHECKOUT / "docs" / page).read_text(encoding="utf-8"))
    printed = run_steps(steps, stack.environment | {"DATA": str(stack.data_dir)} | told, folder)
    assert len(printed) == len(steps) > 8
    for (commands, expected), output in zip(steps, printed, strict=True):
        for line in expected.splitlines():
            assert line in output, f"{commands}\ngave\n{output}\nwithout {line}\n{stack.log_text()}"
    books = stack.python(BOOKS)
    assert books == {"people": [[1, "Ada", 36], [2, "Ben", None], [3, "Cleo", 41]], "breaches": []}


def run_steps(steps: list[tuple[str, str]], environment: dict[str, str], folder: Path) -> list[str]:
    """What the commands of each step print."""
    script = "".join(f"{commands}\necho '{MARK}'\n" for commands, _ in steps)
    done = subprocess.run(
        ["bash", "-e", "-u", "-o", "pipefail"],  # noqa: S607 - as people have it
        input=script,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout.split(MARK)[:-1]


def test_the_page_leads_through_the_whole_life_of_a_sync(stack: Stack, tmp_path: Path) -> None:
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker()
    address = start_answering_web(stack)
    token = stack.python(RIGHTS.format(scopes=[scope for scope in SCOPES if scope.startswith(("config", "runs"))]))
    live_through("sync-by-api.md", stack, tmp_path, SYNCDECK=address, TOKEN=token)


def test_the_page_of_commands_leads_through_it_as_well(stack: Stack, tmp_path: Path) -> None:
    stack.start_broker()
    stack.start_dispatcher()
    stack.start_worker()
    live_through("sync-by-cli.md", stack, tmp_path, MANAGE=f"{sys.executable} {CHECKOUT / 'manage.py'}")
