"""Sync now on a connector: which types it starts, and when it asks; the command asks the same operation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from connectors.models import Connector
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.connector_syncs import ConnectorSync, sync_connector
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from syncjobs.operations.run_requests import RunRefused
from syncjobs.statuses import Trigger

pytestmark = pytest.mark.django_db


@pytest.fixture
def portal() -> Connector:
    for slug in ("portal", "store"):
        save_connector(connector_from_shape({"slug": slug, "kind": "sqlite", "config": {"path": f"{slug}.sqlite3"}}))
    return Connector.objects.get(slug="portal")


def make(slug: str, **values: Any) -> SyncJobType:
    stream = {"source": slug, "target": slug, "key": ["id"], "mode": "upsert", "extent": "full"}
    shape = {"slug": slug, "source_connector": "portal", "target_connector": "store", "config": {"streams": [stream]}}
    return save_job_type(job_type_from_shape(shape | values), actor="anna")


def sync(portal: Connector, chosen: list[str] | None = None) -> ConnectorSync:
    return sync_connector(portal, chosen, trigger=Trigger.MANUAL, actor="anna")


def started() -> list[str]:
    return list(SyncJob.objects.order_by("id").values_list("job_type__slug", flat=True))


def test_the_only_enabled_type_that_reads_from_it_is_started(portal: Connector) -> None:
    make("items")
    make("switched-off", enabled=False)
    make("back", source_connector="store", target_connector="portal")
    assert [job.job_type.slug for job in sync(portal).jobs] == started() == ["items"]
    assert SyncJob.objects.get().trigger_type == "manual"


def test_among_several_somebody_has_to_choose(portal: Connector) -> None:
    make("items")
    make("orders")
    with pytest.raises(RunRefused, match=r"^2 job types read from portal; choose which: items, orders$"):
        sync(portal)
    with pytest.raises(RunRefused, match=r"^choose at least one job type of portal"):
        sync(portal, [])
    with pytest.raises(RunRefused, match=r"^others is no enabled job type that reads a stream from portal"):
        sync(portal, ["orders", "others"])
    assert not started(), "all or nothing is understood"
    sync(portal, ["orders", "items", "orders"])
    assert started() == ["orders", "items"]


def test_a_type_that_may_not_start_keeps_no_other_from_starting(portal: Connector) -> None:
    make("items")
    SyncJobType.objects.filter(pk=make("orders").pk).update(paused_at=timezone.now())
    done = sync(portal, ["orders", "items"])
    assert started() == ["items"]
    assert done.refused == {"orders": "orders is paused; resume it first"}


def test_a_connector_that_nothing_reads_from_says_so(portal: Connector) -> None:
    with pytest.raises(RunRefused, match="no enabled job type reads a stream from portal"):
        sync(portal)


def test_the_command_starts_all_or_those_named(portal: Connector, capsys: pytest.CaptureFixture[str]) -> None:
    make("items")
    make("orders")
    with pytest.raises(CommandError, match="choose which: items, orders"):
        call_command("sync", "from", "portal")
    call_command("sync", "from", "portal", "--types", "orders", "--json")
    told = json.loads(capsys.readouterr().out)
    assert [job["job_type"] for job in told["jobs"]] == ["orders"]
    call_command("sync", "from", "portal", "--all", "--dry-run")
    assert started() == ["orders", "items", "orders"]
    assert SyncJob.objects.filter(dry_run=True).count() == 2
    with pytest.raises(CommandError, match="There is no connector 'nowhere'; there are: portal, store") as caught:
        call_command("sync", "from", "nowhere")
    assert caught.value.returncode == 3
