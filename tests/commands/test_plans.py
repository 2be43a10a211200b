"""`manage.py sync approve`, `apply` and `revert`: a plan from the terminal, and the way back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings

from syncjobs.management.identities import terminal_user
from syncjobs.models import Plan, SyncJob, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, run_job_type, save_job_type
from syncjobs.operations.jobs import run_queued_job_here
from syncjobs.statuses import Trigger
from tests.commands.conftest import Ask

SQL = Callable[[str], None]


@pytest.fixture
def sql(settings: LazySettings) -> Iterator[SQL]:
    """Runs a statement in the one file that is source and target."""
    path = Path(settings.SYNCDECK_DATA_DIR) / "planned.sqlite3"

    def run_there(statement: str) -> None:
        with sqlite3.connect(path) as session:
            session.executescript(statement)
        session.close()

    yield run_there
    for one in path.parent.glob(f"{path.name}*"):
        one.unlink()


@pytest.fixture
def job_type(transactional_db: None, sql: SQL) -> SyncJobType:
    """A mirror that would insert two records, update two and delete one."""
    sql("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE copy (id INTEGER PRIMARY KEY, name TEXT)")
    sql("INSERT INTO items VALUES (1, 'new'), (2, 'new'), (3, 'same'), (4, 'four'), (5, 'five')")
    sql("INSERT INTO copy VALUES (1, 'old'), (2, 'old'), (3, 'same'), (9, 'nine')")
    save_connector(connector_from_shape({"slug": "file", "kind": "sqlite", "config": {"path": "planned.sqlite3"}}))
    stream = {"source": "items", "target": "copy", "key": ["id"], "mode": "mirror"}
    shape = {"slug": "copy", "name": "Copy", "source_connector": "file", "target_connector": "file"}
    return save_job_type(job_type_from_shape(shape | {"config": {"streams": [stream]}}), actor="test")


@pytest.fixture
def planned(job_type: SyncJobType) -> SyncJob:
    return run_here(run_job_type(job_type, trigger=Trigger.CLI, actor="test", dry_run=True))


def run_here(job: SyncJob) -> SyncJob:
    return run_queued_job_here(job, on_wait=pytest.fail)


def test_plan_is_shown_approved_applied_and_undone(ask: Ask, planned: SyncJob, sql: SQL) -> None:
    assert "Plan:     Sealed with 5 changes. Look at them, then approve it" in ask("sync", "show", planned.pk).output
    told = ask("sync", "show", planned.pk, "--json").json
    assert (told["plan"]["state"], told["plan"]["changes"], told["conflicts"]) == ("sealed", 5, [])
    assert told["allowed_actions"] == ["approve", "restart", "delete"]
    done = f"The plan of job #{planned.pk} is approved; apply it with: manage.py sync apply {planned.pk}\n"
    assert ask("sync", "approve", planned.pk) == (0, done, "")
    assert f"Approved by {terminal_user()}; its 5 changes can be applied" in ask("sync", "show", planned.pk).output
    sql("UPDATE copy SET name = 'foreign' WHERE id = 2")
    job = SyncJob.objects.get(pk=ask("sync", "apply", planned.pk, "--json").json["id"])
    assert (job.trigger_type, job.title) == ("cli", f"Plan of #{planned.pk}: {planned.title}")
    run_here(job)
    shown = ask("sync", "show", job.pk).output
    assert f"Applies the plan of: #{planned.pk}" in shown
    assert 'Conflict: update 2: The record was changed since\n  name: expected "old", found "foreign"' in shown
    told = ask("sync", "show", job.pk, "--json").json
    assert told["counts"]["skipped"] == 1
    assert [(one["key"], one["reason"]) for one in told["conflicts"]] == [({"id": 2}, "changed")]
    assert f"applied as #{job.pk}" in ask("sync", "show", planned.pk).output
    said = ask("sync", "revert", job.pk)
    assert said == (0, f"Job #{job.pk} is reverted by job #{job.pk + 1}, which is queued.\n", "")
    reverted = run_here(SyncJob.objects.get(pk=job.pk + 1))
    assert (reverted.trigger_type, reverted.diff_summary) == ("revert", {"inserted": 1, "updated": 1, "deleted": 2})
    assert f"Reverted as: #{reverted.pk}" in ask("sync", "show", job.pk).output


def test_what_can_not_be_done_is_refused_with_its_reason(ask: Ask, planned: SyncJob) -> None:
    early = ask("sync", "apply", planned.pk)
    assert early.code == 3
    assert f"plan of job #{planned.pk} can not be applied, since it is not approved yet" in early.errors
    dry = ask("sync", "revert", planned.pk)
    assert (dry.code, "since a dry run writes nothing" in dry.errors) == (3, True)
    Plan.objects.update(state="refused", refusal="it kept 3 of its 5 changes")
    refused = ask("sync", "approve", planned.pk)
    assert refused.code == 3
    assert "since it kept 3 of its 5 changes; allowed now: restart, delete" in refused.errors
    assert "It can not be approved or applied, since it kept 3" in ask("sync", "show", planned.pk).output


def test_paused_type_applies_nothing(ask: Ask, planned: SyncJob) -> None:
    ask("sync", "approve", planned.pk)
    ask("type", "pause", "copy")
    paused = ask("sync", "apply", planned.pk)
    assert (paused.code, "resume it first" in paused.errors) == (3, True)
    assert Plan.objects.get().state == "approved"
