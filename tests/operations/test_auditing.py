"""The audit's own table: what `record` keeps, and that nothing can change it."""

from __future__ import annotations

import uuid

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from connectors.redaction import remember_secret
from syncjobs.asking import Asker, Door, asking, name_asker
from syncjobs.models import AuditEvent
from syncjobs.models.append_only import SQLITE, protect_audit
from syncjobs.operations.auditing import record, record_many
from tests.lifecycle.factories import JobFactory, JobTypeFactory

SOMEBODY = Asker(Door.API, "ann", ip="192.0.2.7", request_id="request-1", token="sdk_beginning")


def test_an_entry_says_who_did_what_to_which_object_by_which_door(either_database: None) -> None:
    job_type = JobTypeFactory.create(slug="flights")
    with asking(SOMEBODY):
        record("job_type.update", job_type, before={"queue": "a", "timeout": 1}, after={"queue": "b", "timeout": 1})
    entry = AuditEvent.objects.get()
    assert (entry.who, entry.token, entry.door) == ("ann", "sdk_beginning", "api")
    assert (entry.ip, entry.request_id, entry.verb) == ("192.0.2.7", "request-1", "job_type.update")
    assert (entry.object_type, entry.object_id, entry.object_name) == ("job_type", job_type.pk, "flights")
    assert (entry.before, entry.after) == ({"queue": "a"}, {"queue": "b"})
    assert entry.at.tzinfo is not None


@pytest.mark.django_db
def test_without_a_door_it_is_the_system_and_an_actor_who_is_named_comes_first() -> None:
    record("job.prune", None)
    with asking(Asker(Door.CLI, lambda: "bob")):
        record("keys.rotate", None)
        record("keys.rotate", None, actor="carla")
        name_asker("dora", token="sdk_d")
        record("keys.rotate", None)
    told = list(AuditEvent.objects.order_by("id").values_list("who", "door", "token", "object_type"))
    assert told == [
        ("system", "system", "", "installation"),
        ("bob", "cli", "", "installation"),
        ("carla", "cli", "", "installation"),
        ("dora", "cli", "sdk_d", "installation"),
    ]


@pytest.mark.django_db
def test_an_entry_costs_one_statement_and_so_do_many() -> None:
    jobs = [JobFactory.create() for _ in range(3)]
    with CaptureQueriesContext(
        connection,
    ) as one:
        record("job.cancel", jobs[0], before={"status": "queued"}, after={"status": "canceled"})
    with CaptureQueriesContext(connection) as many:
        record_many("job.cancel", [(job, {"status": "queued"}, {"status": "canceled"}) for job in jobs])
    assert len(one) == len(many) == 1
    assert AuditEvent.objects.count() == 4


@pytest.mark.django_db
def test_secrets_control_characters_and_endless_texts_are_not_kept() -> None:
    secret = f"canary-{uuid.uuid4()}"
    remember_secret(secret)
    job = JobFactory.create(title=f"with {secret}")
    record("job.start", job, after={"a": {"deep": [secret]}, "b": "x" * 20_000, "c": "\0"}, reason=f"{secret} \0")
    entry = AuditEvent.objects.get()
    assert secret not in f"{entry.__dict__}"
    assert entry.after is not None
    assert len(entry.after["b"]) < 10_100
    assert entry.after["b"].endswith("(20,000 characters)")
    assert "\0" not in entry.reason + entry.after["c"]


@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_database_refuses_to_change_or_delete_an_entry(either_database: None, change: str) -> None:
    record("keys.rotate", None)
    found = AuditEvent.objects.all()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        found.update(who="nobody") if change == "update" else found.delete()
    assert [entry.who for entry in found.all()] == ["system"]


@pytest.mark.django_db
def test_triggers_that_a_remade_table_lost_come_back_with_the_next_migrate() -> None:
    with connection.cursor() as cursor:
        for trigger in SQLITE:
            cursor.execute(f"DROP TRIGGER {trigger}")
    record("keys.rotate", None)
    protect_audit()
    protect_audit()
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEvent.objects.all().delete()


def test_migrating_makes_the_triggers_on_both_databases(either_database: None) -> None:
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s"
    if connection.vendor == "postgresql":
        query = "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass"
    with connection.cursor() as cursor:
        cursor.execute(query, ["syncjobs_auditevent"])
        names = {name for (name,) in cursor.fetchall()}
    assert names == (set(SQLITE) if connection.vendor == "sqlite" else {"audit_is_append_only"})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_tests_that_commit_leave_no_entries_and_no_table_without_triggers(turn: int) -> None:
    assert not AuditEvent.objects.exists()
    record("keys.rotate", None)
    with pytest.raises(IntegrityError):
        AuditEvent.objects.all().delete()
