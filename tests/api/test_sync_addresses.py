"""`sync/…`: with and without prefix and slash the same, over the default job types."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from syncjobs.models import SyncJob
from syncjobs.operations.seeds import seed_defaults
from tests.api.conftest import Api, error_of

PLACES = [(start, end) for start in ("/api/v1/sync/", "/sync/") for end in ("", "/")]


@pytest.fixture
def seeded(api: Api) -> Api:
    seed_defaults(actor="tests")
    return api


def test_trigger_starts_one_job_of_full_refresh_at_each_of_its_addresses(seeded: Api) -> None:
    body = {"endpoints": ["crashes"], "start_date": "2026-01-01", "end_date": "2026-01-31", "batch_size": 1000}
    for number, place in enumerate(PLACES, start=1):
        response = seeded.client.post(f"{place[0]}trigger{place[1]}", body, content_type="application/json")
        job = response.json()
        assert (response.status_code, job["job_type"], job["trigger_type"]) == (202, "full_refresh", "api")
        (stream,) = job["config_snapshot"]["config"]["streams"]
        assert (stream["source"], stream["batch_size"]) == ("crashes", 1000)
        assert SyncJob.objects.count() == number


def test_looking_needs_neither_prefix_nor_slash(seeded: Api) -> None:
    for start, end in PLACES:
        for name in ("status", "endpoints"):
            assert seeded.client.get(f"{start}{name}{end}").status_code == 200


def test_unknown_endpoint_is_refused_with_the_list(seeded: Api) -> None:
    error = error_of(seeded.post("sync/trigger/", {"endpoints": ["trains"]}))
    assert "crashes" in " ".join(error["fields"]["config"])


def test_unknown_field_is_refused(seeded: Api) -> None:
    assert error_of(seeded.post("sync/trigger/", {"batchsize": 7}))["code"] == "unknown_field"


def test_without_a_token_nothing_is_told(db: None, client: Any) -> None:
    for address in ("/sync/trigger", "/sync/status", "/sync/test/"):
        response = client.post(address, {}, content_type="application/json")
        assert response.status_code in (401, 405)
    assert client.get("/sync/status").status_code == 401


def test_endpoints_tell_what_trigger_takes(seeded: Api) -> None:
    told = seeded.get("sync/endpoints/").json()["endpoints"]
    assert [row["name"] for row in told] == ["crashes", "people", "vehicles", "fatalities"]
    assert told[0] == {
        "name": "crashes",
        "dataset": "85ca-t3if",
        "target": "crashes",
        "key": ["crash_record_id"],
        "window_field": "crash_date",
    }


def test_status_tells_active_and_last_jobs(seeded: Api) -> None:
    assert seeded.get("sync/status/").json() == {"is_running": False, "active": [], "last": None}
    job = seeded.post("sync/trigger/").json()
    told = seeded.get("sync/status/").json()
    assert ([row["id"] for row in told["active"]], told["is_running"]) == ([job["id"]], False)
    SyncJob.objects.update(status="started")
    assert seeded.get("sync/status/").json()["is_running"] is True
    seeded.post(f"jobs/{job['id']}/cancel/")
    SyncJob.objects.update(status="canceled", ended_at="2026-01-01T00:00:00Z")
    assert seeded.get("sync/status/").json()["last"]["id"] == job["id"]


def test_counts_are_those_of_the_target(seeded: Api, settings: LazySettings) -> None:
    path = Path(settings.SYNCDECK_DATA_DIR) / "warehouse.sqlite3"
    with closing(sqlite3.connect(path)) as warehouse, warehouse:
        warehouse.execute("CREATE TABLE crashes (crash_record_id TEXT)")
        warehouse.executemany("INSERT INTO crashes VALUES (?)", [("a",), ("b",)])
    try:
        counts = {row["endpoint"]: row for row in seeded.get("sync/counts/").json()["counts"]}
    finally:
        path.unlink()
    assert counts["crashes"]["records"] == 2
    assert counts["people"]["records"] is None
    assert "people" in counts["people"]["problem"]


def test_test_tells_its_steps(seeded: Api) -> None:
    """The source cannot be reached from here: the answer says where it ended, and how to go on."""
    told = seeded.post("sync/test/").json()
    assert told["connector"] == "chicago-data-portal"
    assert {"name", "ok", "milliseconds", "message", "fix"} == set(told["steps"][0])
    assert told["ok"] is all(step["ok"] for step in told["steps"])


def test_missing_default_type_is_404(api: Api) -> None:
    assert api.post("sync/trigger/").status_code == 404
