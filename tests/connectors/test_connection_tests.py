"""Connection tests of saved connectors: steps, history, last result, and no secret in any of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.checks import CheckStep
from connectors.connection_tests import KEPT, run_connection_test
from connectors.models import ConnectionTest, Connector
from connectors.soda import SodaConnector
from tests.connectors.scripted_server import reply, reply_json, scripted_server

pytestmark = pytest.mark.django_db


def save_portal(url: str, **values: Any) -> Connector:
    config = {"base_url": url, "datasets": {"places": "plac-es01"}}
    return Connector.objects.create(**({"slug": "portal", "kind": "soda", "config": config} | values))


def test_passed_test_is_kept_with_its_steps() -> None:
    with scripted_server(reply_json([])) as server:
        connector = save_portal(server.url)
        test = run_connection_test(connector)
    assert test.ok
    assert [step["name"] for step in test.steps] == ["resolve", "connect", "log in", "read places", "clock"]
    assert set(test.steps[0]) == {"name", "ok", "milliseconds", "message", "fix"}
    stored = Connector.objects.get()
    assert stored.last_test_ok is True
    assert stored.last_test_message == "all 5 steps passed"
    assert stored.last_tested_at is not None
    assert stored.version == 1
    assert list(stored.tests.all()) == [test]


def test_failed_test_says_which_step_and_why() -> None:
    with scripted_server(reply(403)) as server:
        connector = save_portal(server.url, credentials={"app_token": "wrong-canary-1"})
        test = run_connection_test(connector)
    assert not test.ok
    assert connector.last_test_ok is False
    assert connector.last_test_message.startswith("log in: credentials refused by 127.0.0.1:")
    assert "connection test" in test.steps[-1]["fix"]


def test_connector_that_cannot_even_open_is_a_failed_test() -> None:
    connector = save_portal("https://example.org", credentials={"app_token": "file:/etc/shadow"})
    test = run_connection_test(connector)
    assert [(step["name"], step["ok"]) for step in test.steps] == [("settings", False)]
    assert "outside the folders" in test.steps[0]["message"]


def test_disabled_connector_can_be_tested() -> None:
    with scripted_server(reply_json([])) as server:
        assert run_connection_test(save_portal(server.url, enabled=False)).ok


def test_no_secret_gets_into_the_history() -> None:
    echo = reply(200, b"<html>your token echo-canary-2 is unknown</html>", "text/html")
    with scripted_server(echo) as server:
        test = run_connection_test(save_portal(server.url, credentials={"app_token": "echo-canary-2"}))
    assert not test.ok
    assert "your token *** is unknown" in str(test.steps)
    assert "echo-canary-2" not in str(list(ConnectionTest.objects.values())) + str(list(Connector.objects.values()))


def test_history_keeps_the_latest_results() -> None:
    connector = save_portal("http://127.0.0.1:9")
    other = save_portal("http://127.0.0.1:9", slug="other")
    run_connection_test(other)
    ConnectionTest.objects.bulk_create(
        [ConnectionTest(connector=connector, ok=True, milliseconds=1) for _ in range(KEPT)]
    )
    latest = run_connection_test(connector)
    assert connector.tests.count() == KEPT
    assert connector.tests.first() == latest
    assert other.tests.count() == 1


def test_bug_in_a_kind_is_a_failed_test(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def check(_self: SodaConnector) -> Iterator[CheckStep]:
        yield CheckStep("resolve", True, 1.0, "fine")
        raise ZeroDivisionError

    monkeypatch.setattr(SodaConnector, "check", check)
    test = run_connection_test(save_portal("https://example.org"))
    assert [(step["name"], step["ok"]) for step in test.steps] == [("resolve", True), ("check", False)]
    assert "has a bug" in test.steps[1]["message"]
    assert "ZeroDivisionError" in caplog.text
