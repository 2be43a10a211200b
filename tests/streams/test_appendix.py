"""The public shapes of the design's appendix: they validate, they run, and a job reads exactly so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import ValidationError
from django.core.management import call_command

from connectors.sandbox.datasets import DatasetSpec, four_by_four
from connectors.sandbox.server import RunningSandbox, running_sandbox
from syncjobs.models import SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from tests.appendix import AIRPORTS_TYPE, CONNECTORS, WAREHOUSE

COLUMNS = {"icao": "text", "name": "text", "country": "text", "lat": "number", "elevation": "number"}
AIRPORTS: list[dict[str, object]] = [
    {"icao": "KJFK", "name": "Idlewild", "country": "US", "lat": "40.6", "elevation": "13"},
    {"icao": " KLXV ", "name": "Lake County", "country": "US", "lat": "99", "elevation": "9934"},
    {"icao": "EDDB", "name": "Berlin", "country": "DE", "lat": "52.4", "elevation": "157"},
]
LEADVILLE = {"icao": "KLXV", "lat": None, "label": "Lake County ( KLXV )", "source": "airportsdata", "size": "high"}
JOB_KEYS = [
    *(
        "id",
        "title",
        "job_type",
        "status",
        "phase",
        "next_step",
        "operation",
        "dry_run",
        "trigger_type",
        "attempt",
        "retry_count",
    ),
    *("max_retries", "retry_after", "queue", "timeout", "source_document_type", "source_document_name"),
    *("target_document_type", "target_document_name", "context", "counts", "nulled", "stripped", "reconnects"),
    *("bytes_read", "records_per_second"),
    *("bytes_per_second", "idle_time_ms", "emit_event_time_ms", "created_at", "started_at", "ended_at", "time_taken"),
    *("failure", "error_message", "wait_reason", "parent", "children_summary", "diff_summary", "allowed_actions"),
]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sandbox(tmp_path: Path, settings: LazySettings) -> Iterator[RunningSandbox]:
    dataset = DatasetSpec(key=("icao",), columns=COLUMNS, rows=AIRPORTS)
    with running_sandbox(tmp_path / "source.sqlite3", datasets={"airports": dataset}) as running:
        config = {"base_url": running.url.rstrip("/"), "datasets": {"airports": four_by_four("airports")}}
        save_connector(connector_from_shape({"slug": "sandbox", "kind": "soda", "config": config}))
        yield running
    for path in Path(settings.SYNCDECK_DATA_DIR).glob("warehouse.sqlite3*"):
        path.unlink()


@pytest.mark.parametrize("shape", CONNECTORS, ids=lambda shape: shape["slug"])
def test_connector_shape_validates_and_is_saved(shape: dict[str, Any]) -> None:
    connector = save_connector(connector_from_shape(shape))
    assert (connector.slug, connector.name, connector.config) == (shape["slug"], shape["slug"], shape["config"])


def test_type_shape_validates_and_its_job_reads_exactly_as_promised(
    sandbox: RunningSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    save_connector(connector_from_shape(WAREHOUSE))
    job_type = save_job_type(job_type_from_shape(AIRPORTS_TYPE), actor="test")
    call_command("sync", "run", "airports", "--inline", "--json")
    job = json.loads(capsys.readouterr().out)
    assert list(job) == JOB_KEYS
    assert job["title"] == "Airports: sandbox/airports > warehouse/airports"
    assert (job["status"], job["trigger_type"], job["attempt"]) == ("finished", "cli", 1)
    assert job["counts"] == {
        "read": 2,
        "inserted": 2,
        "updated": 0,
        "deleted": 0,
        "unchanged": 0,
        "skipped": 0,
        "rejected": 0,
        "duplicates": 0,
    }
    assert (job["source_document_type"], job["target_document_type"]) == ("sandbox/airports", "warehouse/airports")
    assert (job["diff_summary"], job["failure"], job["allowed_actions"]) == (
        {"inserted": 2},
        None,
        ["restart", "delete"],
    )
    assert row_of_leadville(job_type) == LEADVILLE


def row_of_leadville(job_type: SyncJobType) -> dict[str, Any]:
    assert job_type.target_connector is not None
    target = job_type.target_connector.open()
    try:
        row = target.get("airports", {"icao": "KLXV"})
    finally:
        target.close()
    return dict(row or {})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"queue": "slow"}, "There is no queue 'slow'"),
        ({"controller": "os.system"}, "not a registered controller"),
        ({"config": {"streams": []}}, "streams"),
        ({"config": {"streams": [{"source": "a", "target": "b", "mode": "upsert"}]}}, "key"),
        ({"config": {"streams": [{"source": "a", "target": "b", "key": ["c"], "mode": "merge"}]}}, "mode"),
        ({"config": {"streams": [{"source": "a", "target": "b", "key": ["c"], "batchsize": 5}]}}, "batchsize"),
        ({"guards": {"max_deleets": 5}}, "max_deleets"),
        ({"retry_delay": 99_999}, "3600"),
        ({"slug": "../../x"}, "slug"),
        ({"target_connector": "sandbox"}, "can only be read from"),
    ],
)
def test_type_with_a_mistake_is_refused_with_its_name(
    sandbox: RunningSandbox, change: dict[str, Any], words: str
) -> None:
    save_connector(connector_from_shape(WAREHOUSE))
    with pytest.raises(ValidationError) as refusal:
        save_job_type(job_type_from_shape(AIRPORTS_TYPE | change), actor="test")
    assert words in str(refusal.value)


def test_unknown_connector_or_field_of_a_type_is_refused_with_its_name(sandbox: RunningSandbox) -> None:
    with pytest.raises(ValidationError, match="no connector 'warehouse'"):
        job_type_from_shape(AIRPORTS_TYPE)
    with pytest.raises(ValidationError, match="sorce_connector"):
        job_type_from_shape({"slug": "a", "sorce_connector": "sandbox"})
