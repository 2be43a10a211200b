"""Browsers with a page that follows its job, and the web server that answers them."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from django.conf import settings
from django.test import Client

from syncjobs.supervision import premises
from syncjobs.supervision.stack import web_command
from tests.benchmarks.measured_stack import children_of, wait_until
from tests.isolation import DATA_DIR

HOST = "127.0.0.1"
OPEN_PAGES, EVERY_SECONDS = 20, 2.0
CURSOR, LAST_LINE = re.compile(r'"cursor": "(\w+)"'), re.compile(r'name="log_after" value="(\d+)"')


@contextmanager
def running_web() -> Iterator[tuple[int, int]]:
    """The web server as `up` starts it: its port, and the id of the process that answers."""
    port = premises.choose_port(HOST, None)
    with (DATA_DIR / "web.log").open("wb") as log:
        web = subprocess.Popen(web_command(HOST, port), stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: children_of(web.pid) and _answers(port), "the web server", 0.2)
        yield port, children_of(web.pid)[0]
    finally:
        web.terminate()
        web.wait(timeout=30)


def _answers(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection(HOST, port, timeout=5)
        connection.request("GET", "/admin/login/")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False


def session_cookie(client: Client) -> str:
    """The header by which the client's person is known; the others of its cookies say nothing about that."""
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def cpu_seconds(pid: int) -> float:
    """What a process has computed so far."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Viewers:
    """Twenty people's browsers; `answers` and `failures` are what they got so far."""

    port: int
    cookie: str
    answers: int = 0
    failures: list[str] = field(default_factory=list)

    @contextmanager
    def looking(self, job_id: int, last_line: int) -> Iterator[None]:
        """All have this job's page open, which shows its log up to a line, and ask as often as the page does."""
        enough = Event()
        threads = [
            Thread(target=self._look, args=(f"/admin/jobs/{job_id}/", last_line, number, enough))
            for number in range(OPEN_PAGES)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            enough.set()
            for thread in threads:
                thread.join()

    def _look(self, address: str, last_line: int, number: int, enough: Event) -> None:
        """What a page does: it asks again and again for news and new lines of its log."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        cursor, wait = "", number * EVERY_SECONDS / OPEN_PAGES
        while not enough.wait(wait):
            wait = EVERY_SECONDS
            try:
                text = self._ask(connection, f"{address}?cursor={cursor}&log_after={last_line}", "job-live")
                cursor = _found(CURSOR, text) or cursor
                last_line = int(_found(LAST_LINE, text) or last_line)
            except (http.client.HTTPException, ConnectionError):  # closed in this moment, as browsers meet it, too
                connection.close()

    def _ask(self, connection: http.client.HTTPConnection, address: str, region: str) -> str:
        headers = {"Cookie": self.cookie, "HX-Request": "true", "HX-Target": region}
        connection.request("GET", address, headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status not in (http.client.OK, http.client.NO_CONTENT):
            self.failures.append(f"{address} answered {answer.status}")
        self.answers += 1
        return text


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""
