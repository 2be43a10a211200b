"""Whole jobs from a REST service to SQLite and PostgreSQL: by cursor, with tokens that run out, without a leak."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from tests.connectors.rest_service import RestService, rest_service, stream_settings
from tests.connectors.scripted_server import reply_json
from tests.streams.conftest import counts, rows_of, run

SECRET = "rest-sync-canary"
FIELDS = [
    {"name": "code", "type": "text"},
    {"name": "city", "type": "text", "path": "address.city"},
    {"name": "price", "type": "decimal"},
    {"name": "updated_at", "type": "datetime"},
]


def record(number: int, day: int = 1) -> dict[str, Any]:
    """A record as the service has it."""
    address = {"city": f"Zürich {number} 🛬"}
    at = f"2026-01-{day:02}T00:00:{number:02}Z"
    return {"code": f"C{number:03}", "address": address, "price": "0.10", "updated_at": at}


@pytest.fixture
def service() -> Iterator[RestService]:
    with rest_service(records={"items": [record(number) for number in range(25)]}) as running:
        yield running


def rest_type(service: RestService, target: str, way: str, **stream: Any) -> SyncJobType:
    known = [{"field": "updated_at", "operator": "ge", "parameter": "since"}]
    settings = stream_settings("items", way, size=10, key=["code"], fields=FIELDS, filters=known)
    auth = {"kind": "oauth2", "token_url": f"{service.url}/token", "client_id": "sync"}
    config = {"base_url": service.url, "auth": auth, "streams": [settings]}
    shape = {"slug": "source", "kind": "rest", "config": config, "credentials": {"secret": SECRET}}
    save_connector(connector_from_shape(shape))
    one = {"source": "items", "target": "items", "key": ["code"], "mode": "mirror", "extent": "full"} | stream
    wanted: dict[str, Any] = {
        "slug": "items",
        "name": "Items",
        "source_connector": "source",
        "target_connector": target,
    }
    wanted |= {"max_retries": 0, "config": {"streams": [one]}}
    return save_job_type(job_type_from_shape(wanted), actor="test")


def said_of(job: SyncJob) -> str:
    lines = job.logs.values_list("message", flat=True)
    return "\n".join([*lines, job.error_message or "", str(job.failure)])


def test_mirror_goes_through_with_tokens_that_run_out(service: RestService, target: str) -> None:
    service.client, service.token_uses = ("sync", SECRET), 2
    job_type = rest_type(service, target, "link")
    assert (job := run(job_type)).status == "finished", said_of(job)
    assert counts(job) == {"read": 25, "inserted": 25}
    assert rows_of(job_type)["C007"]["city"] == "Zürich 7 🛬"
    assert len(service.tokens) > 1
    service.records["items"][3:5] = []
    assert counts(again := run(job_type)) == {"read": 23, "unchanged": 23, "deleted": 2}, said_of(again)
    for token in (*service.tokens, SECRET):
        assert token not in said_of(job) + said_of(again)


def test_incremental_run_asks_for_what_is_new_only(service: RestService, target: str) -> None:
    service.client = ("sync", SECRET)
    options = {"mode": "upsert", "extent": "incremental", "cursor": {"field": "updated_at", "overlap_seconds": 0}}
    job_type = rest_type(service, target, "offset", **options)
    assert counts(first := run(job_type)) == {"read": 25, "inserted": 25}, said_of(first)
    service.records["items"] += [record(30, day=2), record(31, day=2)]
    service.records["items"][0] = record(0, day=3)
    again = run(job_type)
    assert again.status == "finished", said_of(again)
    assert (counts(again)["inserted"], counts(again)["updated"]) == (2, 1)
    assert counts(again)["read"] <= 4
    assert service.server is not None
    assert "since=2026-01-01" in service.server.requests[-1][0]


def test_error_object_ends_a_mirror_that_would_delete_all(service: RestService, target: str) -> None:
    service.client = ("sync", SECRET)
    job_type = rest_type(service, target, "page")
    run(job_type)
    service.instead = [lambda handler: reply_json({"error": handler.headers["Authorization"]})(handler)] * 9
    failed = run(job_type)
    assert (failed.status, (failed.failure or {}).get("code")) == ("failed", "protocol")
    assert len(rows_of(job_type)) == 25
    assert not any(token in said_of(failed) for token in service.tokens)
