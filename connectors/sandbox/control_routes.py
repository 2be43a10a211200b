"""The control of the sandbox for tests and demonstrations: switches, records, releases. No real portal has it."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict

from connectors.sandbox.errors import invalid_request
from connectors.sandbox.faults import Fault
from connectors.sandbox.messages import Request, Response, json_response
from connectors.sandbox.state import Sandbox


def show_faults(sandbox: Sandbox, _connection: sqlite3.Connection, _request: Request) -> Response:
    return json_response(200, {"faults": sandbox.faults.shown()})


def add_faults(sandbox: Sandbox, connection: sqlite3.Connection, request: Request) -> Response:
    given = request.body if isinstance(request.body, list) else [request.body]
    sandbox.add_faults([Fault.from_json(one) for one in given])
    return show_faults(sandbox, connection, request)


def clear_faults(sandbox: Sandbox, connection: sqlite3.Connection, request: Request) -> Response:
    sandbox.faults.clear()
    return show_faults(sandbox, connection, request)


def change_rows(sandbox: Sandbox, _connection: sqlite3.Connection, request: Request, name: str) -> Response:
    body = _object(request.body, {"upsert", "delete"})
    upserts, deletes = body.get("upsert", []), body.get("delete", [])
    if not isinstance(upserts, list) or not isinstance(deletes, list):
        raise invalid_request("'upsert' and 'delete' are lists.")
    counts = sandbox.store.change(sandbox.store.find(name), upserts, deletes)
    return json_response(200, asdict(counts))


def reset(sandbox: Sandbox, _connection: sqlite3.Connection, _request: Request) -> Response:
    return json_response(200, {name: asdict(counts) for name, counts in sandbox.store.reset().items()})


def show_release(sandbox: Sandbox, connection: sqlite3.Connection, _request: Request) -> Response:
    return json_response(200, {"release": sandbox.store.release(connection)})


def switch_release(sandbox: Sandbox, _connection: sqlite3.Connection, request: Request) -> Response:
    body = _object(request.body, {"release"})
    counts = sandbox.store.switch_release(str(body.get("release")))
    return json_response(200, {name: asdict(one) for name, one in counts.items()})


def _object(body: object, names: set[str]) -> dict[str, object]:
    if not isinstance(body, dict) or set(body) - names:
        raise invalid_request(f"Expected a JSON object with {' and '.join(sorted(names))}.")
    return body
