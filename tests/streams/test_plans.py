"""A dry run's changes are sealed, approved, and then written exactly, each where its record is still as it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from connectors.sandbox.server import RunningSandbox
from syncjobs.lifecycle import StatusConflict, allowed_actions
from syncjobs.models import Change, Conflict, JobEvent, Plan, SyncJob, SyncJobType
from syncjobs.operations.job_types import save_job_type
from syncjobs.operations.jobs import approve_job
from syncjobs.operations.plans import apply_plan, approve, approve_plan
from syncjobs.operations.run_requests import RunRefused
from syncjobs.operations.state_checks import find_breaches
from syncjobs.statuses import Trigger
from tests.streams.conftest import counts, rows_of, run, run_here
from tests.streams.people import SQLAtTarget

MakeItems = Callable[..., SyncJobType]


@pytest.fixture
def job_type(items: MakeItems, source: RunningSandbox) -> SyncJobType:
    """A mirror that has run; since then its source has an insert, two updates and a delete more."""
    made = items(mode="mirror", batch_size=10)
    run(made)
    source.delete_rows("items", ["C004"])
    source.change_rows("items", [{"code": "C003", "name": "Renamed"}, {"code": "C007", "name": "Moved"}])
    source.change_rows("items", [{"code": "NEW", "name": "Newcomer", "size": "1.50"}])
    return made


def apply(plan: SyncJob) -> SyncJob:
    """Approve and apply the plan of a dry run, here."""
    approve_plan(plan.pk, actor="ann")
    return run_here(apply_plan(plan.pk, trigger=Trigger.CLI, actor="bob"))


def refusal(act: Callable[..., object], plan: SyncJob, **options: Any) -> str:
    """Why the operation is refused."""
    with pytest.raises((StatusConflict, RunRefused)) as raised:
        act(plan.pk, actor="ann", **options)
    return str(raised.value)


def test_plan_that_is_approved_and_applied_does_what_a_run_would_have_done(
    job_type: SyncJobType, source: RunningSandbox
) -> None:
    before = rows_of(job_type)
    planned = run(job_type, dry_run=True)
    plan = planned.plan
    assert (plan.state, plan.changes, plan.refusal, len(plan.digest)) == ("sealed", 4, "", 64)
    assert plan.expires_at - plan.sealed_at == timedelta(days=7)
    assert allowed_actions(planned)[0] == "approve"
    assert rows_of(job_type) == before
    source.change_rows("items", [{"code": "C009", "name": "Too late for the plan"}])
    approve_plan(planned.pk, actor="ann")
    plan.refresh_from_db()
    assert (plan.state, plan.approved_by, plan.approved_at is not None) == ("approved", "ann", True)
    assert allowed_actions(planned)[0] == "apply"
    job = run_here(apply_plan(planned.pk, trigger=Trigger.API, actor="bob"))
    assert (job.status, job.failure, job.trigger_type) == ("finished", None, "api")
    assert counts(job) == {"read": 3, "inserted": 1, "updated": 2, "deleted": 1}
    made = [(one.operation, one.key, one.fields) for one in Change.objects.filter(job=planned)]
    assert [(one.operation, one.key) for one in Change.objects.filter(job=job)] == [one[:2] for one in made]
    after = rows_of(job_type)
    assert (after["C003"]["name"], after["NEW"]["name"], str(after["NEW"]["size"])) == ("Renamed", "Newcomer", "1.50")
    assert after.keys() == before.keys() - {"C004"} | {"NEW"}
    assert after["C009"] == before["C009"]
    plan.refresh_from_db()
    assert (plan.state, plan.applied_job) == ("applied", job)
    assert list(find_breaches()) == []
    assert counts(run(job_type)) == {"read": 25, "updated": 1, "unchanged": 24}


def test_record_that_somebody_changed_meanwhile_is_a_listed_conflict_and_left_alone(
    job_type: SyncJobType, sql_at_target: SQLAtTarget
) -> None:
    planned = run(job_type, dry_run=True)
    sql_at_target("UPDATE items SET name = 'Foreign' WHERE code = 'C003'")
    sql_at_target("UPDATE items SET size = size WHERE code = 'C007'")
    job = apply(planned)
    assert (job.status, counts(job)) == (
        "finished",
        {"read": 3, "inserted": 1, "updated": 1, "deleted": 1, "skipped": 1},
    )
    (conflict,) = Conflict.objects.filter(job=job)
    assert (conflict.key, conflict.operation, conflict.reason) == ({"code": "C003"}, "update", "changed")
    assert conflict.fields == {"name": ["Name 3", "Foreign"]}
    after = rows_of(job_type)
    assert (after["C003"]["name"], after["C007"]["name"]) == ("Foreign", "Moved")
    assert list(find_breaches()) == []


def test_records_that_came_or_went_meanwhile_are_conflicts_too(
    job_type: SyncJobType, sql_at_target: SQLAtTarget
) -> None:
    planned = run(job_type, dry_run=True)
    sql_at_target("INSERT INTO items (code, name) VALUES ('NEW', 'Foreign')")
    sql_at_target("DELETE FROM items WHERE code = 'C003'")
    sql_at_target("UPDATE items SET name = 'Still needed' WHERE code = 'C004'")
    job = apply(planned)
    assert counts(job) == {"read": 4, "updated": 1, "skipped": 3}
    found = {one.key["code"]: one.reason for one in Conflict.objects.filter(job=job)}
    assert found == {"NEW": "exists", "C003": "gone", "C004": "changed"}
    after = rows_of(job_type)
    assert (after["NEW"]["name"], after["C004"]["name"]) == ("Foreign", "Still needed")


def test_what_the_target_has_already_counts_as_unchanged(job_type: SyncJobType) -> None:
    planned = run(job_type, dry_run=True)
    run(job_type)
    job = apply(planned)
    assert counts(job) == {"read": 4, "unchanged": 4}
    assert not Conflict.objects.exists()


def test_plan_of_a_first_load_makes_the_table(items: MakeItems) -> None:
    job_type = items()
    job = apply(run(job_type, dry_run=True))
    assert counts(job) == {"read": 25, "inserted": 25}
    assert counts(run(job_type)) == {"read": 25, "unchanged": 25}


def test_plan_of_a_replacement_is_applied_record_by_record(
    items: MakeItems, source: RunningSandbox, sql_at_target: SQLAtTarget
) -> None:
    job_type = items(mode="replace")
    run(job_type)
    sql_at_target("INSERT INTO items (code, name) VALUES ('FOREIGN', 'Not of the source')")
    source.change_rows("items", [{"code": "C003", "name": "Renamed"}])
    job = apply(run(job_type, dry_run=True))
    assert counts(job) == {"read": 1, "updated": 1, "deleted": 1}
    assert "FOREIGN" not in rows_of(job_type)
    assert "revert" in allowed_actions(job)


def test_plan_is_applied_once_and_only_after_its_approval(job_type: SyncJobType) -> None:
    planned = run(job_type, dry_run=True)
    assert "it is not approved yet" in refusal(apply_plan, planned, trigger=Trigger.CLI)
    approve(planned.pk, actor="ann")
    assert "ann has approved it already" in refusal(approve, planned)
    job = run_here(apply_plan(planned.pk, trigger=Trigger.CLI, actor="ann"))
    assert f"since it was applied as #{job.pk}" in refusal(apply_plan, planned, trigger=Trigger.CLI)
    assert not {"approve", "apply"} & set(allowed_actions(planned))
    assert "restart" not in allowed_actions(job)
    assert "there is nothing to approve" in refusal(approve_plan, job)


def test_tampered_plan_is_refused_at_the_door_and_by_the_job(job_type: SyncJobType) -> None:
    planned = run(job_type, dry_run=True)
    approve_plan(planned.pk, actor="ann")
    job = apply_plan(planned.pk, trigger=Trigger.CLI, actor="ann")
    change = Change.objects.filter(job=planned, operation="update")[0]
    change.fields = {"name": ["Name 3", "Forged"]}
    change.save()
    before = rows_of(job_type)
    job = run_here(job)
    assert (job.status, (job.failure or {})["code"]) == ("failed", "changes_refused")
    assert "not those that were sealed" in (job.failure or {})["message"]
    assert rows_of(job_type) == before
    Plan.objects.update(state="approved")
    assert "not those that were sealed" in refusal(apply_plan, planned, trigger=Trigger.CLI)


def test_guard_says_how_many_days_a_plan_lasts(items: MakeItems) -> None:
    plan = run(items({"guards": {"plan_days": 2}}), dry_run=True).plan
    assert plan.expires_at - plan.sealed_at == timedelta(days=2)
    with pytest.raises(ValidationError, match="plan_days"):
        items({"slug": "never", "guards": {"plan_days": 0}})


def test_expired_plan_is_refused(job_type: SyncJobType) -> None:
    planned = run(job_type, dry_run=True)
    Plan.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "expired on" in refusal(approve_plan, planned)
    Plan.objects.update(state="approved")
    assert "make a new dry run" in refusal(apply_plan, planned, trigger=Trigger.CLI)
    assert not {"approve", "apply"} & set(allowed_actions(planned))


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("mapping", "the stream changed"),
        ("batch_size", ""),
        ("guards", ""),
        ("target_connector", "the target connector changed"),
        ("target", "its type no longer has this stream"),
    ],
)
def test_plan_is_refused_if_what_it_follows_from_changed_since(job_type: SyncJobType, part: str, told: str) -> None:
    planned = run(job_type, dry_run=True)
    stream = job_type.config["streams"][0]
    if part == "mapping":
        stream["mapping"] = [{"to": "code", "from": "code"}, {"to": "name", "value": "x"}]
    elif part == "target_connector":
        assert job_type.target_connector is not None
        job_type.target_connector.config |= {"schema" if job_type.target_connector.kind == "postgres" else "path": "b"}
        job_type.target_connector.save()
    elif part == "guards":
        job_type.guards = {"max_deletes": 5}
    else:
        stream[part] = {"batch_size": 7, "target": "other"}[part]
    save_job_type(job_type, actor="test")
    if told:
        assert told in refusal(approve_plan, planned)
    else:
        approve_plan(planned.pk, actor="ann")


def test_guards_of_today_hold_the_job_that_applies_until_a_person_approves_that_too(job_type: SyncJobType) -> None:
    planned = run(job_type, dry_run=True)
    job_type.guards = {"max_deletes": 0}
    save_job_type(job_type, actor="test")
    before = rows_of(job_type)
    job = apply(planned)
    assert job.status == "held"
    assert "more than the guard max_deletes of 0" in (JobEvent.objects.filter(job=job, new="held").get().reason)
    assert rows_of(job_type) == before
    approve_job(job.pk, actor="ann")
    job = run_here(job)
    assert (job.status, counts(job)["deleted"]) == ("finished", 1)


@pytest.mark.parametrize(
    ("stream", "type_", "config", "told"),
    [
        ({"key": [], "mode": "append"}, {}, {}, "no key"),
        ({}, {"changes_kept": 3}, {}, "kept 3 of its 25 changes"),
        ({}, {}, {"masked_fields": ["name"]}, "values of masked fields are not kept: name"),
        ({"filters": [{"field": "code", "op": "eq", "value": "none"}]}, {}, {}, "it would change nothing"),
    ],
    ids=["no key", "too many changes", "masked fields", "no change"],
)
def test_plan_that_can_not_be_approved_says_why(
    items: MakeItems, stream: dict[str, Any], type_: dict[str, Any], config: dict[str, Any], told: str
) -> None:
    job_type = items(type_, **stream)
    job_type.config |= config
    save_job_type(job_type, actor="test")
    planned = run(job_type, dry_run=True)
    assert planned.plan.state == "refused"
    assert told in planned.plan.refusal
    assert told in refusal(approve_plan, planned)
    assert "approve" not in allowed_actions(planned)


def test_record_that_comes_twice_makes_a_plan_ambiguous(items: MakeItems, source: RunningSandbox) -> None:
    job_type = items(key=["name"], batch_size=2)
    source.change_rows("items", [{"code": "C020", "name": "Name 2"}])
    planned = run(job_type, dry_run=True)
    assert "record name=Name 2 would be changed several times" in planned.plan.refusal


def test_unfinished_dry_run_and_paused_type_have_nothing_to_apply(job_type: SyncJobType) -> None:
    planned = run(job_type, dry_run=True)
    approve_plan(planned.pk, actor="ann")
    job_type.paused_at = timezone.now()
    job_type.save()
    assert "paused; resume it first" in refusal(apply_plan, planned, trigger=Trigger.CLI)
    SyncJob.objects.filter(pk=planned.pk).update(status="canceled")
    assert "there is nothing to apply" in refusal(apply_plan, planned, trigger=Trigger.CLI)
