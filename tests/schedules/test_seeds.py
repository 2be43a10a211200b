"""What an installation begins with, and that seeding again respects what people did since."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings

from connectors.models import Connector
from syncjobs.models import JobTypeVersion, Schedule, SyncJob, SyncJobType
from syncjobs.operations import default_jobs
from syncjobs.operations.connectors import save_connector
from syncjobs.operations.job_types import save_job_type
from syncjobs.operations.schedules import delete_schedule, describe_schedule
from syncjobs.operations.seeds import seed_defaults, seed_demo

pytestmark = pytest.mark.django_db(transaction=True)

SANDBOX = "http://127.0.0.1:18000"
WAREHOUSE_URL = "postgresql://sync:pa%2Fss@127.0.0.1:5433/house?sslmode=require"


def everything() -> dict[str, Any]:
    return {
        "connectors": {found.slug: (found.version, found.kind, found.config) for found in Connector.objects.all()},
        "types": {found.slug: (found.version, found.snapshot()) for found in SyncJobType.objects.all()},
        "versions": JobTypeVersion.objects.count(),
        "schedules": {str(found): (found.pk, describe_schedule(found)) for found in Schedule.objects.all()},
    }


def streams_of(slug: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = SyncJobType.objects.get(slug=slug).config["streams"]
    return found


def test_defaults_are_those_of_the_design() -> None:
    seed_defaults(actor="test")
    types = {found.slug: found for found in SyncJobType.objects.all()}
    assert {slug: (found.enabled, found.timeout, found.max_retries) for slug, found in types.items()} == {
        "full_refresh": (False, 18_000, 1),
        "last_30_days_crashes": (True, 3600, 3),
        "last_30_days_people": (True, 3600, 3),
        "last_30_days_vehicles": (True, 3600, 3),
        "last_6_months_fatalities": (True, 1800, 3),
    }
    keys = {stream["source"]: stream["key"] for stream in streams_of("full_refresh")}
    assert keys == {
        "crashes": ["crash_record_id"],
        "people": ["crash_record_id", "person_id"],
        "vehicles": ["crash_unit_id"],
        "fatalities": ["person_id"],
    }
    assert streams_of("last_30_days_people")[0]["window"] == {"field": "crash_date", "days": 30}
    assert streams_of("last_6_months_fatalities")[0]["window"] == {"field": "crash_date", "days": 180}
    portal, warehouse = Connector.objects.order_by("slug")
    assert portal.config["base_url"] == "https://data.cityofchicago.org"
    assert portal.credentials.reveal() == {"app_token": "env:CHICAGO_API_TOKEN"}
    assert (warehouse.kind, warehouse.config) == ("sqlite", {"path": "warehouse.sqlite3"})


def test_daily_and_weekly_types_have_their_schedules() -> None:
    seed_defaults(actor="test")
    words = {found.job_type.slug: describe_schedule(found) for found in Schedule.objects.all()}
    assert words == {
        "last_30_days_crashes": "Every day at 04:10 America/Chicago",
        "last_30_days_people": "Every day at 04:20 America/Chicago",
        "last_30_days_vehicles": "Every day at 04:30 America/Chicago",
        "last_6_months_fatalities": "Every Sunday at 04:40 America/Chicago",
    }


def test_seeding_again_changes_nothing_and_says_nothing() -> None:
    assert seed_defaults(actor="test")
    seed_demo(SANDBOX, actor="test")
    before = everything()
    assert seed_defaults(actor="test") == []
    assert seed_demo(SANDBOX, actor="test") == []
    assert everything() == before


def test_what_was_deleted_stays_deleted() -> None:
    seed_defaults(actor="test")
    SyncJobType.objects.get(slug="full_refresh").delete()
    delete_schedule(Schedule.objects.get(job_type__slug="last_30_days_people"), actor="test")
    before = everything()
    assert seed_defaults(actor="test") == []
    assert everything() == before


def test_what_was_edited_stays_so_while_untouched_defaults_follow_a_new_release(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seed_defaults(actor="test")
    edited = SyncJobType.objects.get(slug="full_refresh")
    edited.timeout = 60
    save_job_type(edited, actor="anna")
    SyncJobType.objects.filter(slug="last_30_days_people").update(description="By other means.")
    newer = [shape | {"retry_delay": 77} for shape in default_jobs.JOB_TYPES]
    monkeypatch.setattr(default_jobs, "JOB_TYPES", newer)
    told = seed_defaults(actor="test")
    assert told == [
        "Brought the job type last_30_days_crashes up to date.",
        "Brought the job type last_30_days_vehicles up to date.",
        "Brought the job type last_6_months_fatalities up to date.",
    ]
    delays = dict(SyncJobType.objects.values_list("slug", "retry_delay"))
    assert (delays["last_30_days_crashes"], delays["full_refresh"], delays["last_30_days_people"]) == (77, 30, 30)
    assert SyncJobType.objects.get(slug="full_refresh").timeout == 60
    assert JobTypeVersion.objects.filter(job_type__slug="last_30_days_crashes").count() == 2
    assert seed_defaults(actor="test") == []


def test_somebodys_own_warehouse_is_used_and_not_replaced() -> None:
    own = Connector(slug="warehouse", kind="sqlite", config={"path": "mine.sqlite3"})
    save_connector(own)
    seed_defaults(actor="test")
    assert Connector.objects.get(slug="warehouse").config == {"path": "mine.sqlite3"}
    assert SyncJobType.objects.get(slug="full_refresh").target_connector == own


def test_warehouse_follows_the_environment_until_it_is_edited(settings: LazySettings) -> None:
    seed_defaults(actor="test")
    settings.WAREHOUSE_URL = WAREHOUSE_URL
    assert seed_defaults(actor="test") == ["Brought the connector warehouse up to date."]
    warehouse = Connector.objects.get(slug="warehouse")
    assert warehouse.kind == "postgres"
    expected = {"host": "127.0.0.1", "port": 5433, "dbname": "house", "user": "sync", "sslmode": "require"}
    assert warehouse.config == expected
    assert warehouse.credentials.reveal() == {"password": "pa/ss"}
    settings.WAREHOUSE_URL = WAREHOUSE_URL.replace("pa%2Fss", "fresh-one")
    assert seed_defaults(actor="test") == ["Brought the connector warehouse up to date."]
    warehouse.refresh_from_db()
    assert warehouse.credentials.reveal() == {"password": "fresh-one"}
    save_connector(warehouse)
    settings.WAREHOUSE_URL = ""
    assert seed_defaults(actor="test") == []


def test_a_warehouse_out_of_bounds_is_left_out_with_what_needs_it_until_that_is_mended(
    settings: LazySettings,
) -> None:
    settings.WAREHOUSE_URL = "postgresql://sync:secret-word@10.1.2.3/house"
    told = seed_defaults(actor="test")
    assert told[0] == "Made the connector chicago-data-portal."
    assert told[1].startswith("Left out the connector warehouse: ")
    assert "SYNCDECK_NETWORK_ALLOW" in told[1]
    assert "secret-word" not in " ".join(told)
    assert all(sentence.endswith("There is no connector 'warehouse'.") for sentence in told[2:])
    settings.WAREHOUSE_URL = ""
    assert "Made the job type full_refresh." in seed_defaults(actor="test")


def test_demo_moves_only_the_address_of_its_sandbox() -> None:
    seed_defaults(actor="test")
    assert seed_demo(SANDBOX, actor="test") == ["Made the connector sandbox.", "Made the job type airports."]
    sandbox = Connector.objects.get(slug="sandbox")
    sandbox.config |= {"page_size": 500}
    save_connector(sandbox)
    assert seed_demo("http://127.0.0.1:18001", actor="test") == ["The sandbox is now at http://127.0.0.1:18001."]
    sandbox.refresh_from_db()
    assert (sandbox.config["base_url"], sandbox.config["page_size"]) == ("http://127.0.0.1:18001", 500)


def test_demo_without_its_connector_leaves_the_type_out_and_says_so() -> None:
    assert seed_demo(SANDBOX, actor="test") == [
        "Made the connector sandbox.",
        "Left out the job type airports: There is no connector 'warehouse'.",
    ]
    assert SyncJob.objects.count() == 0
