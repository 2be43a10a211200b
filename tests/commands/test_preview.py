"""`manage.py sync preview`: real records before and after, told to people and to programs."""

from __future__ import annotations

import pytest

from connectors.sandbox.server import RunningSandbox
from syncjobs.operations import default_jobs
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from tests.commands.conftest import Ask


@pytest.fixture(autouse=True)
def default_types(transactional_db: None, source: RunningSandbox) -> None:
    """Three of the default jobs, over a small portal."""
    portal = default_jobs.CHICAGO_DATA_PORTAL
    config = portal["config"] | {"base_url": source.url.rstrip("/")}
    save_connector(connector_from_shape(portal | {"config": config, "credentials": {}}))
    save_connector(connector_from_shape(default_jobs.EMBEDDED_WAREHOUSE))
    for shape in default_jobs.JOB_TYPES[:3]:
        save_job_type(job_type_from_shape(shape), actor="test")


def test_preview_tells_planned_columns_each_record_and_what_would_be_null(ask: Ask) -> None:
    told = ask("sync", "preview", "full_refresh", "--stream", "people", "--rows", "2")
    assert told.code == 0, told.errors
    lines = told.output.splitlines()
    assert lines[0] == "people > people, key crash_record_id, person_id"
    assert lines[1].split() == ["FIELD", "TYPE", "EMPTY", "FROM"]
    assert lines[2].split() == ["crash_record_id", "text", "never", "crash_record_id"]
    assert [line.split() for line in lines if line.startswith("  city ")] == [["city", '"n/a"', "null"]] * 2
    assert lines[-1] == ("2 records read, 0 would be rejected; 2 values of age would be null. Nothing was written.")


def test_preview_of_one_record_is_told_in_the_singular(ask: Ask) -> None:
    told = ask("sync", "preview", "full_refresh", "--stream", "fatalities", "--rows", "1")
    assert told.output.splitlines()[-1] == (
        "1 record read, 0 would be rejected; 1 value of latitude would be null. Nothing was written."
    )


def test_preview_answers_programs_in_one_object(ask: Ask) -> None:
    told = ask("sync", "preview", "full_refresh", "--stream", "crashes", "--rows", "1", "--json").json
    assert (told["type"], told["source"], told["target"], told["key"]) == (
        "full_refresh",
        "crashes",
        "crashes",
        ["crash_record_id"],
    )
    assert told["fields"][0] == {
        "name": "crash_record_id",
        "type": "text",
        "nullable": False,
        "from": ["crash_record_id"],
    }
    (record,) = told["records"]
    assert record["reject"] is None
    assert (record["before"]["street_name"], record["after"]["street_name"]) == ("  LAKE   SHORE DR ", "LAKE SHORE DR")
    assert record["after"]["crash_date"] == "2026-11-21T05:30:00Z"
    assert told["nulled"] == {"longitude": 1}


def test_preview_tells_which_streams_there_are_and_refuses_too_many_rows(ask: Ask) -> None:
    told = ask("sync", "preview", "full_refresh")
    assert told.code == 2
    assert "stream: say which stream; choose crashes, people, vehicles or fatalities" in told.errors
    assert ask("sync", "preview", "nothing").code == 3
    for rows in ("0", "201", "many"):
        told = ask("sync", "preview", "full_refresh", "--rows", rows)
        assert (told.code, f"'{rows}' is not a number from 1 to 200" in told.errors) == (2, True)
