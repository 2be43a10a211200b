"""What the sandbox answers as Socrata would: rows and metadata, hit by the faults that are on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from connectors.sandbox.datasets import DatasetSpec
from connectors.sandbox.errors import SodaError
from connectors.sandbox.faults import DELAYING, REPLACING, Fault, live_columns
from connectors.sandbox.messages import Request, Response, error_response, json_response
from connectors.sandbox.queries import answer_query, parse_parameters, query_of_body, query_of_parameters
from connectors.sandbox.soql import Query
from connectors.sandbox.state import Sandbox
from connectors.sandbox.views import view_json

LOGIN_PAGE = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><h1>Please sign in</h1></body></html>\n"


def show_index(sandbox: Sandbox, connection: sqlite3.Connection, _request: Request) -> Response:
    datasets = [
        {
            "name": spec.name,
            "id": spec.id,
            "title": spec.title,
            "description": spec.description,
            "rows": rows_path(spec),
        }
        for spec in sandbox.store.datasets.values()
    ]
    return json_response(
        200, {"sandbox": "Syncdeck", "release": sandbox.store.release(connection), "datasets": datasets}
    )


def rows_path(spec: DatasetSpec) -> str:
    return f"/resource/{spec.id}.json"


def list_views(sandbox: Sandbox, connection: sqlite3.Connection, request: Request) -> Response:
    def answer(faults: list[Fault]) -> Response:
        specs = sandbox.store.datasets.values()
        return json_response(200, [_view(sandbox, connection, spec, faults) for spec in specs])

    return _answer_data(sandbox, request, "", "metadata", answer)


def show_view(sandbox: Sandbox, connection: sqlite3.Connection, request: Request, name: str) -> Response:
    spec = sandbox.store.find(name)

    def answer(faults: list[Fault]) -> Response:
        return json_response(200, _view(sandbox, connection, spec, faults), _notice(spec))

    return _answer_data(sandbox, request, spec.name, "metadata", answer)


def show_rows(sandbox: Sandbox, connection: sqlite3.Connection, request: Request, name: str) -> Response:
    """SODA 2: asked by parameters."""
    return _answer_rows(
        sandbox, connection, request, name, lambda: query_of_parameters(parse_parameters(request.parameters()))
    )


def query_rows(sandbox: Sandbox, connection: sqlite3.Connection, request: Request, name: str) -> Response:
    """SODA 3: asked by a body, and only with an app token."""
    if request.app_token is None:
        raise SodaError(403, "permission_denied", "An app_token is required")
    return _answer_rows(sandbox, connection, request, name, lambda: query_of_body(request.body))


def _answer_rows(
    sandbox: Sandbox, connection: sqlite3.Connection, request: Request, name: str, read: Callable[[], Query]
) -> Response:
    spec = sandbox.store.find(name)

    def answer(faults: list[Fault]) -> Response:
        found = answer_query(connection, spec, live_columns(spec.columns, faults), read())
        updated_at = sandbox.store.rows_updated_at(connection, spec)
        headers = {"Last-Modified": format_datetime(updated_at, usegmt=True)}
        if request.method == "GET":  # in SODA 2 only
            headers |= {"X-SODA2-Fields": json.dumps(found.fields), "X-SODA2-Types": json.dumps(found.types)}
        return Response(200, found.text.encode(), headers | _notice(spec))

    return _answer_data(sandbox, request, spec.name, "rows", answer)


def _view(
    sandbox: Sandbox, connection: sqlite3.Connection, spec: DatasetSpec, faults: list[Fault]
) -> dict[str, object]:
    return view_json(spec, live_columns(spec.columns, faults), sandbox.store.rows_updated_at(connection, spec))


def _notice(spec: DatasetSpec) -> dict[str, str]:
    return {"X-Sandbox-Notice": spec.notice} if spec.notice else {}


def _answer_data(
    sandbox: Sandbox, request: Request, dataset: str, on: str, answer: Callable[[list[Fault]], Response]
) -> Response:
    """The common way of every data request: recorded, token checked, day followed, then hit by the faults."""
    sandbox.record(request)
    sandbox.check_token(request.app_token)
    sandbox.store.follow_the_day()
    faults = sandbox.faults.take(dataset, on)
    replacing = [fault for fault in faults if fault.kind in REPLACING]
    response = _faulty_response(replacing[0]) if replacing else _refusing(answer, faults)
    transit = tuple(fault for fault in faults if fault.kind in DELAYING)
    return replace(response, transit=transit)


def _refusing(answer: Callable[[list[Fault]], Response], faults: list[Fault]) -> Response:
    try:
        return answer([fault for fault in faults if fault.kind not in DELAYING])
    except SodaError as error:
        return error_response(error)


def _faulty_response(fault: Fault) -> Response:
    if fault.kind == "rate_limited":
        limited = SodaError(429, "throttled", "Too many requests; slow down.")
        return json_response(429, limited.to_json(), _retry_after(fault))
    if fault.kind == "server_error":
        return error_response(
            SodaError(fault.status, "internal", "Something has gone wrong with the sandbox, as told.")
        )
    if fault.kind == "html":
        return Response(200, LOGIN_PAGE.encode(), content_type="text/html; charset=utf-8")
    return json_response(200, fault.body)


def _retry_after(fault: Fault) -> dict[str, str]:
    if fault.retry_after is None:
        return {}
    if not fault.http_date:
        return {"Retry-After": str(fault.retry_after)}
    # HTTP dates have whole seconds: one more, so that the wait is never shorter than asked for.
    until = datetime.now(UTC) + timedelta(seconds=fault.retry_after + 1)
    return {"Retry-After": format_datetime(until, usegmt=True)}
