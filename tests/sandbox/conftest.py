"""A small sandbox over HTTP, quick enough to start for every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from connectors.sandbox.datasets import DatasetSpec
from connectors.sandbox.server import RunningSandbox, running_sandbox

THINGS = DatasetSpec(
    key=("code",),
    columns={
        "code": "text",
        "name": "text",
        "size": "number",
        "made_at": "calendar_date",
        "is_new": "checkbox",
        "place": "point",
    },
    rows=[
        {"code": "a", "name": "Ännchen O'Hare", "size": 10, "made_at": "2026-01-01", "is_new": True},
        {"code": "b", "name": "beta 100%", "size": "9", "made_at": "2026-01-02T10:00:00", "is_new": False},
        {"code": "c", "name": "Beta_2", "size": "-1.5", "place": {"type": "Point", "coordinates": [1, 2]}},
        {"code": "d", "name": "delta*", "size": "9007199254740993", "made_at": "2026-01-03T00:00:00.000"},
        {"code": "e"},
    ],
)

Rows = list[dict[str, object]]
Ask = Callable[..., Rows]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path / "sandbox.sqlite3", datasets={"things": THINGS}) as running:
        yield running


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        yield opened


@pytest.fixture
def ask(sandbox: RunningSandbox, session: requests.Session) -> Ask:
    """Asks for rows of `things`; parameter names are written without their dollar sign."""

    def asked(**clauses: object) -> Rows:
        parameters = {f"${name}": str(value) for name, value in clauses.items()}
        response = session.get(f"{sandbox.url}/resource/things.json", params=parameters, timeout=10)
        assert response.status_code == 200, response.text
        rows: Rows = response.json()
        return rows

    return asked
