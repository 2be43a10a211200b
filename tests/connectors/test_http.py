"""The HTTP session against real servers that misbehave: what is tried again, what is refused, and how waits end."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from connectors import network
from connectors.errors import ConfigError, DataError, Interrupted, RateLimitedError, SyncError, TransientError
from connectors.http import HttpSession
from connectors.http_answers import RequestRefused
from connectors.http_sockets import Deadline, Dialer
from connectors.redaction import remember_secret
from connectors.surroundings import Interruption, Surroundings
from tests.connectors.certificates import serve_tls
from tests.connectors.scripted_server import (
    ScriptedServer,
    dribble,
    dribble_headers,
    hang_up,
    reply,
    reply_cut_short,
    reply_json,
    scripted_server,
    stay_silent,
)


class Listener:
    """Keeps what a session told and how long it would have waited; waits no longer than it must."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []
        self.waits: list[float] = []
        self.interruption = Interruption()
        self.surroundings = Surroundings(self.interruption, lambda *told: self.messages.append(told))
        self.sessions: list[HttpSession] = []

    def session(self, **options: Any) -> HttpSession:
        session = HttpSession(self.surroundings, sleep=self.waits.append, random_share=lambda: 1.0, **options)
        self.sessions.append(session)
        return session


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    for session in listener.sessions:
        session.close()


def test_json_is_read_with_parameters_and_token(listener: Listener) -> None:
    with scripted_server(reply_json([{"a": 1}])) as server:
        session = listener.session(secret_headers={"X-App-Token": "t0ken"})
        value, answer = session.get_json(f"{server.url}/x.json", {"$where": "a > 'é'"})
        session.close()
    path, headers = server.requests[0]
    assert value == [{"a": 1}]
    assert answer.body == b'[{"a": 1}]'
    assert path == "/x.json?%24where=a+%3E+%27%C3%A9%27"
    assert headers["X-App-Token"] == "t0ken"
    assert headers["Host"] == server.url.removeprefix("http://")
    assert session.retries == 0


def test_question_is_posted_as_json_again_and_again_and_where_it_is_led(listener: Listener) -> None:
    answers = reply(500), reply(307, Location="/there"), reply_json([1])
    with scripted_server(*answers) as server:
        session = listener.session(secret_headers={"X-App-Token": "t0ken"})
        assert session.ask_json(f"{server.url}/here", {"query": "SELECT 'é'"})[0] == [1]
        session.close()
    assert [path for path, _ in server.requests] == ["/here", "/here", "/there"]
    assert {json.loads(body)["query"] for body in server.bodies} == {"SELECT 'é'"}
    assert {headers["Content-Type"] for _, headers in server.requests} == {"application/json"}
    assert server.requests[2][1]["X-App-Token"] == "t0ken"


def test_one_connection_serves_many_requests(listener: Listener) -> None:
    with scripted_server(reply_json([])) as server:
        session = listener.session()
        for _ in range(5):
            session.get_json(server.url)
        session.close()
    assert session.dialer.opened == 1


def test_proxies_of_the_environment_are_ignored(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with scripted_server(reply_json([1])) as server:
        assert listener.session().get_json(server.url)[0] == [1]


@pytest.mark.parametrize("seconds", [5, 0, 299])
def test_told_seconds_are_waited(listener: Listener, seconds: int) -> None:
    with scripted_server(reply(429, Retry_After=str(seconds)), reply_json([1])) as server:
        session = listener.session()
        assert session.get_json(server.url)[0] == [1]
    assert listener.waits == [seconds]
    assert session.retries == 1


def test_told_date_is_waited_for(listener: Listener) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    with scripted_server(reply(429, Retry_After=until), reply_json([1])) as server:
        listener.session().get_json(server.url)
    assert 25 < listener.waits[0] <= 30


def test_told_wait_is_capped_at_five_minutes(listener: Listener) -> None:
    with scripted_server(reply(429, Retry_After="86400"), reply_json([1])) as server:
        listener.session().get_json(server.url)
    assert listener.waits == [300]


def test_rate_limit_without_end_is_given_up_after_eight_tries(listener: Listener) -> None:
    with scripted_server(reply(429)) as server, pytest.raises(RateLimitedError) as caught:
        listener.session().get_json(server.url)
    assert len(server.requests) == 8
    assert listener.waits == [1, 2, 4, 8, 16, 32, 60]
    assert caught.value.message == f"rate limited by {server.url.removeprefix('http://')} after 8 tries"


def test_impatient_asker_hears_of_a_passing_fault_after_one_more_try(listener: Listener) -> None:
    listener.surroundings = replace(listener.surroundings, is_patient=False)
    with scripted_server(reply(503)) as server, pytest.raises(TransientError) as caught:
        listener.session().get_json(server.url)
    assert (len(server.requests), listener.waits) == (2, [1])
    assert caught.value.message.endswith("answered with an error (503), after 2 tries")


def test_backoff_is_random_in_its_upper_half() -> None:
    waits: list[float] = []
    with scripted_server(reply(503)) as server, pytest.raises(TransientError):
        HttpSession(Surroundings(), sleep=waits.append, random_share=lambda: 0.0).get_json(server.url)
    assert waits == [0.5, 1, 2, 4, 8, 16, 30]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_errors_are_tried_again_and_told(listener: Listener, status: int) -> None:
    with scripted_server(reply(status), reply(status), reply(status), reply_json([1])) as server:
        session = listener.session()
        assert session.get_json(server.url)[0] == [1]
    host = server.url.removeprefix("http://")
    assert session.retries == 3
    assert listener.messages[2] == ("WARNING", f"{host} answered with an error ({status}); retry 3/8 in 4 s")


@pytest.mark.parametrize(
    ("fault", "code"),
    [(reply_cut_short, "connection_lost"), (hang_up, "connection_lost"), (reply(body=b'[{"a":'), "invalid_json")],
)
def test_broken_transfers_are_asked_for_again(listener: Listener, fault: Any, code: str) -> None:
    with scripted_server(fault, reply_json([1])) as server:
        session = listener.session()
        assert session.get_json(server.url)[0] == [1]
        assert session.retries == 1
    with scripted_server(fault) as server, pytest.raises(TransientError, match="after 8 tries") as caught:
        listener.session().get_json(server.url)
    assert caught.value.code == code


def test_refused_connection_is_transient_and_names_host_and_worker(listener: Listener) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(TransientError, match=rf"127.0.0.1:{port} cannot be connected to from .*refused") as caught:
        listener.session().get_json(f"http://127.0.0.1:{port}/")
    assert caught.value.code == "connection_failed"
    assert len(listener.waits) == 7


def test_connect_timeout_is_told_with_the_workers_address(listener: Listener) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        # A listener whose queue is full leaves further connections without any answer, as a firewall does.
        waiting = [socket.socket() for _ in range(3)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(address)
        session = listener.session(tries=1, connect_seconds=0.3)
        with pytest.raises(
            TransientError, match=r"did not accept a connection from 127\.0\.0\.1 within 0\.3 s"
        ) as caught:
            session.get_json(f"http://127.0.0.1:{address[1]}/")
        for client in waiting:
            client.close()
    assert caught.value.code == "connect_timeout"
    assert "firewall" in caught.value.hint


@pytest.mark.parametrize("fault", [dribble, dribble_headers, stay_silent])
def test_deadline_bounds_the_whole_request(listener: Listener, fault: Any) -> None:
    with scripted_server(fault) as server:
        started = time.monotonic()
        with pytest.raises(TransientError, match=r"did not finish its answer within 0\.5 s") as caught:
            listener.session(tries=1, deadline_seconds=0.5).get_json(server.url)
        assert time.monotonic() - started < 2
    assert caught.value.code == "timeout"


def test_deadline_counts_as_passed_even_if_its_timer_was_slower_than_the_error() -> None:
    deadline = Deadline(0.05, Dialer(Interruption(), 1.0, socket.getaddrinfo))
    with contextlib.suppress(TimeoutError), deadline:
        deadline._timer.cancel()
        time.sleep(0.06)
        raise TimeoutError
    assert deadline.has_passed


@pytest.mark.parametrize("fault", [dribble, dribble_headers, stay_silent])
def test_interruption_from_another_thread_ends_a_request(listener: Listener, fault: Any) -> None:
    with scripted_server(fault) as server:
        threading.Timer(0.3, listener.interruption.request, ["canceled by ada"]).start()
        started = time.monotonic()
        with pytest.raises(Interrupted) as caught:
            listener.session().get_json(server.url)
        assert time.monotonic() - started < 1.3
    assert caught.value.reason == "canceled by ada"
    assert listener.messages == []


def test_interruption_ends_the_wait_for_a_retry(listener: Listener) -> None:
    with scripted_server(reply(429, Retry_After="60")) as server:
        threading.Timer(0.3, listener.interruption.request, ["paused"]).start()
        started = time.monotonic()
        with pytest.raises(Interrupted):
            HttpSession(listener.surroundings).get_json(server.url)
        assert time.monotonic() - started < 1.3


def test_session_sends_nothing_once_interrupted(listener: Listener) -> None:
    listener.interruption.request("shutdown")
    with scripted_server(reply_json([])) as server, pytest.raises(Interrupted):
        listener.session().get_json(server.url)
    assert server.requests == []


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_not_tried_again(listener: Listener, status: int) -> None:
    with scripted_server(reply(status)) as server, pytest.raises(ConfigError) as caught:
        listener.session().get_json(server.url)
    assert caught.value.code == "credentials_refused"
    assert caught.value.message == f"credentials refused by {server.url.removeprefix('http://')} ({status})"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "code", "text"),
    [
        (reply(404), "not_found", "has nothing at /x (404)"),
        (reply(400, b'{"message": "no such thing"}'), "request_refused", '{"message": "no such thing"}'),
        (reply(501), "protocol", "status 501"),
        (reply(304), "protocol", "status 304"),
        (reply(200, b"<html>\n<b>Sign in</b>", "text/html"), "protocol", r"text/html: '<html>\n<b>Sign in</b>'"),
        (reply(200, b"<a/>", "application/xml; charset=x"), "protocol", "expected JSON, got application/xml: '<a/>'"),
        (reply(200, b"a,b\n1,2\n", "text/csv"), "protocol", r"expected JSON, got text/csv: 'a,b\n1,2\n'"),
    ],
)
def test_wrong_answers_are_config_failures(listener: Listener, answer: Any, code: str, text: str) -> None:
    with scripted_server(answer) as server, pytest.raises(ConfigError) as caught:
        listener.session().get_json(f"{server.url}/x")
    assert caught.value.code == code
    assert text in caught.value.message
    assert len(server.requests) == 1


def test_snippet_of_a_wrong_answer_is_short_and_without_secrets(listener: Listener) -> None:
    remember_secret("S3cr3t-CANARY")
    body = b"<html>S3cr3t-CANARY" + b"x" * 1000
    with scripted_server(reply(200, body, "text/html")) as server, pytest.raises(ConfigError) as caught:
        listener.session().get_json(server.url)
    assert "CANARY" not in caught.value.message
    assert "<html>***" in caught.value.message
    assert len(caught.value.message) < 250


@pytest.mark.parametrize("body", [b"[" * 100_000, b"[" + b"9" * 5000 + b"]"])
def test_monstrous_json_is_a_data_failure(listener: Listener, body: bytes) -> None:
    with scripted_server(reply(200, body)) as server, pytest.raises(DataError) as caught:
        listener.session().get_json(server.url)
    assert caught.value.code == "protocol"


def test_bodies_beyond_the_limit_are_cut_off(listener: Listener) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    with scripted_server(reply(200, bomb, Content_Encoding="gzip")) as server, pytest.raises(DataError) as caught:
        listener.session(largest_body=1_000_000).get_json(server.url)
    assert caught.value.code == "answer_too_large"
    assert "1,000,000 bytes" in caught.value.message


def test_damaged_compression_is_transient(listener: Listener) -> None:
    with scripted_server(reply(200, b"no gzip", Content_Encoding="gzip"), reply_json([1])) as server:
        assert listener.session().get_json(server.url)[0] == [1]


def test_redirect_on_the_same_host_is_followed_and_keeps_the_token(listener: Listener) -> None:
    with scripted_server(reply(302, Location="/there?x=1"), reply_json([1])) as server:
        session = listener.session(secret_headers={"X-App-Token": "t0ken"})
        assert session.get_json(f"{server.url}/here", {"a": "b"})[0] == [1]
    assert [path for path, _ in server.requests] == ["/here?a=b", "/there?x=1"]
    assert server.requests[1][1]["X-App-Token"] == "t0ken"


def test_redirect_to_another_port_loses_the_token(listener: Listener) -> None:
    with scripted_server(reply_json([1])) as second, scripted_server(reply(307, Location=f"{second.url}/x")) as first:
        session = listener.session(secret_headers={"X-App-Token": "t0ken"})
        assert session.get_json(first.url)[0] == [1]
    assert "X-App-Token" not in second.requests[0][1]


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost:1/",
        "https://example.org/",
        "//example.org/x",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://user:secret@127.0.0.1/",
    ],
)
def test_redirects_elsewhere_are_refused(listener: Listener, location: str) -> None:
    with scripted_server(reply(302, Location=location)) as server, pytest.raises(ConfigError) as caught:
        listener.session().get_json(server.url)
    assert caught.value.code == "redirect_refused"
    assert "secret" not in caught.value.message
    assert len(server.requests) == 1


def test_redirect_to_a_port_the_guard_does_not_open_is_refused(listener: Listener) -> None:
    with scripted_server(reply_json([])) as second, scripted_server(reply(302, Location=f"{second.url}/x")) as first:
        network.configure([f"127.0.0.1:{first.server_port}"])
        try:
            with pytest.raises(ConfigError) as caught:
                listener.session().get_json(first.url)
        finally:
            network.configure(settings.SYNCDECK_NETWORK_ALLOW)
    assert caught.value.code == "address_refused"
    assert second.requests == []


def test_redirect_loop_ends(listener: Listener) -> None:
    with (
        scripted_server(reply(301, Location="/again")) as server,
        pytest.raises(ConfigError, match="more than 5 times"),
    ):
        listener.session().get_json(server.url)
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "gopher://x/",
        "ftp://x/",
        "http://",
        "http://user:pw-canary@example.org/",
        "http://example.org:0/",
        "http://example.org:70000/",
        "http://example.org:abc/",
        "http://exa mple.org/",
        "http://example.org\\@127.0.0.1/",
        "http://[::1/",
        "example.org",
    ],
)
def test_unusable_urls_are_refused_before_anything_is_sent(listener: Listener, url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        listener.session().get_json(url)
    assert caught.value.code == "bad_url"
    assert "canary" not in caught.value.message


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "tökén-canary €"])
def test_impossible_token_is_a_config_failure_that_does_not_repeat_it(listener: Listener, token: str) -> None:
    with scripted_server(reply_json([])) as server, pytest.raises(ConfigError) as caught:
        listener.session(secret_headers={"X-App-Token": token}).get_json(server.url)
    assert caught.value.code == "bad_request"
    assert "canary" not in str(caught.value)
    assert server.requests == []


def test_rebinding_name_is_never_connected_to_its_second_address(listener: Listener) -> None:
    """The name answers first with a permitted address, then with one that is not: the second is never asked for."""
    questions: list[str] = []

    def resolve(host: str, port: int, **_options: Any) -> list[tuple[Any, ...]]:
        questions.append(host)
        return [(2, 1, 6, "", ("127.0.0.1" if len(questions) == 1 else "127.0.0.2", port))]

    with scripted_server(reply_json([1])) as server:
        network.configure(["127.0.0.1"])
        session = listener.session(resolver=resolve, tries=1)
        try:
            url = f"http://rebind.example:{server.server_port}/"
            assert session.get_json(url)[0] == [1]
            session.close()
            with pytest.raises(ConfigError) as caught:
                session.get_json(url)
        finally:
            network.configure(settings.SYNCDECK_NETWORK_ALLOW)
    assert caught.value.code == "address_refused"
    assert questions == ["rebind.example"] * 2
    assert server.requests[0][1]["Host"] == f"rebind.example:{server.server_port}"
    assert len(server.requests) == 1


def answer_plainly(handler: BaseHTTPRequestHandler) -> None:
    reply_json([1])(handler)


def test_untrusted_certificate_is_a_config_failure(listener: Listener, tmp_path: Path) -> None:
    server = ScriptedServer([answer_plainly])
    with serve_tls(server, tmp_path) as url, pytest.raises(ConfigError) as caught:
        listener.session().get_json(url)
    assert caught.value.code == "tls_failure"
    assert "certificate" in caught.value.hint
    assert listener.waits == []


def test_plain_server_behind_https_is_a_config_failure(listener: Listener) -> None:
    with scripted_server(reply_json([])) as server, pytest.raises(SyncError) as caught:
        listener.session(tries=1).get_json(server.url.replace("http:", "https:"))
    assert caught.value.code == "tls_failure"


def test_tls_is_checked_for_the_name_and_not_for_the_address(
    listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the server's certificate trusted, its own name works and another name for the same address does not."""

    def resolve(_host: str, port: int, **_options: Any) -> list[tuple[Any, ...]]:
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    server = ScriptedServer([answer_plainly])
    with serve_tls(server, tmp_path) as _:
        session = listener.session(resolver=resolve, tries=1)
        session._session.verify = str(tmp_path / "certificate.pem")
        assert session.get_json(f"https://portal.example:{server.server_port}/")[0] == [1]
        with pytest.raises(ConfigError, match=r"other\.example") as caught:
            session.get_json(f"https://other.example:{server.server_port}/")
    assert caught.value.code == "tls_failure"


def test_request_refused_keeps_the_answer(listener: Listener) -> None:
    with scripted_server(reply(400, b'{"code": "x"}')) as server, pytest.raises(RequestRefused) as caught:
        listener.session().get_json(server.url)
    assert caught.value.answer.body == b'{"code": "x"}'
