"""`manage.py type schema`: the history of a source's columns in a terminal and for programs."""

from __future__ import annotations

from datetime import UTC, datetime

from syncjobs.models import SchemaSnapshot
from tests.commands.conftest import Ask
from tests.lifecycle.factories import JobFactory, JobTypeFactory

WHEN = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)


def test_history_is_listed_newest_first(ask: Ask, transactional_db: None) -> None:
    items = JobTypeFactory.create(slug="items")
    job = JobFactory.create(job_type=items)
    assert "No run of items has met a source schema yet." in ask("type", "schema", "items").output
    for stream in ("items", "more"):
        common = {"job_type": items, "stream": stream, "first_seen_at": WHEN, "seen_at": WHEN, "job": job}
        SchemaSnapshot.objects.create(**common, fields={"a": "text", "b": "bigint"})
        changed = {"changed": {"b": ["bigint", "text"]}}
        SchemaSnapshot.objects.create(
            **common, fields={"a": "text", "b": "text"}, differences=changed, is_accepted=False
        )
    _, *rows = ask("type", "schema", "items", "--stream", "more").output.splitlines()
    assert [row.split("  ")[0] for row in rows] == ["more", "more"]
    assert rows[0].endswith("b was bigint, is text")
    assert f"#{job.pk}" in rows[0]
    assert "stopped the run" in rows[0]
    assert rows[1].endswith("2 columns")
    told = ask("type", "schema", "items", "--json").json["streams"]
    assert list(told) == ["items", "more"]
    assert told["items"][0] == {
        "stream": "items",
        "columns": {"a": "text", "b": "text"},
        "ignored": [],
        "differences": changed,
        "is_accepted": False,
        "accepted_by": None,
        "first_seen_at": "2026-11-23T02:30:00+00:00",
        "last_seen_at": "2026-11-23T02:30:00+00:00",
        "job": job.pk,
    }


def test_schema_that_stopped_a_run_is_accepted_by_the_user_of_the_terminal(ask: Ask, transactional_db: None) -> None:
    items = JobTypeFactory.create(slug="items")
    for stream in ("items", "more"):
        common = {"job_type": items, "stream": stream, "first_seen_at": WHEN, "seen_at": WHEN}
        SchemaSnapshot.objects.create(**common, fields={"a": "text"}, is_accepted=stream == "items")
        dropped = {"dropped": {"a": "text"}}
        SchemaSnapshot.objects.create(**common, fields={}, differences=dropped, is_accepted=False)
    first = ask("type", "accept-schema", "items", "--stream", "more")
    assert first.output.splitlines()[0] == "Accepted for more: a (text) is gone"
    (second,) = ask("type", "accept-schema", "items", "--json").json["accepted"]
    assert (second["stream"], second["is_accepted"]) == ("items", True)
    assert second["accepted_by"]
    assert SchemaSnapshot.objects.filter(is_accepted=False, stream="more").count() == 1, "older ones stay as they are"
    nothing = ask("type", "accept-schema", "items")
    assert (nothing.code, nothing.output) == (3, "")
    assert "nothing to accept: the newest schema of items has stopped no run" in nothing.errors


def test_unknown_type_is_not_found(ask: Ask, transactional_db: None) -> None:
    assert ask("type", "schema", "nothing").code == 3


def test_deleting_a_type_takes_its_schemas_along(transactional_db: None) -> None:
    items = JobTypeFactory.create(slug="items")
    SchemaSnapshot.objects.create(job_type=items, stream="items", fields={}, first_seen_at=WHEN, seen_at=WHEN)
    items.delete()
    assert not SchemaSnapshot.objects.exists()
