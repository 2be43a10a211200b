"""A limit of what a run may read is also one of what it asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from tests.connectors.scripted_server import ScriptedServer, scripted_server
from tests.streams.conftest import counts, run
from tests.streams.lying_portal import ID, PAGE, LyingPortal
from tests.streams.test_lying_sources import said_of

pytestmark = pytest.mark.parametrize("target", ["sqlite"], indirect=True)


@pytest.fixture
def server(target: str) -> Iterator[ScriptedServer]:
    with scripted_server(LyingPortal().answer) as server:
        config = {"base_url": server.url, "datasets": {"items": ID}, "page_size": PAGE}
        save_connector(connector_from_shape({"slug": "source", "kind": "soda", "config": config}))
        yield server


def pages_asked_for(server: ScriptedServer) -> int:
    return sum("%24limit" in path for path, _ in server.requests)


@pytest.mark.parametrize(
    ("limit", "status", "read", "pages"),
    [({}, "finished", 24, 3), ({"max_rows": 5}, "error", 0, 1), ({"max_bytes": 500}, "error", 0, 1)],
    ids=["none", "records", "bytes"],
)
def test_nothing_is_asked_for_beyond_a_limit(
    target: str, server: ScriptedServer, limit: dict[str, Any], status: str, read: int, pages: int
) -> None:
    stream = {"source": "items", "target": "items", "key": ["code"], "mode": "upsert"} | limit
    shape = {"slug": "items", "name": "Items", "source_connector": "source", "target_connector": target}
    job_type = save_job_type(job_type_from_shape(shape | {"config": {"streams": [stream]}}), actor="test")
    job = run(job_type)
    assert job.status == status, said_of(job)
    assert counts(job).get("read", 0) == read
    assert pages_asked_for(server) == pages
