"""What a type's page does besides running it: restart, backfill, start, stop, accept columns; the list's filters."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from syncjobs.models import SchemaSnapshot, StreamCursor, SyncJob, SyncJobType
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from syncjobs.portal.config_reads import condition_text, guard_sentences, stream_summaries
from syncjobs.statuses import Status
from tests.portal.conftest import ATTACK, MakeJob, MakeStaff
from tests.portal.schema_forms.test_texts import UNUSUAL, WHOLE

PAGE = "/admin/job-types/airports/"
WHEN = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)


def with_settings(job_type: SyncJobType, **settings: Any) -> SyncJobType:
    job_type.config = {"streams": [job_type.config["streams"][0] | settings]}
    return save_job_type(job_type, actor="anna")


@pytest.fixture
def incremental(job_type: SyncJobType) -> SyncJobType:
    """It has come to 2026-11-01."""
    with_settings(job_type, extent="incremental", cursor={"field": "seen"})
    StreamCursor.objects.create(job_type=job_type, stream="airports", field="seen", new="2026-11-01", created_at=WHEN)
    return job_type


def test_a_restart_says_what_it_resets_and_does_it(portal: Client, incremental: SyncJobType) -> None:
    asked = portal.get(f"{PAGE}restart/").content.decode()
    assert "2026-11-01" in asked
    assert not SyncJob.objects.exists()
    portal.post(f"{PAGE}restart/")
    assert SyncJob.objects.get().status == Status.QUEUED
    assert StreamCursor.objects.first().new is None  # type: ignore[union-attr]


def test_a_restart_of_a_paused_type_is_refused(portal: Client, incremental: SyncJobType) -> None:
    SyncJobType.objects.update(paused_at=timezone.now())
    assert "It is paused" in portal.get(f"{PAGE}restart/").content.decode()
    assert "is paused; resume it first" in portal.post(f"{PAGE}restart/", follow=True).content.decode()
    assert not SyncJob.objects.exists()


def test_a_backfill_is_one_job_for_its_dates(portal: Client, job_type: SyncJobType) -> None:
    with_settings(job_type, window={"field": "seen", "days": 30})
    page = portal.get(f"{PAGE}backfill/").content.decode()
    assert 'type="date"' in page
    portal.post(f"{PAGE}backfill/", {"start_date": "2026-01-01", "end_date": "2026-01-31", "dry_run": "on"})
    job = SyncJob.objects.get()
    assert job.dry_run
    limits = job.config_snapshot["config"]["streams"][0]["range"]
    assert (limits["start"], limits["end"]) == ("2026-01-01", "2026-01-31")


@pytest.mark.parametrize(
    ("dates", "complaint"),
    [({}, "Give a first day"), ({"start_date": "2026-02-30"}, "2026-02-30")],
    ids=["none", "bad"],
)
def test_a_backfill_without_dates_is_not_started(
    portal: Client, job_type: SyncJobType, dates: dict[str, str], complaint: str
) -> None:
    with_settings(job_type, window={"field": "seen", "days": 30})
    response = portal.post(f"{PAGE}backfill/", {"start_date": "", "end_date": ""} | dates)
    assert response.status_code == 422
    assert complaint in response.content.decode()
    assert not SyncJob.objects.exists()


def test_a_backfill_without_a_window_field_says_what_is_missing(portal: Client, job_type: SyncJobType) -> None:
    assert "No stream of it has a window field" in portal.get(f"{PAGE}backfill/").content.decode()


def test_a_backfill_offers_only_streams_that_have_a_window(portal: Client, job_type: SyncJobType) -> None:
    first = job_type.config["streams"][0]
    dated = first | {"source": "dated", "target": "dated", "window": {"field": "seen", "days": 3}}
    job_type.config = {"streams": [first, dated]}
    save_job_type(job_type, actor="anna")
    assert 'value="airports"' not in portal.get(f"{PAGE}backfill/").content.decode()
    portal.post(f"{PAGE}backfill/", {"start_date": "2026-01-01", "end_date": "", "endpoints": "dated"})
    assert [stream["source"] for stream in SyncJob.objects.get().config_snapshot["config"]["streams"]] == ["dated"]


def test_a_type_is_stopped_and_started_by_its_buttons(portal: Client, job_type: SyncJobType) -> None:
    assert "runs by hand only" in portal.post(f"{PAGE}switch/", follow=True).content.decode()
    assert 'id="start-type"' in portal.get(PAGE).content.decode()
    assert "runs when due" in portal.post(f"{PAGE}switch/", {"enabled": "yes"}, follow=True).content.decode()
    job_type.refresh_from_db()
    assert (job_type.enabled, job_type.version) == (True, 3)


def test_columns_that_stopped_a_run_are_accepted_after_a_look(
    portal: Client, job_type: SyncJobType, make_job: MakeJob
) -> None:
    job = make_job(Status.ERROR)
    SchemaSnapshot.objects.create(
        job_type=job_type, stream="airports", fields={"icao": "text"}, differences={"dropped": {ATTACK: "text"}},
        is_accepted=False, job=job, first_seen_at=WHEN, seen_at=WHEN,
    )  # fmt: skip
    address = f"{PAGE}accept-schema/"
    assert f"{address}?stream=airports" in portal.get(PAGE).content.decode()
    asked = portal.get(f"{address}?stream=airports").content.decode()
    assert "is gone" in asked
    assert ATTACK not in asked
    assert "are accepted" in portal.post(address, {"stream": "airports"}, follow=True).content.decode()
    assert SchemaSnapshot.objects.get().accepted_by == "anna"
    assert "There is nothing to accept" in portal.get(f"{address}?stream=airports").content.decode()
    assert "nothing to accept" in portal.post(address, {"stream": "others"}, follow=True).content.decode()


@pytest.mark.parametrize("end", ["restart/", "switch/", "accept-schema/"])
def test_a_viewer_changes_nothing(make_staff: MakeStaff, job_type: SyncJobType, end: str) -> None:
    viewer = make_staff("view_syncjobtype", "view_syncjob")
    assert viewer.post(f"{PAGE}{end}").status_code == 403
    assert end not in viewer.get(PAGE).content.decode()


def test_a_restart_and_a_backfill_need_the_right_to_run(make_staff: MakeStaff, job_type: SyncJobType) -> None:
    editor = make_staff("view_syncjobtype", "change_syncjobtype")
    for end in ("restart/", "backfill/"):
        assert editor.get(f"{PAGE}{end}").status_code == editor.post(f"{PAGE}{end}").status_code == 403
        assert f"{PAGE}{end}" not in editor.get(PAGE).content.decode()
    assert not SyncJob.objects.exists()


def test_the_list_is_narrowed_by_state_connector_controller_and_name(portal: Client, job_type: SyncJobType) -> None:
    save_job_type(
        job_type_from_shape({"slug": "sap", "controller": "sap_customer_sync", "source_document_type": "auth.User"}),
        actor="anna",
    )

    def listed(query: str) -> list[str]:
        text = portal.get(f"/admin/job-types/?{query}").content.decode()
        return [slug for slug in ("airports", "sap") if f'href="/admin/job-types/{slug}/"' in text]

    assert listed("") == ["airports", "sap"]
    assert listed("connector=store") == ["airports"]
    assert listed("controller=sap_customer_sync") == ["sap"]
    assert listed("q=AIRP") == ["airports"]
    SyncJobType.objects.filter(slug="sap").update(paused_at=timezone.now())
    assert (listed("state=paused"), listed("state=on"), listed("state=off")) == (["sap"], ["airports"], [])
    assert listed("state=nonsense") == ["airports", "sap"]
    assert "No job type fits" in portal.get("/admin/job-types/?q=none&connector=x%00").content.decode()


def test_the_list_and_the_page_ask_no_more_for_more_rows(portal: Client, job_type: SyncJobType) -> None:
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as counted:
            portal.get(address)
        return len(counted)

    few = queries("/admin/job-types/"), queries(PAGE)
    shape = {"source_connector": "open-data", "target_connector": "store", "config": job_type.config}
    for number in range(5):
        save_job_type(job_type_from_shape(shape | {"slug": f"more-{number}"}), actor="anna")
        job_type.timeout += 1
        save_job_type(job_type, actor="anna")
    assert (queries("/admin/job-types/"), queries(PAGE)) == few


def test_the_page_tells_streams_mapping_and_guards_in_words(portal: Client, job_type: SyncJobType) -> None:
    with_settings(
        job_type, **(WHOLE | {"key": ["icao"], "filters": [{"field": ATTACK, "op": "in", "value": ["US", 7]}]})
    )
    SyncJobType.objects.update(guards={"max_delete_share": 0.05, "min_source_rows": 0})
    text = portal.get(PAGE).content.decode()
    for words in (
        "what is new by updated_at, reaching 300 s back",
        "are set aside, at most 100",
        "Held if it would delete more than 5 % of the target&#x27;s records.",
        "The source may be empty.",
        "null if (values",
        "always &quot;airportsdata&quot;",
    ):
        assert words in text, words
    assert ATTACK not in text


def test_a_configuration_that_could_not_run_is_left_as_json() -> None:
    assert [stream_summaries(config) for config in UNUSUAL] == [[]] * len(UNUSUAL)
    assert guard_sentences({"max_deletes": "x"}) == ['max_deletes: "x"']
    assert condition_text({"field": "a", "op": "is_null", "value": False}) == "a is not null"
