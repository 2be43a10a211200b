"""Kind rest: its logins, its ways from page to page, and answers that must never pass for the end or for nothing."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from connectors.errors import ConfigError, DataError, RateLimitedError, SyncError
from connectors.records import CursorRequest, ReadRequest
from connectors.redaction import remember_secret
from connectors.rest import RestConnector
from connectors.surroundings import Surroundings
from tests.connectors.rest_service import RestService, rest_service, stream_settings
from tests.connectors.scripted_server import Answer, reply, reply_json, scripted_server

ITEMS = [
    {
        "id": number,
        "name": None if number % 7 == 3 else f"Item {number}",
        "price": number + 0.5,
        "address": {"city": f"City {number % 3}"},
        "tags": ["a", number],
        "updated_at": f"2026-01-01T00:00:{number:02}Z",
    }
    for number in range(45)
]


@pytest.fixture
def service() -> Iterator[RestService]:
    with rest_service(records={"items": ITEMS, "none": []}) as running:
        yield running


def connector(url: str, *streams: dict[str, Any], secret: str = "", **auth: Any) -> RestConnector:
    config: dict[str, Any] = {"base_url": url, "streams": list(streams)}
    if auth:
        config["auth"] = auth
    RestConnector.check_config(config)
    return RestConnector("service", config, {"secret": secret} if secret else {})


def ids(source: RestConnector, **options: Any) -> list[int]:
    with closing(source):
        batches = source.read(ReadRequest("items", columns=("id",), **options))
        return [row[0] for batch in batches for row in batch.rows]


def refused(url: str, **settings: Any) -> SyncError:
    """What reading the stream `items` there ends with; its first pages may have been given before."""
    source = connector(url, stream_settings("items", settings.pop("way", "offset"), **settings))
    source.http.tries = 1
    with pytest.raises(SyncError) as raised:
        ids(source)
    return raised.value


# 1. Logins.


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        (
            {"kind": "basic", "user": "sync"},
            "Authorization",
            f"Basic {base64.b64encode(b'sync:rest-canary-1').decode()}",
        ),
        ({"kind": "bearer"}, "Authorization", "Bearer rest-canary-1"),
        ({"kind": "header", "header": "X-Key"}, "X-Key", "rest-canary-1"),
    ],
    ids=["basic", "bearer", "header"],
)
def test_login_goes_with_every_request_and_a_wrong_one_is_refused(
    service: RestService, auth: dict[str, str], header: str, value: str
) -> None:
    service.wanted = {header: value}
    assert ids(connector(service.url, stream_settings("items", "page"), secret="rest-canary-1", **auth)) == [*range(45)]
    with pytest.raises(ConfigError) as raised:
        ids(connector(service.url, stream_settings("items", "page"), secret="rest-canary-2", **auth))
    assert raised.value.code == "credentials_refused"


@pytest.mark.parametrize("in_body", [False, True])
def test_token_is_fetched_once_and_anew_when_it_is_refused_amid_a_run(service: RestService, in_body: bool) -> None:
    service.client, service.token_uses = ("sync", "rest-canary-3"), 2
    auth = {"kind": "oauth2", "token_url": f"{service.url}/token", "client_id": "sync", "client_in_body": in_body}
    refusals: list[str] = []
    config = {"base_url": service.url, "auth": auth, "streams": [stream_settings("items", "link", size=10)]}
    source = RestConnector("service", config, {"secret": "rest-canary-3"}, Surroundings(note_refusal=refusals.append))
    assert ids(source, batch_size=10) == [*range(45)]
    assert len(service.tokens) == 3, "six requests (one looks at the fields) with tokens that are good for two"
    assert refusals == []


def test_token_is_not_used_beyond_its_life(service: RestService) -> None:
    service.client, service.lifetime = ("sync", "rest-canary-3"), 0
    auth = {"kind": "oauth2", "token_url": f"{service.url}/token", "client_id": "sync"}
    assert ids(connector(service.url, stream_settings("items", "page"), secret="rest-canary-3", **auth)) == [*range(45)]
    assert len(service.tokens) == 5
    assert set(service.tokens.values()) == {service.token_uses - 1}


def test_client_that_gets_no_token_is_told_without_its_secret(service: RestService) -> None:
    service.client = ("sync", "another")
    auth = {"kind": "oauth2", "token_url": f"{service.url}/token", "client_id": "sync"}
    source = connector(service.url, stream_settings("items", "page"), secret="rest-canary-4", **auth)
    with closing(source):
        steps = list(source.check())
    assert [(step.name, step.ok) for step in steps] == [("resolve", True), ("connect", True), ("log in", False)]
    assert "gives this client no token" in steps[-1].message
    assert "rest-canary-4" not in str(steps)


def test_token_that_is_echoed_is_shown_nowhere(service: RestService) -> None:
    service.client = ("sync", "rest-canary-5")
    auth = {"kind": "oauth2", "token_url": f"{service.url}/token", "client_id": "sync"}
    source = connector(service.url, stream_settings("items", "page"), secret="rest-canary-5", **auth)
    service.instead = [lambda handler: reply_json({"error": handler.headers["Authorization"]})(handler)]
    with pytest.raises(ConfigError) as raised:
        ids(source)
    (token,) = service.tokens
    assert token not in raised.value.message
    assert "***" in raised.value.message


def test_address_of_tokens_is_guarded_like_any_other() -> None:
    auth = {"kind": "oauth2", "token_url": "http://169.254.169.254/token", "client_id": "sync"}
    with pytest.raises(ConfigError) as raised:
        connector("https://api.example.com", stream_settings("items", "page"), **auth)
    assert raised.value.code == "address_refused"


# 2. Records.


def test_fields_are_found_by_path_and_judged_by_a_sample(service: RestService) -> None:
    fields = [
        {"name": "id"},
        {"name": "city", "path": "address.city"},
        {"name": "tags"},
        {"name": "price"},
        {"name": "id_text", "path": "id", "type": "text"},
    ]
    source = connector(service.url, stream_settings("items", "page", key=["id"], fields=fields))
    with closing(source):
        schema = source.schema("items")
        assert [(field.name, field.type) for field in schema.fields] == [
            ("id", "bigint"), ("city", "text"), ("tags", "json"), ("price", "decimal"), ("id_text", "text"),
        ]  # fmt: skip
        record = source.get("items", {"id": 4})
    assert dict(record or {}) == {"id": 4, "city": "City 1", "tags": '["a", 4]', "price": 4.5, "id_text": 4}


def test_start_of_a_cursor_is_sent_where_the_server_knows_it(service: RestService) -> None:
    known = [{"field": "updated_at", "operator": "ge", "parameter": "since"}]
    fields = [{"name": "id", "type": "integer"}, {"name": "updated_at", "type": "datetime"}]
    source = connector(service.url, stream_settings("items", "offset", fields=fields, filters=known))
    cursor = CursorRequest("updated_at", "2026-01-01T00:00:40Z")
    assert ids(source, cursor=cursor) == [40, 41, 42, 43, 44]
    assert service.server is not None
    assert all("since=2026-01-01T00%3A00%3A40" in path for path, _ in service.server.requests)


def test_stream_without_records_and_fields_says_so(service: RestService) -> None:
    source = connector(service.url, stream_settings("none", "page"))
    with closing(source), pytest.raises(DataError, match="has no record") as raised:
        source.schema("none")
    assert raised.value.code == "no_fields"


# 3. Answers that are none.


def page(*numbers: int, **more: Any) -> Answer:
    return reply_json({"data": {"items": [{"id": number} for number in numbers]}, **more})


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (reply(200, b"<html>please log in</html>", "text/html"), "expected JSON, got text/html"),
        (reply_json({"error": "quota", "data": {"items": []}}), "answered with an error"),
        (reply_json({"message": "maintenance"}), "has no list of records at 'data.items'"),
        (reply_json({"data": {"items": None}}), "has no list of records"),
        (reply_json({"data": {"items": [1, 2]}}), "has no list of records"),
        (reply_json(None), "has no list of records"),
    ],
    ids=["html", "error", "other object", "null", "no objects", "nothing"],
)
def test_answer_without_records_never_passes_for_an_empty_stream(answer: Answer, told: str) -> None:
    with scripted_server(answer) as server:
        error = refused(server.url)
    assert error.code == "protocol"
    assert told in error.message


FIELDS = [{"name": "id", "type": "integer"}]


@pytest.mark.parametrize(
    ("way", "answers", "told"),
    [
        ("page", [page(1, 2)], "the same page twice"),
        ("cursor", [page(1, next="a"), page(2, next="b"), page(3, next="a"), page(4, next="b")], "twice|in a circle"),
        ("next_url", [page(links={"next": "/next_url/items?again"})], "in a circle"),
        (
            "next_url",
            [page(1, links={"next": "https://elsewhere.example/items"})],
            "elsewhere.example, which is not asked",
        ),
        ("cursor", [page(1, next={"a": 1})], "can not be asked for"),
        ("offset", [page(1, 2, total=5), page(total=5)], "told of 5 records and sent 2"),
    ],
    ids=["same page", "cursors in a circle", "one address", "other server", "no cursor", "too few"],
)
def test_pages_that_lead_nowhere_are_noticed(way: str, answers: list[Answer], told: str) -> None:
    with scripted_server(*answers) as server:
        error = refused(server.url, way=way, fields=FIELDS)
    assert error.code == "protocol"
    assert re.search(told, error.message)


def test_link_to_another_server_gets_no_credentials() -> None:
    with scripted_server(page(9)) as other:
        link = {"Link": f'<{other.url}/items>; rel="next"'}
        with scripted_server(reply(200, b'{"data": {"items": [{"id": 1}]}}', **link)) as server:
            error = refused(server.url, way="link", fields=FIELDS)
        assert error.code == "protocol"
        assert other.requests == []


def test_empty_page_amid_others_is_not_the_end_and_short_pages_neither() -> None:
    answers = [page(1, next="a"), page(next="b"), page(2, 3, next="c"), page(4, next=None)]
    with scripted_server(*answers) as server:
        assert ids(connector(server.url, stream_settings("items", "cursor", fields=FIELDS))) == [1, 2, 3, 4]
    with scripted_server(page(1, 2, 3), page(4), page(5, 6), page()) as server:
        assert ids(connector(server.url, stream_settings("items", "offset", fields=FIELDS))) == [1, 2, 3, 4, 5, 6]
        assert [path.partition("skip=")[2].split("&")[0] for path, _ in server.requests] == ["0", "3", "4", "6"]


def test_404_behind_the_last_page_ends_it_only_where_that_is_said() -> None:
    settings = stream_settings("items", "page", fields=FIELDS)
    with scripted_server(page(1, 2), reply(404)) as server:
        assert refused(server.url, way="page", fields=FIELDS).code == "not_found"
    settings["paging"]["ends_with_404"] = True
    with scripted_server(page(1, 2), reply(404)) as server:
        assert ids(connector(server.url, settings)) == [1, 2]
    with scripted_server(reply(404)) as server, pytest.raises(ConfigError, match="404"):
        ids(connector(server.url, settings))


def test_busy_server_is_left_alone_for_as_long_as_it_says() -> None:
    waits: list[float] = []
    with scripted_server(reply(429, Retry_After="7"), page(1), page()) as server:
        source = connector(server.url, stream_settings("items", "page", fields=FIELDS))
        source.http._sleep = waits.append
        assert ids(source) == [1]
        assert waits == [7.0]
    with scripted_server(reply(429, Retry_After="7")) as server:
        error = refused(server.url, fields=FIELDS)
    assert isinstance(error, RateLimitedError)
    assert error.retry_after == 7


def test_page_that_changed_or_shrank_meanwhile_is_not_gone_on_with(service: RestService) -> None:
    source = connector(service.url, stream_settings("items", "page"))
    request = ReadRequest("items", columns=("id",), batch_size=7)
    position = next(iter(source.read(request))).position
    service.records["items"] = ITEMS[1:]
    with closing(source), pytest.raises(ConfigError) as raised:
        list(source.read(ReadRequest("items", columns=("id",), position=position)))
    assert raised.value.code == "source_changed"


def test_address_with_a_secret_is_kept_in_no_position() -> None:
    following = {"links": {"next": "/next_url/items?key=rest-canary-6"}}
    with scripted_server(page(1, **following), page(2, links={})) as server:
        source = connector(
            server.url, stream_settings("items", "next_url", fields=FIELDS), secret="rest-canary-6", kind="bearer"
        )
        remember_secret("rest-canary-6")
        with closing(source):
            batches = list(source.read(ReadRequest("items")))
    assert [batch.position for batch in batches] == [None, None]
    assert "rest-canary-6" not in str(batches)


# 4. Settings.


@pytest.mark.parametrize(
    ("settings", "auth", "told"),
    [
        ({"paging": {"kind": "cursor", "parameter": "after"}}, {}, "want the setting 'next'"),
        ({"paging": {"kind": "page"}}, {}, "want the setting 'parameter'"),
        ({}, {"kind": "oauth2", "client_id": "sync"}, "wants the setting 'token_url'"),
        ({}, {"kind": "basic"}, "wants the setting 'user'"),
    ],
)
def test_settings_that_lack_something_are_refused(settings: dict[str, Any], auth: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        connector("https://api.example.com", {"name": "items", "path": "/items"} | settings, **auth)


def test_key_that_is_no_field_is_named(service: RestService) -> None:
    source = connector(service.url, stream_settings("items", "page", key=["number"]))
    with closing(source), pytest.raises(ConfigError, match="no field 'number'"):
        source.schema("items")


def test_position_at_another_server_is_not_gone_to(service: RestService) -> None:
    with scripted_server(page(1)) as other, closing(connector(service.url, stream_settings("items", "link"))) as source:
        position = {"at": f"{other.url}/link/items", "size": 20, "skip": 0, "last": None}
        with pytest.raises(ConfigError) as raised:
            list(source.read(ReadRequest("items", position=position)))
        assert other.requests == []
    assert raised.value.code == "bad_position"
