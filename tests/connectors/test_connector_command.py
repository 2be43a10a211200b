"""`manage.py connector` as its users run it: output, exit codes, and credentials that stay off the command line."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from connectors.models import Connector
from tests.connectors.scripted_server import reply_json, scripted_server

pytestmark = pytest.mark.django_db
CONFIG = '{"base_url": "https://example.org", "datasets": {"a": "aaaa-bbbb"}}'


def run(*arguments: str) -> str:
    output = io.StringIO()
    call_command("connector", *arguments, stdout=output)
    return output.getvalue()


def exit_code_of(*arguments: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    return caught.value.returncode, str(caught.value)


def create(*arguments: str) -> str:
    return run("create", "portal", "--kind", "soda", "--config", CONFIG, *arguments)


def test_created_connector_is_listed() -> None:
    assert "connector test portal" in create("--name", "The portal", "--rate-limit-per-minute", "60")
    connector = Connector.objects.get()
    assert (connector.name, connector.kind, connector.rate_limit_per_minute) == ("The portal", "soda", 60)
    listed = run("list")
    assert "The portal" in listed
    assert "not tested" in listed
    assert "postgres, rest, soda, sqlite" in listed


def test_empty_list_says_how_to_begin() -> None:
    assert "connector create" in run("list")


def test_json_list_shows_that_a_credential_is_set_and_not_what_it_is() -> None:
    create("--credentials", '{"app_token": "env:CHICAGO_API_TOKEN"}')
    listed: dict[str, Any] = json.loads(run("list", "--json"))
    (shown,) = listed["connectors"]
    assert shown["slug"] == "portal"
    assert shown["credentials"] == {"app_token": "set"}
    assert {"kind": "soda", "label": "Socrata open data portal (SODA)", "problem": ""} in listed["kinds"]
    assert "CHICAGO_API_TOKEN" not in json.dumps(listed)


def test_secret_is_read_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"app_token": "stdin-canary"}'))
    created = json.loads(create("--credentials", "-", "--json"))
    assert created["credentials"] == {"app_token": "set"}
    assert Connector.objects.get().credentials.reveal() == {"app_token": "stdin-canary"}


def test_secret_on_the_command_line_is_refused() -> None:
    with pytest.raises(CommandError) as caught:
        create("--credentials", '{"app_token": "argv-canary"}')
    assert caught.value.returncode == 2
    assert "env:NAME" in str(caught.value)
    assert "argv-canary" not in str(caught.value)
    assert not Connector.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("create", "x", "--kind", "soda", "--config", "{"), "--config must be a JSON object"),
        (("create", "x", "--kind", "soda", "--config", "[]"), "--config must be a JSON object"),
        (("create", "x", "--kind", "sdoa"), "kind: there is no connector kind 'sdoa'"),
        (("create", "x", "--kind", "soda"), "config.base_url: is required\nconfig.datasets: is required"),
        (("create", "A b", "--kind", "soda", "--config", CONFIG), "slug: "),
    ],
)
def test_bad_usage_exits_with_2(arguments: tuple[str, ...], text: str) -> None:
    code, message = exit_code_of(*arguments)
    assert code == 2
    assert text in message
    assert not Connector.objects.exists()


def test_second_connector_of_a_name_exits_with_3() -> None:
    create()
    with pytest.raises(CommandError, match="'portal' already") as caught:
        create()
    assert caught.value.returncode == 3


def test_test_of_an_unknown_connector_exits_with_3() -> None:
    code, message = exit_code_of("test", "nowhere")
    assert code == 3
    assert "no connector 'nowhere'; there are: none yet" in message


def test_passed_test_prints_each_step() -> None:
    with scripted_server(reply_json([])) as server:
        run("create", "portal", "--kind", "soda", "--config", CONFIG.replace("https://example.org", server.url))
        printed = run("test", "portal")
        as_json = json.loads(run("test", "portal", "--json"))
    assert printed.count("ok  ") == 5
    assert "read a" in printed
    assert as_json["ok"] is True
    assert [step["name"] for step in as_json["steps"]] == ["resolve", "connect", "log in", "read a", "clock"]


def test_failed_test_exits_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    run("create", "portal", "--kind", "soda", "--config", CONFIG.replace("https://example.org", "http://127.0.0.1:9"))
    output = io.StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("connector", "test", "portal", stdout=output)
    assert caught.value.code == 1
    assert "FAIL connect" in output.getvalue()


@pytest.fixture
def shop(settings: LazySettings) -> Iterator[Connector]:
    path = Path(settings.SYNCDECK_DATA_DIR) / "shown.sqlite3"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE items (sku TEXT PRIMARY KEY, picture BLOB, price REAL, story TEXT)")
        database.execute("INSERT INTO items VALUES ('a', x'00ff', 1.5, ?)", ["long\x1b[2J " * 20])
        database.execute("INSERT INTO items VALUES ('b', NULL, NULL, NULL)")
        database.execute("CREATE VIEW cheap AS SELECT sku FROM items")
    yield Connector.objects.create(slug="shop", kind="sqlite", config={"path": path.name})
    path.unlink()


def test_streams_are_listed_with_what_they_are(shop: Connector) -> None:
    assert run("streams", "shop").split() == ["STREAM", "KIND", "ABOUT", "cheap", "view", "-", "items", "table", "-"]
    told = json.loads(run("streams", "shop", "--json"))
    assert told["streams"][0] == {"name": "cheap", "kind": "view", "estimate": None}


def test_a_sample_shows_fields_and_first_records(shop: Connector) -> None:
    fields, heading, first, second = run("sample", "shop", "items").splitlines()
    assert fields == "sku text, picture binary, price float, story text; key: sku"
    assert heading.split() == ["sku", "picture", "price", "story"]
    assert first.startswith("a")
    assert first.endswith("…")
    assert "\x1b" not in first, "data moves no cursor"
    assert second.split() == ["b", "-", "-", "-"]
    told = json.loads(run("sample", "shop", "items", "--json", "--rows", "1"))
    assert told["key"] == ["sku"]
    assert [(row["sku"], row["picture"], row["price"]) for row in told["rows"]] == [("a", "AP8=", 1.5)]


def test_a_look_that_fails_says_why(shop: Connector) -> None:
    code, text = exit_code_of("sample", "shop", "nothing")
    assert code == 1
    assert "it has: cheap, items" in text
    assert exit_code_of("streams", "nowhere")[0] == 3
