"""Every wait of an HTTP session ends by its deadline and by an interruption, wherever the other side falls silent."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest

from connectors.checks import CheckStep
from connectors.errors import Interrupted, TransientError
from connectors.http import HttpSession
from connectors.http_checks import check_server
from connectors.surroundings import Interruption, Surroundings
from tests.connectors.scripted_server import reply, scripted_server

Silence = Callable[[], Any]
SOON = 5.0  # seconds, of a machine that may be busy; none of these waits would end by itself before


def never_resolve(*_arguments: Any, **_options: Any) -> list[tuple[Any, ...]]:
    time.sleep(20)
    return []


def many_addresses(_host: str, port: int, **_options: Any) -> list[tuple[Any, ...]]:
    return [(2, 1, 6, "", (f"127.0.0.{number}", port)) for number in range(1, 9)]


@contextmanager
def full_listener(host: str = "0.0.0.0") -> Iterator[int]:  # noqa: S104 - on all loopback addresses at once
    """A port that answers no further connection, as behind a firewall."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((host, 0), backlog=0))
        port: int = listener.getsockname()[1]
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        yield port


@contextmanager
def silent_name_server() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "http://portal.example/", {"resolver": never_resolve}


@contextmanager
def silent_port() -> Iterator[tuple[str, dict[str, Any]]]:
    with full_listener() as port:
        yield f"http://127.0.0.1:{port}/", {}


@contextmanager
def silent_port_of_many_addresses() -> Iterator[tuple[str, dict[str, Any]]]:
    with full_listener() as port:
        yield f"http://portal.example:{port}/", {"resolver": many_addresses, "connect_seconds": 0.4}


@contextmanager
def silent_tls() -> Iterator[tuple[str, dict[str, Any]]]:
    """Takes the connection and never says hello."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/", {}


SILENCES = [silent_name_server, silent_port, silent_port_of_many_addresses, silent_tls]


@pytest.mark.parametrize("silence", SILENCES, ids=lambda silence: silence.__name__)
def test_deadline_ends_every_silence(silence: Any) -> None:
    with silence() as (url, options):
        started = time.monotonic()
        session = HttpSession(Surroundings(), tries=1, deadline_seconds=0.6, **options)
        with closing(session), pytest.raises(TransientError) as caught:
            session.get_json(url)
        assert time.monotonic() - started < SOON
    assert caught.value.code in ("timeout", "dns_failure", "connect_timeout")
    assert caught.value.hint


@pytest.mark.parametrize("silence", SILENCES, ids=lambda silence: silence.__name__)
def test_interruption_ends_every_silence(silence: Any) -> None:
    interruption = Interruption()
    with silence() as (url, options):
        threading.Timer(0.3, interruption.request, ["cancel"]).start()
        started = time.monotonic()
        options = options | {"connect_seconds": 20.0}
        with closing(HttpSession(Surroundings(interruption), **options)) as session, pytest.raises(Interrupted):
            session.get_json(url)
        assert time.monotonic() - started < SOON


def test_name_that_nobody_knows_is_told_and_asked_for_again() -> None:
    waits: list[float] = []
    session = HttpSession(Surroundings(), sleep=waits.append)
    with (
        closing(session),
        pytest.raises(TransientError, match=r"'portal\.invalid' cannot be resolved, after 8") as caught,
    ):
        session.get_json("http://portal.invalid/")
    assert caught.value.code == "dns_failure"
    assert len(waits) == 7


@pytest.mark.parametrize("status", [429, 503])
def test_date_to_come_back_is_reckoned_from_the_servers_own_time(status: int) -> None:
    waits: list[float] = []
    dates: dict[str, Any] = {"Date": "Mon, 23 Nov 2020 02:00:00 GMT", "Retry_After": "Mon, 23 Nov 2020 02:00:45 GMT"}
    session = HttpSession(Surroundings(), sleep=waits.append)
    with scripted_server(reply(status, **dates), reply(body=b"[1]")) as server, closing(session):
        assert session.get_json(server.url)[0] == [1]
    assert waits == [45]


LONG_ZONE = f"Mon, 23 Nov 2026 02:00:00 +{'9' * 30}"
STRANGE = ["soon", "-5", "1.5", "", "Mon, 99 Nov 2026 02:00:00 GMT", "9" * 400, LONG_ZONE]


@pytest.mark.parametrize("told", STRANGE, ids=[text[:9] for text in STRANGE])
def test_strange_time_to_come_back_is_not_waited_for_longer_than_five_minutes(told: str) -> None:
    waits: list[float] = []
    session = HttpSession(Surroundings(), sleep=waits.append)
    with scripted_server(reply(429, Retry_After=told), reply(body=b"[1]")) as server, closing(session):
        assert session.get_json(server.url)[0] == [1]
    assert len(waits) == 1
    assert waits[0] <= 300


def test_connection_test_does_not_wait_for_a_silent_name_server() -> None:
    with silent_name_server() as (url, options), closing(HttpSession(Surroundings(), **options)) as session:
        started = time.monotonic()
        steps = list(
            check_server(session, url, [], lambda _: 0, CheckStep("log in", True, 0.0, ""), resolve_seconds=0.3)
        )
        assert time.monotonic() - started < SOON
    assert [(step.name, step.ok) for step in steps] == [("resolve", False)]
    assert "name servers" in steps[0].fix
