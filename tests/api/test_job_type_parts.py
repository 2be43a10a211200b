"""What belongs to a type, by a program: a look at real records, cursors, columns of the source."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from syncjobs.clock import db_now
from syncjobs.models import SchemaSnapshot, StreamCursor, SyncJob, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import save_job_type
from syncjobs.operations.jobs import cancel_job
from tests.api.conftest import STREAM, Api, MakeApi, error_of, make_job_type

ROWS = [("KJFK", "Kennedy", "40.6"), ("KLAX ", None, "-91"), (" ", "Nowhere", "1"), ("KBAD", "Bad", "north")]
MAPPING: list[dict[str, Any]] = [
    {"to": "icao", "from": "icao", "required": True, "transforms": [{"op": "strip"}]},
    {"to": "lat", "from": "lat", "type": "float", "transforms": [{"op": "bounds", "min": -90, "outside": "null"}]},
]
PREVIEW = "job-types/looked-at/preview/"


@pytest.fixture
def looked_at(settings: LazySettings, db: None) -> Iterator[SyncJobType]:
    """A type over a file of four airports."""
    path = Path(settings.SYNCDECK_DATA_DIR) / "api-previewed.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE airports (icao TEXT PRIMARY KEY, name TEXT, lat TEXT)")
        connection.executemany("INSERT INTO airports VALUES (?, ?, ?)", ROWS)
    connection.close()
    for slug, name in (("from", path.name), ("to", "api-never-made.sqlite3")):
        save_connector(connector_from_shape({"slug": slug, "kind": "sqlite", "config": {"path": name}}))
    config = {"streams": [STREAM | {"mapping": MAPPING}], "masked_fields": ["lat"]}
    yield make_job_type("looked-at", source_connector="from", target_connector="to", config=config)
    path.unlink()
    assert not path.with_name("api-never-made.sqlite3").exists()


def config_of(**stream: Any) -> dict[str, Any]:
    return {"config": {"streams": [STREAM | {"mapping": MAPPING} | stream]}}


def test_saved_type_is_previewed_with_masks_and_an_error_for_each_record(api: Api, looked_at: SyncJobType) -> None:
    response = api.post(PREVIEW)
    assert response.status_code == 200, response.content
    told = response.json()
    assert (told["source"], told["target"], told["key"], told["nulled"]) == (
        "airports",
        "airports",
        ["icao"],
        {"lat": 1},
    )
    assert [one["from"] for one in told["fields"]] == [["icao"], ["lat"]]
    rows = {row["before"]["icao"]: row for row in told["records"]}
    assert rows["KLAX "]["after"] == {"icao": "KLAX", "lat": None}
    assert rows["KJFK"]["after"] == {"icao": "KJFK", "lat": "••••"}
    assert (rows["KBAD"]["after"], rows["KBAD"]["reject"]["field"]) == (None, "lat")
    assert "north" not in response.content.decode()
    assert rows[" "]["reject"]["code"] == "required"


def test_unsaved_config_is_previewed_and_takes_no_mask_off(api: Api, looked_at: SyncJobType) -> None:
    renamed = [*MAPPING, {"to": "label", "template": "{name} ({icao})"}]
    told = api.post(PREVIEW, config_of(mapping=renamed) | {"rows": 3}).json()
    *others, record = told["records"]
    assert len(others) == 2
    assert record["before"].keys() == {"icao", "name", "lat"}
    assert (record["before"]["lat"], record["reject"]) == ("••••", None)
    assert record["after"] == {"icao": "KJFK", "lat": "••••", "label": "Kennedy (KJFK)"}
    looked_at.refresh_from_db()
    assert looked_at.version == 1
    assert "label" not in str(looked_at.config)


def test_preview_that_can_not_be_is_refused_by_its_path(api: Api, looked_at: SyncJobType) -> None:
    wrong = api.post(PREVIEW, config_of(mapping=[{"to": "icao", "from": "ocean"}]))
    assert wrong.status_code == 400
    (sentence,) = error_of(wrong)["fields"]["config"]
    assert sentence.startswith("streams[0].mapping[0]")
    assert "'ocean'" in sentence
    for body, field in (
        ({"stream": "trains"}, "stream"),
        ({"rows": 0}, "rows"),
        ({"rows": 10**6}, "rows"),
        ({"source_connector": "nowhere"}, "source_connector"),
        ({"config": {}}, "stream"),
        ({"config": {"streams": [7]}}, "config"),
        ({"slug": "x"}, "slug"),
    ):
        response = api.post(PREVIEW, body)
        assert (response.status_code, list(error_of(response)["fields"])) == (400, [field]), body


def test_source_that_is_not_there_is_told_as_such(api: Api, looked_at: SyncJobType, settings: LazySettings) -> None:
    save_connector(connector_from_shape({"slug": "gone", "kind": "sqlite", "config": {"path": "api-gone.sqlite3"}}))
    response = api.post(PREVIEW, {"source_connector": "gone"})
    assert response.status_code in (400, 502)
    assert error_of(response)["code"] not in ("internal", "invalid")


@pytest.fixture
def ledger(job_type: SyncJobType) -> list[StreamCursor]:
    """Two entries of the stream airports, the older one first; the type reads it incrementally."""
    job_type.config["streams"][0] |= {"extent": "incremental", "cursor": {"field": "name"}}
    save_job_type(job_type, actor="anna")
    shared: dict[str, Any] = {"job_type": job_type, "stream": "airports", "field": "name", "created_at": db_now()}
    pairs = ((None, "A"), ("A", "B"))
    return [StreamCursor.objects.create(old=old, new=new, rows=25, **shared) for old, new in pairs]


def test_cursor_is_read_and_set_back_to_an_entry_or_the_start(api: Api, ledger: list[StreamCursor]) -> None:
    (told,) = api.get("job-types/airports/cursor/").json()["streams"]
    assert (told["stream"], told["at"], [one["new"] for one in told["entries"]]) == ("airports", "B", ["B", "A"])
    added = api.post("job-types/airports/cursor/", {"entry": ledger[0].pk, "reason": "a bad day"})
    assert added.status_code == 200, added.content
    fields = ("old", "new", "job", "actor", "reason")
    assert [added.json()[name] for name in fields] == ["B", "A", None, "anna", "a bad day"]
    assert api.post("job-types/airports/cursor/", {"entry": None}).json()["new"] is None
    (told,) = api.get("job-types/airports/cursor/", limit=1).json()["streams"]
    assert (told["at"], len(told["entries"])) == (None, 1)


def test_rewind_that_can_not_be_is_refused(api: Api, ledger: list[StreamCursor], make_api: MakeApi) -> None:
    def refusal(body: dict[str, Any]) -> tuple[int, str]:
        response = api.post("job-types/airports/cursor/", body)
        return response.status_code, error_of(response)["code"]

    assert refusal({}) == (400, "invalid"), "the start is only gone back to where somebody says so"
    assert refusal({"entry": 2**40}) == (400, "refused")
    assert refusal({"entry": "start"}) == (400, "invalid")
    assert refusal({"entry": None, "stream": "trains"}) == (400, "refused")
    job = api.post("job-types/airports/start/").json()["id"]
    assert refusal({"entry": None}) == (409, "conflict")
    cancel_job(job, actor="anna")
    assert StreamCursor.objects.count() == 2
    viewer = make_api("view_syncjobtype")
    assert viewer.get("job-types/airports/cursor/").status_code == 200
    assert viewer.post("job-types/airports/cursor/", {"entry": None}).status_code == 403


def test_columns_that_stopped_a_run_are_read_and_accepted(api: Api, queued: SyncJob) -> None:
    now = db_now()
    SchemaSnapshot.objects.create(
        job_type=queued.job_type, stream="airports", job=queued, fields=[["icao", "text"]], differences={},
        is_accepted=False, first_seen_at=now, seen_at=now,
    )  # fmt: skip
    (told,) = api.get("job-types/airports/schemas/").json()["schemas"]
    assert (told["stream"], told["is_accepted"], told["job"]) == ("airports", False, queued.pk)
    assert api.post("job-types/airports/schemas/accept/", {"stream": "trains"}).status_code == 404
    (accepted,) = api.post("job-types/airports/schemas/accept/").json()["schemas"]
    assert (accepted["is_accepted"], accepted["accepted_by"]) == (True, "anna")
    assert api.post("job-types/airports/schemas/accept/").status_code == 404
