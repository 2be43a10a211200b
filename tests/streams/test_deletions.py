"""Deleting types with all that was kept of them, and connectors that nothing uses: by operation, command and page."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from connectors.models import Connector
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.deletions import TypeInUse, delete_job_type
from syncjobs.operations.job_types import run_job_type
from syncjobs.operations.schedules import save_schedule
from syncjobs.schedule_times import Interval
from syncjobs.statuses import Trigger
from tests.streams.conftest import asides_at, run
from tests.streams.people import SQLAtTarget

MakeItems = Callable[..., SyncJobType]


def checkpoints() -> int:
    """Rows of ours at the target."""
    target = Connector.objects.get(slug="target").open()
    try:
        return target.count("_syncdeck_checkpoint")
    finally:
        target.close()


def records() -> int:
    target = Connector.objects.get(slug="target").open()
    try:
        return target.count("items")
    finally:
        target.close()


def test_type_goes_with_its_jobs_schedules_and_rows_at_the_target_and_the_records_stay(
    items: MakeItems, sql_at_target: SQLAtTarget
) -> None:
    job_type = items(mode="mirror")
    job = run(job_type)
    run(job_type)
    sql_at_target(f"CREATE TABLE _syncdeck_seen_{job.token.hex} (code text)")
    rule = Interval(3600, timezone.now())
    save_schedule(job_type=job_type, name="Hourly", rule=rule, actor="test")
    assert (checkpoints(), len(asides_at("target"))) == (2, 1)
    assert delete_job_type(job_type, actor="test") == []
    assert not SyncJobType.objects.exists()
    assert not SyncJob.objects.exists()
    assert not PeriodicTask.objects.filter(sync_schedule__isnull=False).exists()
    assert (checkpoints(), asides_at("target"), records()) == (0, [], 25)


def test_type_with_an_active_job_stays_and_the_job_is_named(items: MakeItems) -> None:
    job_type = items()
    job = run_job_type(job_type, trigger=Trigger.CLI, actor="test")
    with pytest.raises(TypeInUse, match=f"items has active jobs: #{job.pk}. Wait for them, or cancel them first"):
        delete_job_type(job_type, actor="test")
    with pytest.raises(CommandError) as refused:
        call_command("type", "delete", "items", "--yes")
    assert refused.value.returncode == 3
    job_type.refresh_from_db()
    assert job_type.paused_at is None
    assert SyncJob.objects.filter(pk=job.pk).exists()


def test_type_whose_target_is_away_is_deleted_and_what_stays_there_is_told(items: MakeItems) -> None:
    job_type = items()
    run(job_type)
    target = Connector.objects.get(slug="target")
    target.config |= {"path": "../outside.sqlite3"} if target.kind == "sqlite" else {"port": 1}
    Connector.objects.filter(pk=target.pk).update(config=target.config)
    (left,) = delete_job_type(SyncJobType.objects.get(), actor="test")
    assert left.startswith("target could not be tidied up, where tables and rows of _syncdeck_… stay: ")
    assert not SyncJobType.objects.exists()


def test_connector_is_deleted_by_a_command_once_no_type_uses_it(items: MakeItems) -> None:
    job_type = items()
    for asked in (["source"], ["nobody", "--yes"], ["source", "--yes"]):
        with pytest.raises(CommandError) as refused:
            call_command("connector", "delete", *asked)
        assert refused.value.returncode == (3 if "--yes" in asked else 2)
    assert str(refused.value) == "source is used by items: change or delete what uses it first."
    delete_job_type(job_type, actor="test")
    output = StringIO()
    call_command("connector", "delete", "source", "--yes", "--json", stdout=output)
    assert json.loads(output.getvalue()) == {"deleted": "source"}
    assert not Connector.objects.filter(slug="source").exists()


def test_pages_ask_before_they_delete_and_name_what_is_in_the_way(items: MakeItems, admin_client: Client) -> None:
    items()
    page = admin_client.get("/admin/connectors/source/delete/").content.decode()
    assert 'href="/admin/job-types/items/"' in page
    assert "Delete the connector" not in page
    answer = admin_client.post("/admin/connectors/source/delete/", follow=True)
    assert "Source is used by items: change or delete what uses it first." in answer.content.decode()
    page = admin_client.get("/admin/job-types/items/delete/").content.decode()
    assert "cannot be brought back" in page
    answer = admin_client.post("/admin/job-types/items/delete/", follow=True)
    assert "Type items is deleted" in answer.content.decode()
    admin_client.post("/admin/connectors/source/delete/")
    assert list(Connector.objects.values_list("slug", flat=True)) == ["target"]


@pytest.mark.parametrize("address", ["/admin/connectors/target/delete/", "/admin/job-types/items/delete/"])
def test_people_who_may_only_look_can_not_delete(items: MakeItems, client: Client, address: str) -> None:
    items()
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(viewer)
    assert client.get(address).status_code == 403
    assert client.post(address).status_code == 403
    assert SyncJobType.objects.exists()
