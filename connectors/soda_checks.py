"""The connection test of a Socrata portal, in steps. Sends single requests, repeats none, keeps nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult

from connectors.checks import CheckStep, timed_step
from connectors.errors import SyncError
from connectors.http_answers import checked_url, port_of
from connectors.json_pages import RecordShape
from connectors.network import checked_addresses
from connectors.soda_portal import SodaPortal

MOST_DATASETS = 10
LARGEST_CLOCK_SKEW = 60  # seconds


def check_portal(portal: SodaPortal, *, has_token: bool) -> Iterator[CheckStep]:
    """resolve, connect, log in, read one record of each dataset, clock. Ends after a step that makes others moot."""
    parts = checked_url(portal.base_url)
    for prepare in (_resolve, _connect):
        step = prepare(portal, parts)
        yield step
        if not step.ok:
            return
    is_logged_in = False
    for stream in list(portal.datasets)[:MOST_DATASETS]:
        step = _read_one(portal, stream)
        if step.ok and not is_logged_in:
            is_logged_in = True
            yield _logged_in(has_token=has_token)
        yield step
        if step.name == "log in":
            return
    yield _compare_clocks(portal)


def _read_one(portal: SodaPortal, stream: str) -> CheckStep:
    started = time.perf_counter()
    try:
        page = portal.page(stream, RecordShape(()), {"$limit": "1"})
    except SyncError as error:
        name = "log in" if error.code == "credentials_refused" else f"read {stream}"
        return _failed(name, started, error)
    return timed_step(f"read {stream}", started, "one record read" if page.records else "reached; it holds no record")


def _resolve(_portal: SodaPortal, parts: SplitResult) -> CheckStep:
    started = time.perf_counter()
    host = str(parts.hostname)
    try:
        addresses = checked_addresses(host, port_of(parts))
    except SyncError as error:
        return _failed("resolve", started, error)
    return timed_step("resolve", started, f"{host} is {', '.join(addresses[:4])}")


def _connect(portal: SodaPortal, parts: SplitResult) -> CheckStep:
    """Any answer at all shows that the connection, and TLS where it is used, stands."""
    started = time.perf_counter()
    is_secure = parts.scheme == "https"
    try:
        portal.http.probe(portal.base_url)
    except SyncError as error:
        return _failed("TLS" if error.code == "tls_failure" else "connect", started, error)
    message = f"connected to port {port_of(parts)}" + (", certificate valid" if is_secure else "")
    fix = "" if is_secure else "Use https:// if the server offers it: data and token travel in the clear."
    return timed_step("connect", started, message, fix=fix)


def _logged_in(*, has_token: bool) -> CheckStep:
    if has_token:
        return CheckStep("log in", True, 0.0, "app token accepted")
    return CheckStep(
        "log in", True, 0.0, "no app token", fix="An app token raises the limit of requests; the portal gives them out."
    )


def _compare_clocks(portal: SodaPortal) -> CheckStep:
    started = time.perf_counter()
    try:
        theirs = parsedate_to_datetime(portal.http.probe(portal.base_url).headers.get("Date", ""))
    except SyncError as error:
        return _failed("clock", started, error)
    except ValueError:
        return timed_step("clock", started, "the server does not tell its time")
    skew = abs((theirs.replace(tzinfo=theirs.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    fix = "Set the clock of this machine, or windows by date will be off." if skew > LARGEST_CLOCK_SKEW else ""
    return timed_step("clock", started, f"the clocks differ by {skew:.0f} s", fix=fix)


def _failed(name: str, started: float, error: SyncError) -> CheckStep:
    return timed_step(name, started, error.message, ok=False, fix=error.hint or "See the message.")
