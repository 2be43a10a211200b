"""`manage.py sync run` of a type that syncs documents: its options, in this process and queued, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group, User

from syncjobs.models import SyncJob, SyncJobType
from tests.commands.conftest import Ask
from tests.commands.documents import badges
from tests.lifecycle.factories import JobFactory, JobTypeFactory


@pytest.fixture(autouse=True)
def badge_type(transactional_db: None) -> Iterator[SyncJobType]:
    with badges() as job_type:
        yield job_type


@pytest.fixture
def ann(badge_type: SyncJobType) -> User:
    return User.objects.create_user("ann")


def newest() -> SyncJob:
    job = SyncJob.objects.first()
    assert job is not None
    return job


def test_a_document_is_synced_in_this_process_and_its_diff_shown(ask: Ask, ann: User) -> None:
    said = ask("sync", "run", "badges", "--source", ann.pk, "--inline", "--json")
    assert (said.code, said.json["status"], said.json["operation"]) == (0, "finished", "insert")
    assert (said.json["source_document_name"], said.json["trigger_type"]) == (str(ann.pk), "cli")
    group = Group.objects.get()
    assert (group.name, said.json["target_document_name"]) == ("ann 0", str(group.pk))
    shown = ask("sync", "show", said.json["id"]).output
    assert f"Source:   auth.User {ann.pk}\n" in shown
    assert f"Target:   insert auth.Group {group.pk}\n" in shown
    assert 'Context:  {"copy": 0}\n' in shown
    assert f"Change:   insert auth.Group {group.pk}\n" in shown
    assert '  name: null → "ann 0"\n' in shown


def test_a_dry_run_shows_what_would_change(ask: Ask, ann: User) -> None:
    job = ask("sync", "run", "badges", "--source", ann.pk, "--inline", "--dry-run", "--json").json
    shown = ask("sync", "show", job["id"]).output
    assert "Status:   Planned" in shown
    assert "would insert auth.Group" in shown
    assert '  name: null → "ann 0"\n' in shown
    assert not Group.objects.exists()


def test_a_target_given_in_advance_is_updated_and_deleted(ask: Ask, ann: User) -> None:
    group = Group.objects.create(name="old")
    target = ("--target", group.pk, "--inline", "--json")
    said = ask("sync", "run", "badges", "--source", ann.pk, "--operation", "update", *target)
    group.refresh_from_db()
    assert (said.code, said.json["status"], group.name) == (0, "finished", "ann renamed")
    said = ask("sync", "run", "badges", "--operation", "delete", "--target-type", "auth.Group", *target)
    assert (said.code, said.json["operation"]) == (0, "delete")
    assert not Group.objects.exists()


def test_a_relay_in_this_process_runs_its_children_too(ask: Ask, ann: User) -> None:
    said = ask("sync", "run", "badges", "--source", ann.pk, "--context", '{"copies": 3}', "--inline", "--json")
    assert (said.code, said.json["status"]) == (0, "relayed")
    assert (said.json["children_summary"]["total"], said.json["children_summary"]["done"]) == (3, 3)
    assert set(Group.objects.values_list("name", flat=True)) == {"ann 0", "ann 1", "ann 2"}
    shown = ask("sync", "show", said.json["id"]).output
    assert "Children: 3 in all: 3 done, 0 failed, 0 running\n" in shown
    assert "3 inserted" in shown


def test_nothing_and_no_are_values_that_the_type_does_not_overrule(ask: Ask, badge_type: SyncJobType) -> None:
    SyncJobType.objects.filter(pk=badge_type.pk).update(verbose_logging=True, update_without_changes_enabled=True)
    flags = ("insert", "update", "delete", "update-without-changes", "verbose-logging")
    numbers = ("--timeout", 0, "--retry-delay", 0, "--max-retries", 0, "--priority", -5)
    said = ask("sync", "run", "badges", *numbers, *(f"--no-{flag}" for flag in flags), "--queue", "long")
    assert said.code == 0, said.errors
    job = newest()
    assert (job.timeout, job.retry_delay, job.max_retries, job.priority, job.queue) == (0, 0, 0, -5, "long")
    columns = (*(f"{flag.replace('-', '_')}_enabled" for flag in flags[:4]), "verbose_logging")
    assert {column: getattr(job, column) for column in columns} == dict.fromkeys(columns, False)


def test_what_is_not_given_is_as_the_type_has_it(ask: Ask, badge_type: SyncJobType) -> None:
    SyncJobType.objects.filter(pk=badge_type.pk).update(timeout=7, max_retries=0, delete_enabled=False)
    ask("sync", "run", "badges", "--update-without-changes")
    job = newest()
    assert (job.timeout, job.max_retries, job.priority) == (7, 0, 0)
    assert (job.insert_enabled, job.delete_enabled, job.update_without_changes_enabled) == (True, False, True)
    assert (job.operation, job.source_document_name, job.dedupe_key) == ("", "", "")


def test_a_job_that_is_not_queued_stays_pending_and_says_how_to_start_it(ask: Ask) -> None:
    said = ask("sync", "run", "badges", "--no-queue", "--source", 1)
    job = newest()
    assert job.status == "pending"
    assert said == (0, f"Job #{job.pk} {job.title} is pending; start it with: manage.py sync start {job.pk}\n", "")
    assert ask("sync", "start", job.pk).code == 0
    assert newest().status == "queued"


def test_a_dedupe_key_makes_no_second_job_while_one_waits(ask: Ask) -> None:
    asked = ("sync", "run", "badges", "--dedupe-key", "C1", "--no-queue", "--json")
    first, second = ask(*asked), ask(*asked)
    assert second.json["id"] == first.json["id"]
    assert "waits already with this dedupe key" in second.errors
    assert "waits already" not in first.errors
    assert ask(*asked, "--force").json["id"] > first.json["id"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--context", "[1]"], 'must be a JSON object such as {"name": "value"}'),
        (["--context", "{"], "it is not JSON"),
        (["--operation", "upsert"], "invalid choice: 'upsert'"),
        (["--operation", "update"], "--operation update needs --target, the name of the document."),
        (["--operation", "delete", "--target-type", "auth.Group"], "--operation delete needs --target"),
        (["--target", "7"], "With --target give --operation, too"),
        (["--source", ""], "it is empty"),
        (["--source", "x" * 256], "it has 256 characters, at most 255 are kept"),
        (["--source", "caf\udce9"], "no text in UTF-8"),
        (["--queue", "fast"], "There is no queue 'fast'; choose one of: "),
        (["--timeout", "-1"], ": timeout: "),
        (["--timeout", "soon"], "invalid int value: 'soon'"),
        (["--max-retries", "101"], ": max_retries: "),
        (["--priority", "3000000000"], "it is beyond 2,147,483,647"),
        (["--start-date", "2026-11-01"], "Type badges has no streams, so it takes no --start-date"),
        (["--endpoints", "a", "--batch-size", "5"], "so it takes no --endpoints and no --batch-size"),
        (["--no-queue", "--inline"], "goes with neither --inline nor --wait"),
        (["--no-queue", "--wait"], "goes with neither --inline nor --wait"),
    ],
)
def test_what_makes_no_sense_is_bad_usage_and_makes_no_job(ask: Ask, arguments: list[str], words: str) -> None:
    said = ask("sync", "run", "badges", *arguments)
    assert (said.code, said.output) == (2, "")
    assert words in said.errors
    assert not SyncJob.objects.exists()


def test_a_stream_sync_takes_no_documents(ask: Ask) -> None:
    stream = {"source": "items", "target": "items", "key": ["code"]}
    JobTypeFactory.create(slug="items", config={"streams": [stream]})
    said = ask("sync", "run", "items", "--source", "C1")
    assert (said.code, said.output) == (2, "")
    assert "Type items syncs streams, so it takes no --source." in said.errors
    assert ask("sync", "run", "items", "--no-delete", "--timeout", 0, "--json").json["timeout"] == 0
    assert newest().delete_enabled is False


def test_a_paused_type_is_a_conflict(ask: Ask) -> None:
    assert ask("type", "pause", "badges").code == 0
    said = ask("sync", "run", "badges", "--source", 1)
    assert (said.code, said.output) == (3, "")
    assert "Badges is paused; resume it first." in said.errors


def test_a_job_that_waits_says_its_place_in_the_queue(ask: Ask) -> None:
    busy = "waits in queue 'default', whose 1 slot is busy"
    job = JobFactory.create(wait_reason=busy)
    shown = ask("sync", "show", job.pk).output
    assert "Status:   Queued (place 1 of 1 in queue 'default', whose 1 slot is busy)\n" in shown
