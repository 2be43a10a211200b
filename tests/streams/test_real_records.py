"""Real crash records of the City of Chicago through the default job's mapping; skips where the sample is absent."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.sandbox import crashes
from connectors.sandbox.datasets import DatasetSpec, four_by_four
from connectors.sandbox.server import RunningSandbox, running_sandbox
from syncjobs.models import JobLog, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.default_jobs import ZONE, stream_of
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from tests.isolation import CHECKOUT
from tests.streams.conftest import counts, rows_of, run

SAMPLE = CHECKOUT.parent / "shared" / "data" / "chicago_crashes_sample.json"
CHICAGO = ZoneInfo(ZONE)
MEANINGLESS = {"", "NULL", "N/A", "UNKNOWN", "UNK"}


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    """The 499 records as the city's portal answers them."""
    if not SAMPLE.is_file():
        pytest.skip(f"NO REAL RECORDS: {SAMPLE.name} is not in ../shared/data, so only generated ones are tested.")
    loaded: list[dict[str, Any]] = json.loads(SAMPLE.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture
def source(records: list[dict[str, Any]], tmp_path: Path) -> Iterator[RunningSandbox]:
    dataset = DatasetSpec(key=("crash_record_id",), columns=crashes.COLUMNS, rows=records)
    with running_sandbox(tmp_path / "source.sqlite3", datasets={"crashes": dataset}) as sandbox:
        yield sandbox


@pytest.fixture
def job_type(source: RunningSandbox, target: str) -> SyncJobType:
    datasets = {"crashes": four_by_four("crashes")}
    config = {"base_url": source.url.rstrip("/"), "datasets": datasets, "time_zone": ZONE}
    save_connector(connector_from_shape({"slug": "source", "kind": "soda", "config": config}))
    stream = stream_of("crashes", days=30, extent="full") | {"target": "items"}
    shape = {"slug": "crashes", "source_connector": "source", "target_connector": target}
    return save_job_type(job_type_from_shape(shape | {"config": {"streams": [stream]}}), actor="test")


def local(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=CHICAGO).astimezone(dt.UTC)


def test_real_records_arrive_cleaned_and_at_the_right_moment(
    job_type: SyncJobType, records: list[dict[str, Any]]
) -> None:
    job = run(job_type)
    assert (job.status, counts(job)) == ("finished", {"read": 499, "inserted": 499}), job.failure
    rows = rows_of(job_type, key="crash_record_id")
    assert rows.keys() == {record["crash_record_id"] for record in records}
    for record in records:
        row = rows[record["crash_record_id"]]
        assert row["crash_date"] == local(record["crash_date"])
        assert (row["latitude"] is None) == ("latitude" not in record or not 41.6 <= float(record["latitude"]) <= 42.1)
        weather = record.get("weather_condition", "").strip()
        assert row["weather_condition"] == (None if weather.upper() in MEANINGLESS else " ".join(weather.split()))


def test_second_run_over_real_records_finds_nothing_to_do(job_type: SyncJobType, source: RunningSandbox) -> None:
    run(job_type)
    assert counts(run(job_type)) == {"read": 499, "unchanged": 499}
    source.change_rows("crashes", [{"crash_record_id": first_key(job_type), "damage": "OVER $9,000"}])
    assert counts(run(job_type)) == {"read": 499, "updated": 1, "unchanged": 498}


def test_positions_outside_the_city_become_null_and_are_counted(
    job_type: SyncJobType, source: RunningSandbox, records: list[dict[str, Any]]
) -> None:
    at_null_island = {"crash_record_id": records[0]["crash_record_id"], "latitude": "0", "longitude": "0"}
    at_the_lake = {"crash_record_id": records[1]["crash_record_id"], "damage": " n/a ", "longitude": "-87.4999"}
    source.change_rows("crashes", [at_null_island, at_the_lake])
    job = run(job_type)
    assert (job.status, counts(job)) == ("finished", {"read": 499, "inserted": 499}), job.failure
    rows = rows_of(job_type, key="crash_record_id")
    first, second = (rows[record["crash_record_id"]] for record in records[:2])
    assert (first["latitude"], first["longitude"]) == (None, None)
    assert (second["longitude"], second["damage"]) == (None, None)
    assert second["latitude"] == float(records[1]["latitude"])
    told = [log.message for log in JobLog.objects.filter(job=job) if "to null" in log.message]
    assert sorted(told) == [
        "Finished: read 499, inserted 499, updated 0, unchanged 0; set to null: latitude 1, longitude 2",
        "Set 1 value of latitude to null, outside its bounds or lookup or not finite",
        "Set 2 values of longitude to null, outside its bounds or lookup or not finite",
    ]


def first_key(job_type: SyncJobType) -> str:
    return min(rows_of(job_type, key="crash_record_id"))
