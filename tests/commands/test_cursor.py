"""`manage.py sync cursor` and `type restart`: looking at the ledger, and setting cursors back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from syncjobs.management.identities import terminal_user
from syncjobs.models import StreamCursor, SyncJob, SyncJobType
from syncjobs.operations.job_type_states import pause_job_type
from syncjobs.operations.jobs import cancel_job
from tests.commands.conftest import Ask
from tests.lifecycle.factories import JobFactory, JobTypeFactory

Note = Callable[..., StreamCursor]
STREAM = {"target": "items", "key": ["code"], "extent": "incremental", "cursor": {"field": "seen"}}
WHEN = "2026-11-23T02:30:00Z"


@pytest.fixture(autouse=True)
def items(transactional_db: None) -> SyncJobType:
    return JobTypeFactory.create(slug="items", name="Items", config={"streams": [STREAM | {"source": "items"}]})


@pytest.fixture
def note(items: SyncJobType) -> Note:
    """Adds an entry to the ledger, by default one of a finished job."""

    def add(new: str | None, stream: str = "items", **columns: object) -> StreamCursor:
        job = JobFactory.create(job_type=items, status="finished")
        values = {"field": "seen", "rows": 1_500, "job": job, "created_at": WHEN} | columns
        return StreamCursor.objects.create(job_type=items, stream=stream, new=new, **values)

    return add


def test_ledger_is_listed_newest_first(ask: Ask, note: Note) -> None:
    first, second = note("a"), note("b", old="a")
    heading, *rows = ask("sync", "cursor", "items").output.splitlines()
    assert heading.split() == ["ENTRY", "STREAM", "FIELD", "FROM", "TO", "ROWS", "BY", "WHEN", "WHY"]
    assert [row.split()[:7] for row in rows] == [
        [str(second.pk), "items", "seen", "a", "b", "1,500", f"#{second.job_id}"],
        [str(first.pk), "items", "seen", "the", "start", "a", "1,500"],
    ]
    told = ask("sync", "cursor", "items", "--limit", "1", "--json").json
    assert (told["type"], told["streams"][0]["at"]) == ("items", "b")
    assert told["streams"][0]["entries"] == [
        {"id": second.pk, "stream": "items", "field": "seen", "old": "a", "new": "b", "rows": 1500}
        | {"job": second.job_id, "actor": None, "reason": None, "created_at": WHEN}
    ]


def test_type_without_entries_says_so(ask: Ask) -> None:
    assert ask("sync", "cursor", "items").output == ("The ledger of items is empty: no run has moved a cursor yet.\n")
    assert ask("sync", "cursor", "items", "--json").json["streams"] == [{"stream": "items", "at": None, "entries": []}]


def test_cursor_is_set_back_to_an_entry_or_to_the_start(ask: Ask, note: Note) -> None:
    first, _ = note("a"), note("b")
    said = ask("sync", "cursor", "items", "--rewind", str(first.pk), "--reason", "bad batch")
    assert said == (0, "The cursor of items, stream items, is at a: the next run begins there.\n", "")
    told = ask("sync", "cursor", "items", "--stream", "items", "--rewind", "start", "--json").json
    assert (told["old"], told["new"], told["job"], told["field"]) == ("a", None, None, "seen")
    assert [entry.new for entry in StreamCursor.objects.order_by("id")] == ["a", "b", "a", None]


def test_ledger_tells_who_set_a_cursor_back_and_why(ask: Ask, note: Note) -> None:
    first, _ = note("a"), note("b")
    ask("sync", "cursor", "items", "--rewind", str(first.pk), "--reason", "bad batch")
    newest = ask("sync", "cursor", "items", "--json").json["streams"][0]["entries"][0]
    assert (newest["actor"], newest["reason"], newest["job"]) == (terminal_user(), "bad batch", None)
    row = ask("sync", "cursor", "items").output.splitlines()[1]
    assert terminal_user() in row
    assert row.rstrip().endswith("bad batch")
    job = SyncJob.objects.get(pk=ask("type", "restart", "items", "--json").json["id"])
    reset = StreamCursor.objects.all()[0]
    assert (reset.actor, reset.reason) == (terminal_user(), f"the type was restarted as #{job.pk}")


def test_wrong_wishes_are_refused_in_words(ask: Ask, items: SyncJobType, note: Note) -> None:
    assert ask("sync", "cursor", "items", "--rewind", "first").code == 2
    missing = ask("sync", "cursor", "items", "--rewind", "77")
    assert (missing.code, "has no entry 77" in missing.errors) == (3, True)
    unknown = ask("sync", "cursor", "items", "--stream", "more", "--rewind", "start")
    assert (unknown.code, "it has: items" in unknown.errors) == (3, True)
    job = JobFactory.create(job_type=items)
    busy = ask("sync", "cursor", "items", "--rewind", "start")
    assert (busy.code, f"job #{job.pk} of items is queued" in busy.errors) == (3, True)
    cancel_job(job.pk, actor="test")
    items.config["streams"].append(STREAM | {"source": "more", "target": "more"})
    items.save()
    several = ask("sync", "cursor", "items", "--rewind", "start")
    assert (several.code, "--stream with one of items, more" in several.errors) == (2, True)
    assert not StreamCursor.objects.exists()


def test_restart_of_a_type_sets_its_cursors_back_and_asks_for_a_job(ask: Ask, note: Note) -> None:
    note("b")
    told = ask("type", "restart", "items", "--json").json
    job = SyncJob.objects.get(pk=told["id"])
    assert (job.status, job.trigger_type) == ("queued", "cli")
    assert [entry.new for entry in StreamCursor.objects.order_by("-id")] == [None, "b"]
    again = ask("type", "restart", "items").output
    assert again == f"Type items is restarted as job #{job.pk + 1}, which reads everything.\n"


def test_paused_type_is_not_restarted_and_keeps_its_cursor(ask: Ask, items: SyncJobType, note: Note) -> None:
    note("b")
    pause_job_type(items, actor="test")
    assert ask("type", "restart", "items").code == 3
    assert StreamCursor.objects.count() == 1
