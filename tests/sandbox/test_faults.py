"""Every switch for a fault, over real HTTP."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pytest
import requests

from connectors.sandbox.errors import SodaError
from connectors.sandbox.faults import Fault
from connectors.sandbox.server import RunningSandbox
from tests.sandbox.conftest import Ask


def get(sandbox: RunningSandbox, path: str = "/resource/things.json", **parameters: str) -> requests.Response:
    return requests.get(f"{sandbox.url}{path}", params=parameters, timeout=10)


def test_rate_limited_answers_429_so_many_times_and_then_ends(sandbox: RunningSandbox) -> None:
    sandbox.set_faults(Fault("rate_limited", retry_after=7, times=2))
    answers = [get(sandbox) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "7"
    assert answers[0].json()["error"] is True
    assert "Retry-After" not in answers[2].headers


def test_rate_limited_can_name_a_date_or_nothing(sandbox: RunningSandbox) -> None:
    sandbox.set_faults(Fault("rate_limited", retry_after=60, http_date=True, times=1))
    until = parsedate_to_datetime(get(sandbox).headers["Retry-After"])
    assert 58 <= (until - datetime.now(UTC)).total_seconds() <= 62
    sandbox.set_faults(Fault("rate_limited", retry_after=None))
    assert "Retry-After" not in get(sandbox).headers


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_error_answers_the_chosen_status(sandbox: RunningSandbox, status: int) -> None:
    sandbox.set_faults(Fault("server_error", status=status))
    assert get(sandbox).status_code == status
    sandbox.clear_faults()
    assert get(sandbox).status_code == 200


def test_slow_waits_before_the_answer(sandbox: RunningSandbox) -> None:
    sandbox.set_faults(Fault("slow", seconds=0.3))
    started = time.monotonic()
    assert len(get(sandbox).json()) == 5
    assert time.monotonic() - started >= 0.3


def test_slow_body_sends_in_pieces_with_pauses(sandbox: RunningSandbox) -> None:
    whole = get(sandbox).content
    sandbox.set_faults(Fault("slow_body", seconds=0.1, chunk_bytes=len(whole) // 3 + 1))
    started = time.monotonic()
    with requests.get(f"{sandbox.url}/resource/things.json", stream=True, timeout=10) as response:
        headed = time.monotonic() - started
        assert response.content == whole
    assert time.monotonic() - started >= 0.2 > headed


def test_truncated_promises_more_bytes_than_it_sends(sandbox: RunningSandbox) -> None:
    whole = get(sandbox).content
    sandbox.set_faults(Fault("truncated", times=1))
    address = urlsplit(sandbox.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(b"GET /resource/things.json HTTP/1.1\r\nHost: sandbox\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(whole)}".encode() in head
    assert body == whole[: len(whole) // 2]
    assert get(sandbox).content == whole


def test_html_answers_a_login_page_with_status_200(sandbox: RunningSandbox) -> None:
    sandbox.set_faults(Fault("html"))
    answer = get(sandbox)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "Please sign in" in answer.text


@pytest.mark.parametrize("body", [{"error": {"code": "x", "message": "y"}}, None, [], {"rows": []}])
def test_error_object_answers_any_json_with_status_200(sandbox: RunningSandbox, body: object) -> None:
    sandbox.set_faults(Fault("error_object", body=body))
    answer = get(sandbox)
    assert (answer.status_code, answer.json()) == (200, body)


def test_a_dropped_column_is_gone_from_rows_metadata_and_queries(sandbox: RunningSandbox, ask: Ask) -> None:
    sandbox.set_faults(Fault("dropped_column", dataset="things", column="name"))
    assert all("name" not in row for row in ask())
    assert len(ask()) == 5
    assert '"name"' not in get(sandbox).headers["X-SODA2-Fields"]
    columns = get(sandbox, "/api/views/things.json").json()["columns"]
    assert [column["fieldName"] for column in columns] == ["code", "size", "made_at", "is_new", "place"]
    refused = get(sandbox, **{"$where": "name is null"})
    assert refused.json()["errorCode"] == "query.soql.no-such-column"
    sandbox.clear_faults()
    assert any("name" in row for row in ask())


def test_a_retyped_column_shows_its_new_type_and_compares_by_it(sandbox: RunningSandbox, ask: Ask) -> None:
    sandbox.set_faults(Fault("retyped_column", dataset="things", column="size", type="text"))
    columns = {one["fieldName"]: one for one in get(sandbox, "/api/views/things.json").json()["columns"]}
    assert columns["size"]["dataTypeName"] == "text"
    assert [row["code"] for row in ask(where="size > '1'", order="size")] == ["a", "b", "d"]
    assert ask(where="code = 'a'")[0]["size"] == "10"
    assert get(sandbox, **{"$where": "size > 1"}).status_code == 400


def test_a_column_retyped_to_number_loses_what_is_no_number(sandbox: RunningSandbox, ask: Ask) -> None:
    sandbox.change_rows("things", [{"code": "a", "name": "12"}])
    sandbox.set_faults(Fault("retyped_column", dataset="things", column="name", type="number"))
    assert {row["code"]: row.get("name") for row in ask()} == {"a": "12", "b": None, "c": None, "d": None, "e": None}


def test_an_added_column_comes_with_a_value_in_every_row(sandbox: RunningSandbox, ask: Ask) -> None:
    sandbox.set_faults(Fault("added_column", dataset="things", column="colour", type="number"))
    assert {row["colour"] for row in ask(where="colour = 1")} == {"1"}
    columns = get(sandbox, "/api/views/things.json").json()["columns"]
    assert (columns[-1]["fieldName"], columns[-1]["dataTypeName"]) == ("colour", "number")


def test_a_fault_waits_for_its_dataset_its_kind_of_request_and_its_turn(sandbox: RunningSandbox) -> None:
    sandbox.set_faults(Fault("server_error", dataset="things", on="rows", after=2, times=1))
    assert [get(sandbox, "/api/views/things.json").status_code for _ in range(4)] == [200] * 4
    assert [get(sandbox).status_code for _ in range(4)] == [200, 200, 500, 200]


def test_faults_are_switched_over_http(sandbox: RunningSandbox) -> None:
    url = f"{sandbox.url}/sandbox/faults"
    dataset_id = get(sandbox, "/api/views/things.json").json()["id"]
    switched = requests.post(url, json={"kind": "server_error", "status": 503, "dataset": dataset_id}, timeout=10)
    assert switched.status_code == 200
    assert get(sandbox).status_code == 503
    (shown,) = requests.get(url, timeout=10).json()["faults"]
    assert (shown["kind"], shown["dataset"], shown["status"], shown["seen"]) == ("server_error", "things", 503, 1)
    assert requests.delete(url, timeout=10).json() == {"faults": []}
    assert get(sandbox).status_code == 200


@pytest.mark.parametrize(
    ("fault", "part"),
    [
        ({"kind": "earthquake"}, "There is no fault 'earthquake'"),
        ({"status": 500}, "A fault is an object with a 'kind'."),
        ({"kind": "slow", "second": 1}, "A fault has no field 'second'"),
        ({"kind": "server_error", "status": 200}, "500, 502, 503 or 504"),
        ({"kind": "slow", "seconds": "long"}, "'seconds'"),
        ({"kind": "slow", "times": 0}, "'times'"),
        ({"kind": "dropped_column", "column": "name"}, "needs a 'dataset' and a 'column'"),
        ({"kind": "added_column", "dataset": "things", "column": "x", "type": "colour"}, "no type 'colour'"),
        ({"kind": "slow", "dataset": "nowhere"}, "There is no dataset 'nowhere'; the sandbox serves things."),
    ],
)
def test_a_wrong_switch_is_refused_with_a_sentence(
    sandbox: RunningSandbox, fault: dict[str, object], part: str
) -> None:
    refused = requests.post(f"{sandbox.url}/sandbox/faults", json=fault, timeout=10)
    assert refused.status_code == 400
    assert part in refused.json()["message"]
    assert get(sandbox).status_code == 200


def test_a_wrong_switch_is_refused_in_python_too() -> None:
    with pytest.raises(SodaError, match="There is no fault 'flood'"):
        Fault("flood")
