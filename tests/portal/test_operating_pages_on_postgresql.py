"""Connectors, workers and schedules over rows in PostgreSQL: dates, JSON and groups read there as they do in SQLite."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from connectors.models import ConnectionTest, Connector
from syncjobs.models import SyncJob
from syncjobs.operations.connector_syncs import types_to_sync
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from syncjobs.operations.schedules import save_schedule
from syncjobs.schedule_times import Crontab
from tests.lifecycle.factories import see_worker


@pytest.fixture
def portal(rows_on_postgresql: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("anna", "anna@example.org"))
    for slug in ("here", "there"):
        save_connector(connector_from_shape({"slug": slug, "kind": "sqlite", "config": {"path": f"{slug}.sqlite3"}}))
    stream = {"source": "items", "target": "items", "key": ["id"], "mode": "upsert", "extent": "full"}
    shape = {"slug": "items", "source_connector": "here", "target_connector": "there", "config": {"streams": [stream]}}
    save_job_type(job_type_from_shape(shape), actor="anna")
    return client


def read(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_the_pages_show_the_same_there(portal: Client) -> None:
    here = Connector.objects.get(slug="here")
    (job_type,) = types_to_sync(here)
    ConnectionTest.objects.create(connector=here, ok=False, milliseconds=5, steps=[])
    assert portal.post("/admin/connectors/here/sync/").status_code == 302
    SyncJob.objects.update(status="started", started_at=timezone.now(), lease_owner="host:7")
    see_worker("default", host="host", processes=[7])
    ended = {"status": "error", "ended_at": timezone.now(), "trigger_type": "manual", "job_type": job_type}
    SyncJob.objects.create(title="went wrong", created_at=timezone.now() - timedelta(seconds=1), **ended)
    page = read(portal, "/admin/connectors/here/")
    assert re.search(r"<title>\d\d \w{3}: 1 test, 1 failed</title>", page)
    assert re.search(r"<title>\d\d \w{3}: 1 job, 1 failed</title>", page)
    assert "1 job type" in read(portal, "/admin/connectors/?health=untested&q=HERE")
    assert f'id="at-work-{SyncJob.objects.get(status="started").pk}"' in read(portal, "/admin/workers/")
    save_schedule(job_type=job_type, name="Hourly", rule=Crontab.from_line("0 * * * *"), actor="anna")
    assert "Hourly" in read(portal, "/admin/schedules/?state=on&type=items")
    assert "24 runs in these 24 hours" in read(portal, "/admin/schedules/calendar/")
