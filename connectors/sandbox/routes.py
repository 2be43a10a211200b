"""Which function answers which address, and how a refusal looks."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable

from connectors.sandbox.control_routes import (
    add_faults,
    change_rows,
    clear_faults,
    reset,
    show_faults,
    show_release,
    switch_release,
)
from connectors.sandbox.data_routes import list_views, query_rows, show_index, show_rows, show_view
from connectors.sandbox.errors import SandboxError, SodaError, invalid_request
from connectors.sandbox.messages import Request, Response, error_response
from connectors.sandbox.state import Sandbox

Handler = Callable[..., Response]
ROUTES: tuple[tuple[str, re.Pattern[str], Handler], ...] = tuple(
    (method, re.compile(pattern), handler)
    for method, pattern, handler in (
        ("GET", r"/", show_index),
        ("GET", r"/resource/([^/]+?)(?:\.json)?", show_rows),
        ("POST", r"/api/v3/views/([^/]+)/query(?:\.json)?", query_rows),
        ("GET", r"/api/views(?:\.json)?", list_views),
        ("GET", r"/api/views/([^/]+?)(?:\.json)?", show_view),
        ("GET", r"/sandbox/faults", show_faults),
        ("POST", r"/sandbox/faults", add_faults),
        ("DELETE", r"/sandbox/faults", clear_faults),
        ("PATCH", r"/sandbox/datasets/([^/]+)/rows", change_rows),
        ("POST", r"/sandbox/reset", reset),
        ("GET", r"/sandbox/release", show_release),
        ("POST", r"/sandbox/release", switch_release),
    )
)


def respond(sandbox: Sandbox, connection: sqlite3.Connection, request: Request) -> Response:
    """Never raises for a wrong request: every refusal is a JSON answer."""
    try:
        handler, names = find_route(request)
        return handler(sandbox, connection, request, *names)
    except SodaError as error:
        return error_response(error)
    except SandboxError as error:
        return error_response(invalid_request(str(error)))


def find_route(request: Request) -> tuple[Handler, tuple[str, ...]]:
    """Raises SodaError: 404 for an unknown address, 405 for a known one asked in the wrong way."""
    matches = [
        (method, handler, found) for method, pattern, handler in ROUTES if (found := pattern.fullmatch(request.path))
    ]
    for method, handler, found in matches:
        if method == request.method:
            return handler, found.groups()
    if matches:
        raise SodaError(405, "method_not_allowed", f"{request.path} does not take {request.method}.")
    raise SodaError(404, "not_found", f"There is nothing at {request.path}.")
