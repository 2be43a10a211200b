"""`manage.py type` as a person and a script meet it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from syncjobs.models import SyncJobType
from tests.commands.conftest import Ask
from tests.lifecycle.factories import JobFactory, JobTypeFactory


@pytest.fixture(autouse=True)
def items(transactional_db: None) -> SyncJobType:
    return JobTypeFactory.create(slug="items", name="Items")


def test_pause_and_resume_take_the_queued_jobs_along(ask: Ask, items: SyncJobType) -> None:
    job = JobFactory.create(job_type=items)
    said = ask("type", "pause", "items")
    assert said == (0, "Type items is paused: nothing of it starts until: manage.py type resume items\n", "")
    job.refresh_from_db()
    assert job.status == "paused"
    said = ask("type", "resume", "items")
    assert said == (0, "Type items is resumed, with the jobs that its pause has paused.\n", "")
    job.refresh_from_db()
    assert job.status == "queued"


def test_a_pause_may_end_by_itself(ask: Ask, items: SyncJobType) -> None:
    said = ask("type", "pause", "items", "--until", "2099-01-31T02:30+00:00", "--json")
    assert (said.code, said.json["resume_at"]) == (0, "2099-01-31T02:30:00Z")
    items.refresh_from_db()
    assert items.resume_at is not None
    assert "Paused until 2099-01-31" in ask("type", "list").output
    assert ask("type", "resume", "items", "--json").json["paused_at"] is None


def test_list_tells_the_state_of_every_type(ask: Ask, items: SyncJobType) -> None:
    JobTypeFactory.create(slug="away", name="Away", enabled=False)
    JobFactory.create(job_type=items, status="started")
    JobFactory.create(job_type=items, status="failed", retry_after=timezone.now() + timedelta(seconds=9))
    JobFactory.create(job_type=items, status="finished")
    heading, *rows = ask("type", "list").output.splitlines()
    assert heading.split() == ["TYPE", "STATE", "ACTIVE", "JOBS", "CONTROLLER", "NAME"]
    assert [row.split() for row in rows] == [
        ["away", "Off", "0", "stream_sync", "Away"],
        ["items", "On", "2", "stream_sync", "Items"],
    ]
    told = ask("type", "list", "--json").json["types"]
    assert [(one["slug"], one["enabled"], one["active_jobs"]) for one in told] == [
        ("away", False, 0),
        ("items", True, 2),
    ]


def test_without_types_the_list_says_how_to_make_some(ask: Ask, items: SyncJobType) -> None:
    items.delete()
    assert "manage.py seed_defaults" in ask("type", "list").output
    assert ask("type", "list", "--json").json == {"types": []}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["pause", "nope"], 3, "There is no job type 'nope'; there are: items"),
        (["resume", "nope"], 3, "There is no job type 'nope'"),
        (["resume", "items"], 3, "Items is not paused, so there is nothing to resume."),
        (["pause", "items", "--until", "2001-01-01T00:00"], 2, "This time has passed"),
        (["pause", "items", "--until", "soon"], 2, "'soon' is not a time such as"),
        (["pause"], 2, "TYPE"),
        ([], 2, "ACTION"),
    ],
)
def test_what_cannot_be_done_has_its_exit_code(ask: Ask, arguments: list[str], code: int, words: str) -> None:
    said = ask("type", *arguments)
    assert (said.code, said.output) == (code, "")
    assert words in said.errors
    assert not SyncJobType.objects.filter(paused_at__isnull=False).exists()


def test_a_type_that_is_paused_is_not_paused_again(ask: Ask) -> None:
    ask("type", "pause", "items")
    said = ask("type", "pause", "items")
    assert (said.code, said.output) == (3, "")
    assert "Items is paused already." in said.errors
