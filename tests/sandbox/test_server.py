"""The sandbox as a server: tokens, control over HTTP, many clients at once, and a prompt clean stop."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from connectors.sandbox.errors import SandboxError
from connectors.sandbox.faults import Fault
from connectors.sandbox.server import RunningSandbox, running_sandbox
from tests.sandbox.conftest import THINGS


def test_a_required_app_token_is_taken_from_header_or_query(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "s.sqlite3", datasets={"things": THINGS}, app_token="right") as sandbox:
        url = f"{sandbox.url}/resource/things.json"
        refused = requests.get(url, headers={"X-App-Token": "wröng".encode()}, timeout=10)
        assert refused.status_code == 403
        assert refused.json()["errorCode"] == "permission_denied"
        assert requests.get(f"{sandbox.url}/api/views/things.json", timeout=10).status_code == 403
        assert requests.get(url, headers={"X-App-Token": "right"}, timeout=10).status_code == 200
        assert requests.get(url, params={"$$app_token": "right"}, timeout=10).status_code == 200
        assert [request.app_token for request in sandbox.requests][-2:] == ["right", "right"]


def test_any_app_token_passes_where_none_is_required(sandbox: RunningSandbox) -> None:
    url = f"{sandbox.url}/resource/things.json"
    assert requests.get(url, headers={"X-App-Token": "whatever"}, timeout=10).status_code == 200


def test_data_requests_are_recorded_and_control_requests_are_not(sandbox: RunningSandbox) -> None:
    requests.get(f"{sandbox.url}/sandbox/faults", timeout=10)
    requests.get(f"{sandbox.url}/resource/things.json?$limit=1", timeout=10)
    requests.get(f"{sandbox.url}/api/views/things.json", timeout=10)
    assert [(one.method, one.target) for one in sandbox.requests] == [
        ("GET", "/resource/things.json?$limit=1"),
        ("GET", "/api/views/things.json"),
    ]


def test_rows_are_changed_and_reset_over_http(sandbox: RunningSandbox) -> None:
    rows_url = f"{sandbox.url}/resource/things.json?$select=count(*)"
    control = f"{sandbox.url}/sandbox/datasets/things/rows"
    body = {"upsert": [{"code": "x", "size": 1}, {"code": "a", "size": 2}], "delete": ["b"]}
    assert requests.patch(control, json=body, timeout=10).json() == {"inserted": 1, "updated": 1, "deleted": 1}
    assert requests.patch(control, json={"upsert": [{"code": "y"}]}, timeout=10).json()["inserted"] == 1
    assert requests.get(rows_url, timeout=10).json() == [{"count": "6"}]
    assert requests.post(f"{sandbox.url}/sandbox/reset", timeout=10).json() == {
        "things": {"inserted": 1, "updated": 1, "deleted": 2}
    }
    assert requests.get(rows_url, timeout=10).json() == [{"count": "5"}]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PATCH", "/sandbox/datasets/things/rows", {"upsert": [{"code": "x", "colour": "red"}]}, 400),
        ("PATCH", "/sandbox/datasets/things/rows", {"upsert": [{"name": "no key"}]}, 400),
        ("PATCH", "/sandbox/datasets/things/rows", {"insert": []}, 400),
        ("PATCH", "/sandbox/datasets/things/rows", {"delete": "a"}, 400),
        ("PATCH", "/sandbox/datasets/things/rows", [], 400),
        ("PATCH", "/sandbox/datasets/nothing/rows", {}, 404),
        ("POST", "/sandbox/release", {"release": "next"}, 400),
        ("POST", "/resource/things.json", {}, 405),
        ("GET", "/nowhere", None, 404),
        ("OPTIONS", "/resource/things.json", None, 501),
    ],
)
def test_a_wrong_request_gets_a_json_answer(
    sandbox: RunningSandbox, method: str, path: str, body: object, status: int
) -> None:
    answer = requests.request(method, f"{sandbox.url}{path}", json=body, timeout=10)
    assert answer.status_code == status
    assert answer.json()["error"] is True
    assert requests.get(f"{sandbox.url}/resource/things.json?$select=count(*)", timeout=10).json() == [{"count": "5"}]


def test_a_foreign_page_cannot_turn_switches_by_posting_text(sandbox: RunningSandbox) -> None:
    text = '{"kind": "server_error"}'
    refused = requests.post(
        f"{sandbox.url}/sandbox/faults", data=text, headers={"Content-Type": "text/plain"}, timeout=10
    )
    assert refused.status_code == 415
    assert requests.get(f"{sandbox.url}/resource/things.json", timeout=10).status_code == 200


def test_a_kept_connection_answers_without_the_nagle_stall(sandbox: RunningSandbox, session: requests.Session) -> None:
    started = time.monotonic()
    for _ in range(50):
        assert session.get(f"{sandbox.url}/resource/things.json", timeout=10).status_code == 200
    assert time.monotonic() - started < 50 * 0.04


def test_head_has_the_headers_without_the_body(sandbox: RunningSandbox, session: requests.Session) -> None:
    url = f"{sandbox.url}/resource/things.json"
    assert session.head(url, timeout=10).headers["Content-Length"] == str(len(session.get(url, timeout=10).content))


def test_many_clients_read_while_rows_change(sandbox: RunningSandbox) -> None:
    def count_rows(_number: int) -> int:
        return len(requests.get(f"{sandbox.url}/resource/things.json", timeout=30).json())

    with ThreadPoolExecutor(8) as pool:
        counted = pool.map(count_rows, range(80))
        for number in range(20):
            sandbox.change_rows("things", [{"code": f"more {number}"}])
        assert all(5 <= count <= 25 for count in counted)
    assert count_rows(0) == 25


def test_a_stop_ends_waiting_and_idle_connections_at_once(tmp_path: Path) -> None:
    fault = Fault("slow", seconds=60)
    threads_before = threading.active_count()
    failures: list[Exception] = []
    with (
        running_sandbox(tmp_path / "s.sqlite3", datasets={"things": THINGS}) as sandbox,
        requests.Session() as idle,
        ThreadPoolExecutor(1) as pool,
    ):
        idle.get(f"{sandbox.url}/resource/things.json", timeout=10)
        sandbox.set_faults(fault)

        def wait_for_the_slow_answer() -> None:
            try:
                requests.get(f"{sandbox.url}/resource/things.json", timeout=50)
            except requests.ConnectionError as error:
                failures.append(error)

        waiting = pool.submit(wait_for_the_slow_answer)
        while len(sandbox.requests) < 2:
            time.sleep(0.01)
        started = time.monotonic()
        sandbox.stop()
        waiting.result(timeout=10)
    assert time.monotonic() - started < 5
    assert len(failures) == 1
    assert threading.active_count() == threads_before


def test_a_taken_port_is_a_clear_sentence(sandbox: RunningSandbox, tmp_path: Path) -> None:
    port = int(sandbox.url.rsplit(":", 1)[1])
    with pytest.raises(SandboxError, match=f"cannot listen on 127.0.0.1:{port} .*--host or --port"):  # noqa: SIM117
        with running_sandbox(tmp_path / "other.sqlite3", datasets={"things": THINGS}, port=port):
            pass
