"""What the pages say of changed sources: the history of a schema, and schedules that paused themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from syncjobs.models import Schedule, SchemaSnapshot, SyncJob, SyncJobType
from syncjobs.operations.schedules import set_schedule_enabled
from syncjobs.statuses import Status
from tests.portal.conftest import ATTACK, MakeJob

TYPE = "/admin/job-types/airports/"
WHEN = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)


@pytest.fixture
def job(job_type: SyncJobType, make_job: MakeJob) -> SyncJob:
    """It met a schema that it accepted; the next one was refused."""
    job = make_job(Status.ERROR)
    common: dict[str, Any] = {"job_type": job_type, "stream": "airports", "first_seen_at": WHEN, "seen_at": WHEN}
    SchemaSnapshot.objects.create(**common, fields={"icao": "text", "lat": "float"}, ignored=["lat"], job=job)
    gone = {"dropped": {"lat": "float"}, "added": {ATTACK: "text"}}
    fields = {"icao": "text", ATTACK: "text"}
    SchemaSnapshot.objects.create(**common, fields=fields, differences=gone, is_accepted=False, job=job)
    return job


def test_type_shows_the_history_of_its_source_schema_escaped(portal: Client, job: SyncJob) -> None:
    text = portal.get(TYPE).content.decode()
    assert "Source schema" in text
    assert text.index("lat (float) is gone") < text.index("2 columns"), "the newest comes first"
    assert "left out: lat" in text
    assert ("Stopped the run" in text, "Accepted" in text) == (True, True)
    assert f'href="/admin/jobs/{job.pk}/">#{job.pk}</a>' in text
    assert ATTACK not in text


def test_type_that_never_ran_has_no_such_section(portal: Client, job_type: SyncJobType) -> None:
    assert "Source schema" not in portal.get(TYPE).content.decode()


def test_schedule_that_paused_itself_says_so_on_every_page_until_it_is_on(portal: Client, schedule: Schedule) -> None:
    set_schedule_enabled(schedule, False, actor="test")
    schedule.paused_reason = f"paused itself at 02:30:00 UTC: {ATTACK}"
    schedule.save()
    pages = (f"/admin/job-types/{schedule.job_type.slug}/", "/admin/schedules/", f"/admin/schedules/{schedule.pk}/")
    for page in pages:
        text = portal.get(page).content.decode()
        assert "aused itself" in text
        assert ATTACK not in text
    portal.post(f"/admin/schedules/{schedule.pk}/switch/", {"enabled": "yes"})
    texts = [portal.get(page).content.decode() for page in pages]
    assert not any("Paused itself" in text or "paused itself at" in text for text in texts)
