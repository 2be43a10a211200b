"""The connection test of whatever is read by HTTP, in steps. Sends single requests, repeats none, keeps nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult

from connectors.checks import CheckStep, timed_step
from connectors.errors import SyncError
from connectors.http import HttpSession
from connectors.http_answers import checked_url, port_of
from connectors.http_sockets import Deadline

MOST_STREAMS = 10
LARGEST_CLOCK_SKEW = 60  # seconds
RESOLVE_SECONDS = 10.0

ReadOne = Callable[[str], int]
"""Asks for a record of a stream and tells how many came."""


def check_server(
    http: HttpSession,
    url: str,
    streams: Sequence[str],
    read_one: ReadOne,
    logged_in: CheckStep,
    *,
    resolve_seconds: float = RESOLVE_SECONDS,
) -> Iterator[CheckStep]:
    """resolve, connect, log in, read one record of each stream, clock. Ends after a step that makes others moot."""
    parts = checked_url(url)
    step = _resolve(http, parts, resolve_seconds)
    yield step
    if step.ok:
        step = _connect(http, url, parts)
        yield step
    if not step.ok:
        return
    is_logged_in = False
    for stream in streams[:MOST_STREAMS]:
        step = _read_one(read_one, stream)
        if step.ok and not is_logged_in:
            is_logged_in = True
            yield logged_in
        yield step
        if step.name == "log in":
            return
    yield _compare_clocks(http, url)


def _read_one(read_one: ReadOne, stream: str) -> CheckStep:
    started = time.perf_counter()
    try:
        records = read_one(stream)
    except SyncError as error:
        name = "log in" if error.code == "credentials_refused" else f"read {stream}"
        return _failed(name, started, error)
    return timed_step(f"read {stream}", started, "one record read" if records else "reached; it holds no record")


def _resolve(http: HttpSession, parts: SplitResult, seconds: float) -> CheckStep:
    started = time.perf_counter()
    host = str(parts.hostname)
    try:
        with Deadline(seconds, http.dialer):
            addresses = http.dialer.addresses(host, port_of(parts))
    except SyncError as error:
        return _failed("resolve", started, error)
    return timed_step("resolve", started, f"{host} is {', '.join(addresses[:4])}")


def _connect(http: HttpSession, url: str, parts: SplitResult) -> CheckStep:
    """Any answer at all shows that the connection, and TLS where it is used, stands."""
    started = time.perf_counter()
    is_secure = parts.scheme == "https"
    try:
        http.probe(url)
    except SyncError as error:
        return _failed("TLS" if error.code == "tls_failure" else "connect", started, error)
    message = f"connected to port {port_of(parts)}" + (", certificate valid" if is_secure else "")
    fix = "" if is_secure else "Use https:// if the server offers it: data and token travel in the clear."
    return timed_step("connect", started, message, fix=fix)


def _compare_clocks(http: HttpSession, url: str) -> CheckStep:
    started = time.perf_counter()
    try:
        theirs = parsedate_to_datetime(http.probe(url).headers.get("Date", ""))
    except SyncError as error:
        return _failed("clock", started, error)
    except ValueError:
        return timed_step("clock", started, "the server does not tell its time")
    skew = abs((theirs.replace(tzinfo=theirs.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    fix = "Set the clock of this machine, or windows by date will be off." if skew > LARGEST_CLOCK_SKEW else ""
    return timed_step("clock", started, f"the clocks differ by {skew:.0f} s", fix=fix)


def _failed(name: str, started: float, error: SyncError) -> CheckStep:
    return timed_step(name, started, error.message, ok=False, fix=error.hint or "See the message.")
