"""Each verb leaves exactly one entry, with what was before and after; and no entry holds a secret."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from connectors.models import Connector
from syncjobs.models import AuditEvent, Schedule, SyncJob, SyncJobType
from syncjobs.operations import jobs
from syncjobs.operations.bulk_actions import act_on_jobs
from syncjobs.operations.config_imports import import_configuration
from syncjobs.operations.config_shapes import describe_configuration
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.cursors import rewind_cursor
from syncjobs.operations.deletions import delete_connector, delete_job_type
from syncjobs.operations.job_type_states import pause_job_type, resume_job_type, set_job_type_enabled
from syncjobs.operations.job_types import job_type_from_shape, run_job_type, save_job_type
from syncjobs.operations.retention import prune_jobs
from syncjobs.operations.schedules import delete_schedule, save_schedule, set_schedule_enabled
from syncjobs.operations.tokens import create_token, revoke_token
from syncjobs.schedule_times import Interval
from syncjobs.scopes import SCOPES
from syncjobs.statuses import Trigger

SECRET = f"S3cr3t-CANARY-{uuid.uuid4()}"
QUERY = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} ".join(("config", "streams", "a", "query"))
WINDOWED = {"source": "a", "target": "a", "key": ["id"], "mode": "upsert", "extent": "full"}


class World:
    """What verbs are done to."""

    def __init__(self) -> None:
        shape = {"kind": "soda", "config": {"base_url": "http://127.0.0.1:9", "datasets": {"a": "aaaa-bbbb"}}}
        self.source = save_connector(
            connector_from_shape(shape | {"slug": "open-data", "credentials": {"app_token": SECRET}})
        )
        store = {"slug": "store", "kind": "sqlite", "config": {"path": "audited.sqlite3"}}
        self.store = save_connector(connector_from_shape(store))
        values = {"slug": "flights", "source_connector": "open-data", "target_connector": "store"}
        self.type = save_job_type(job_type_from_shape(values | {"config": {"streams": [WINDOWED]}}), actor="ann")

    def job(self, status: str = "queued", **columns: Any) -> SyncJob:
        job = run_job_type(self.type, trigger=Trigger.SCHEDULER, actor="beat")
        SyncJob.objects.filter(pk=job.pk).update(status=status, **columns)
        job.refresh_from_db()
        return job

    def schedule(self) -> Schedule:
        rule = Interval(3600, timezone.now())
        return save_schedule(job_type=self.type, name="hourly", rule=rule, actor="ann")


@pytest.fixture
def world(db: None) -> World:
    return World()


def last() -> int:
    newest = AuditEvent.objects.order_by("-id").first()
    return newest.pk if newest else 0


def entries_of(act: Callable[[], Any]) -> list[AuditEvent]:
    """What the audit says of it."""
    before = last()
    act()
    found = list(AuditEvent.objects.filter(pk__gt=before).order_by("id"))
    assert SECRET not in "".join(str(entry.__dict__) for entry in AuditEvent.objects.all())
    return found


def only_entry_of(act: Callable[[], Any]) -> AuditEvent:
    (entry,) = entries_of(act)
    return entry


@pytest.mark.parametrize(
    ("verb", "status", "after"),
    [
        ("start", "pending", "queued"),
        ("pause", "queued", "paused"),
        ("pause", "started", "started and asked to pause"),
        ("resume", "paused", "queued"),
        ("cancel", "queued", "canceled"),
        ("cancel", "started", "started and asked to stop"),
        ("retry", "failed", "queued"),
        ("approve", "held", "queued"),
        ("discard", "held", "canceled"),
    ],
)
@pytest.mark.parametrize("is_bulk", [False, True], ids=["one", "bulk"])
def test_a_plain_verb_on_a_job(world: World, verb: str, status: str, after: str, is_bulk: bool) -> None:
    job = world.job(status)
    if is_bulk:
        entry = only_entry_of(lambda: act_on_jobs([job.pk], verb, actor="ann", reason="enough"))
    else:
        entry = only_entry_of(lambda: jobs.act_plainly(job.pk, verb, actor="ann", reason="enough"))
    assert (entry.verb, entry.who, entry.object_type, entry.object_id) == (f"job.{verb}", "ann", "job", job.pk)
    assert (entry.before, entry.after) == ({"status": status}, {"status": after})
    assert entry.reason == "enough"


def test_what_is_refused_leaves_no_entry(world: World) -> None:
    job = world.job("finished")
    assert entries_of(lambda: act_on_jobs([job.pk, 987_654], "cancel", actor="ann")) == []


def test_jobs_deleted_restarted_and_pruned(world: World) -> None:
    job = world.job("failed")
    new: list[SyncJob] = []
    entry = only_entry_of(lambda: new.append(jobs.restart_job(job.pk, actor="ann")))
    assert entry.verb == "job.restart"
    assert entry.after == {"status": "canceled", "restarted_as": new[0].pk}
    entry = only_entry_of(lambda: jobs.delete_job(job.pk, actor="ann"))
    assert (entry.verb, entry.object_id, entry.after) == ("job.delete", job.pk, None)
    others = [world.job("canceled") for _ in range(2)]
    found = entries_of(lambda: act_on_jobs([one.pk for one in others], "delete", actor="ann"))
    assert sorted(str(entry.object_id) for entry in found) == sorted(str(one.pk) for one in others)
    old = world.job("canceled", ended_at=timezone.now() - timedelta(days=9))
    entry = only_entry_of(lambda: prune_jobs(now=timezone.now(), days=5))
    assert (entry.verb, entry.door, entry.before) == ("job.prune", "system", {"jobs": [old.pk]})


def test_jobs_that_people_and_programs_ask_for_and_those_that_come_by_themselves(world: World) -> None:
    for trigger in (Trigger.MANUAL, Trigger.API, Trigger.CLI, Trigger.WEBHOOK):
        entry = only_entry_of(lambda: run_job_type(world.type, trigger=trigger, actor="ann"))  # noqa: B023
        assert (entry.verb, entry.before) == ("job.create", None)
        assert entry.after is not None
        assert (entry.after["trigger"], entry.after["job_type"]) == (trigger.value, "flights")
    for trigger in (Trigger.SCHEDULER, Trigger.DOCUMENT_HOOK, Trigger.CHAIN):
        assert entries_of(lambda: run_job_type(world.type, trigger=trigger, actor="it")) == []  # noqa: B023


def test_a_type_made_changed_paused_resumed_and_deleted_outlives_itself_in_the_audit(world: World) -> None:
    world.job("finished")
    entry = only_entry_of(lambda: set_job_type_enabled(world.type, False, actor="ann"))
    assert entry.verb == "job_type.update"
    assert entry.before == {"enabled": True, "version": 1}
    assert entry.after == {"enabled": False, "version": 2}
    assert only_entry_of(lambda: pause_job_type(world.type, actor="ann")).after == {"paused": True}
    assert only_entry_of(lambda: resume_job_type(world.type, actor="ann")).after == {"paused": False}
    number = world.type.pk
    entry = only_entry_of(lambda: delete_job_type(world.type, actor="ann"))
    assert (entry.verb, entry.object_name, entry.after) == ("job_type.delete", "flights", None)
    told = AuditEvent.objects.filter(object_type="job_type", object_id=number).order_by("id")
    verbs = ["job_type.create", "job_type.update", "job_type.pause", "job_type.resume", "job_type.delete"]
    assert [entry.verb for entry in told] == verbs


def test_a_custom_query_is_told_as_the_difference_of_its_field(world: World) -> None:
    config = {"streams": [WINDOWED | {"query": "SELECT 1 AS id"}]}
    world.type.config = config
    world.type.source_connector = world.store
    entry = only_entry_of(lambda: save_job_type(world.type, actor="ann"))
    assert entry.after is not None
    assert entry.after[QUERY] == "SELECT 1 AS id"
    assert entry.before is not None
    assert QUERY not in entry.before


def test_a_connector_made_changed_and_deleted_names_its_credentials_only(world: World) -> None:
    made = AuditEvent.objects.get(verb="connector.create", object_name="open-data")
    assert made.after is not None
    assert made.after["credentials_needed"] == ["app_token"]
    source = Connector.objects.get(slug="open-data")
    source.credentials = {"app_token": f"{SECRET}-new"}
    source.max_concurrency = 3
    entry = only_entry_of(lambda: save_connector(source))
    assert (entry.before, entry.after) == (
        {"max_concurrency": None},
        {"max_concurrency": 3, "credentials_replaced": ["app_token"]},
    )
    delete_job_type(world.type, actor="ann")
    entry = only_entry_of(lambda: delete_connector(Connector.objects.get(slug="store"), actor="ann"))
    assert (entry.verb, entry.object_name, entry.after) == ("connector.delete", "store", None)


def test_a_schedule_made_changed_switched_and_deleted(world: World) -> None:
    kept: list[Schedule] = []
    entry = only_entry_of(lambda: kept.append(world.schedule()))
    assert (entry.verb, entry.object_name) == ("schedule.create", "hourly")
    schedule = kept[0]
    rule = Interval(7200, schedule.periodic_task.start_time)
    change: dict[str, Any] = {
        "job_type": world.type,
        "name": "hourly",
        "rule": rule,
        "actor": "ann",
        "schedule": schedule,
    }
    entry = only_entry_of(lambda: save_schedule(**change))
    assert entry.verb == "schedule.update"
    assert entry.before is not None
    assert list(entry.before) == ["rule"]
    entry = only_entry_of(lambda: set_schedule_enabled(schedule, False, actor="ann"))
    assert (entry.verb, entry.before, entry.after) == ("schedule.disable", {"enabled": True}, {"enabled": False})
    assert only_entry_of(lambda: set_schedule_enabled(schedule, True, actor="ann")).verb == "schedule.enable"
    assert only_entry_of(lambda: delete_schedule(schedule, actor="ann")).verb == "schedule.delete"


def test_a_token_made_and_revoked_once(world: World) -> None:
    owner = User.objects.create_user("ann")
    made: list[Any] = []
    wishes: dict[str, Any] = {"name": "n", "scopes": list(SCOPES), "expires_at": None, "actor": "ann"}
    entry = only_entry_of(lambda: made.append(create_token(owner, **wishes)))
    assert entry.verb == "token.create"
    assert made[0].secret not in str(entry.__dict__)
    assert only_entry_of(lambda: revoke_token(made[0].token, actor="ann")).verb == "token.revoke"
    assert entries_of(lambda: revoke_token(made[0].token, actor="ann")) == []


def test_an_import_tells_of_itself_and_of_each_thing_that_it_changed_and_a_dry_run_of_nothing(world: World) -> None:
    document = describe_configuration()
    assert entries_of(lambda: import_configuration(document, actor="ann")) == []
    document["job_types"][0]["timeout"] = 77
    assert entries_of(lambda: import_configuration(document, actor="ann", dry_run=True)) == []
    found = entries_of(lambda: import_configuration(document, actor="ann"))
    assert [entry.verb for entry in found] == ["job_type.update", "config.import"]
    assert found[1].after == {"job type flights": "changed"}


def test_a_cursor_set_back(world: World) -> None:
    world.type.config = {"streams": [WINDOWED | {"extent": "incremental", "cursor": {"field": "changed"}}]}
    SyncJobType.objects.filter(pk=world.type.pk).update(config=world.type.config)
    entry = only_entry_of(lambda: rewind_cursor(world.type, "a", None, actor="ann", reason="again"))
    assert (entry.verb, entry.object_type, entry.reason) == ("cursor.rewind", "job_type", "again")


@pytest.mark.parametrize("door", ["portal", "api", "cli"])
@pytest.mark.parametrize("verb", ["pause", "resume", "cancel"])
def test_the_same_verb_by_each_door_says_who_and_whence(world: World, door: str, verb: str) -> None:
    person = User.objects.create_superuser("ann")
    job = world.job("paused" if verb == "resume" else "queued")
    token = create_token(person, name="n", scopes=list(SCOPES), expires_at=None, actor="ann")
    client = Client()
    client.force_login(person)
    program = Client(headers={"Authorization": f"Token {token.secret}"})
    asked: dict[str, Callable[[], Any]] = {
        "portal": lambda: client.post(f"/admin/jobs/{job.pk}/{verb}/"),
        "api": lambda: program.post(f"/api/v1/jobs/{job.pk}/{verb}/", {}, content_type="application/json"),
        "cli": lambda: call_command("sync", verb, str(job.pk), stdout=StringIO()),
    }
    entry = only_entry_of(asked[door])
    assert (entry.verb, entry.door, entry.object_id) == (f"job.{verb}", door, job.pk)
    assert entry.token == (token.token.prefix if door == "api" else "")
    if door == "cli":
        assert entry.ip is None
    else:
        assert (entry.who, entry.ip, len(entry.request_id)) == ("ann", "127.0.0.1", 32)
