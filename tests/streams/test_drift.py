"""Columns that go and change at the source: a run stops before it writes, says what differs, and keeps the history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from syncjobs.models import JobLog, Schedule, SchemaSnapshot, SyncJob
from syncjobs.operations.job_types import run_job_type, save_job_type
from syncjobs.operations.schedule_pauses import pause_drifting_schedules
from syncjobs.operations.schedules import save_schedule
from syncjobs.operations.source_schemas import accept_schemas, verdict
from syncjobs.operations.state_checks import find_breaches
from syncjobs.schedule_times import Interval
from syncjobs.statuses import Trigger
from tests.streams.conftest import counts, run, run_here
from tests.streams.things import Things, failure_of, history, warnings_of


def test_dropped_column_stops_each_run_until_it_is_back_and_the_history_tells_it(things: Things) -> None:
    job_type = things.job_type()
    first = run(job_type)
    before = things.at_target()
    things.sql("ALTER TABLE things DROP COLUMN size", "UPDATE things SET name = 'other'")
    refused = [run(job_type), run(job_type)]
    for job in refused:
        assert "column 'size' missing in source (had: id,name,size; now: id,name)" in failure_of(job)
        line = JobLog.objects.get(job=job, message__contains="size (integer) is gone")
        assert line.fields["schema"] == {"dropped": {"size": "integer"}}
    assert things.at_target() == before
    things.sql("ALTER TABLE things ADD COLUMN size INT", "UPDATE things SET size = 10 * id")
    healed = run(job_type)
    assert (healed.status, counts(healed)) == ("finished", {"read": 2, "updated": 2})
    assert history() == [(True, {}), (False, {"dropped": {"size": "integer"}}), (True, {"added": {"size": "integer"}})]
    rows = SchemaSnapshot.objects.order_by("id")
    assert [row.job for row in rows] == [first, refused[0], healed]
    assert rows[1].seen_at > rows[1].first_seen_at, "the second refused run met the same schema"
    assert list(find_breaches()) == []


def test_renamed_column_is_told_as_such_and_retyped_one_with_both_types(things: Things) -> None:
    job_type = things.job_type()
    run(job_type)
    things.sql("ALTER TABLE things RENAME COLUMN name TO title")
    assert failure_of(run(job_type)).endswith("perhaps it is called 'title' now")
    things.sql("ALTER TABLE things RENAME COLUMN title TO name")
    things.retype("TEXT")
    assert "the type changed in the source: 'size' from integer to text" in failure_of(run(job_type))


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_fifth_run_of_a_schedule_in_a_row_that_meets_the_changed_source_pauses_it(things: Things) -> None:
    job_type = things.job_type()
    begin = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    schedule = save_schedule(job_type=job_type, name="Things, often", rule=Interval(60, begin), actor="test")

    def run_due(minute: int) -> SyncJob:
        due_at = begin + timedelta(minutes=minute)
        job = run_job_type(job_type, trigger=Trigger.SCHEDULER, actor="beat", schedule=schedule, due_at=due_at)
        return run_here(job)

    assert run_due(0).status == "finished"
    things.sql("ALTER TABLE things DROP COLUMN size")
    sentences = [failure_of(run_due(minute)) for minute in range(1, 5)]
    assert pause_drifting_schedules(begin) == 0
    last = run_due(5)
    assert sentences == [failure_of(last)] * 4
    assert pause_drifting_schedules(begin) == 1
    schedule = Schedule.objects.select_related("periodic_task").get(pk=schedule.pk)
    assert not schedule.periodic_task.enabled
    assert schedule.paused_reason.endswith(f"(the last is #{last.pk}): {failure_of(last)}")


def test_dry_run_meets_drift_like_any_run_but_notes_nothing(things: Things) -> None:
    job_type = things.job_type()
    run(job_type)
    things.sql("ALTER TABLE things DROP COLUMN size")
    assert "column 'size' missing" in failure_of(run(job_type, dry_run=True))
    assert len(history()) == 1


def test_columns_in_another_order_are_the_same_schema(things: Things) -> None:
    job_type = things.job_type()
    run(job_type)
    things.sql("ALTER TABLE things RENAME TO old", "CREATE TABLE things (size INT, name TEXT, id INTEGER PRIMARY KEY)")
    things.sql("INSERT INTO things SELECT size, name, id FROM old", "DROP TABLE old")
    assert counts(run(job_type)) == {"read": 2, "unchanged": 2}
    assert len(history()) == 1


def test_cursor_field_that_is_not_mapped_is_missed_all_the_same(things: Things) -> None:
    mapping = [{"to": "id", "from": "id"}, {"to": "name", "from": "name"}]
    job_type = things.job_type(mapping=mapping, extent="incremental", cursor={"field": "size"})
    run(job_type)
    things.sql("ALTER TABLE things DROP COLUMN size")
    assert "column 'size' missing in source" in failure_of(run(job_type))


def test_ignored_drop_goes_on_without_the_column_and_uses_it_again_once_it_is_back(things: Things) -> None:
    job_type = things.job_type({"dropped": "ignore"})
    run(job_type)
    things.sql("ALTER TABLE things DROP COLUMN size", "UPDATE things SET name = 'other' WHERE id = 1")
    job = run(job_type)
    assert (job.status, counts(job)) == ("finished", {"read": 2, "updated": 1, "unchanged": 1})
    assert "column 'size' missing in source" in warnings_of(job)
    assert [row["size"] for row in things.at_target()[1]] == [10, 20], "what is not read is not touched"
    things.sql("ALTER TABLE things ADD COLUMN size INT", "UPDATE things SET size = 7")
    assert counts(run(job_type)) == {"read": 2, "updated": 2}
    assert [row["size"] for row in things.at_target()[1]] == [7, 7]


def test_ignored_drop_of_what_the_mapping_needs_stops(things: Things) -> None:
    mapping = [{"to": "id", "from": "id"}, {"to": "big", "from": "size"}]
    job_type = things.job_type({"dropped": "ignore"}, mapping=mapping)
    run(job_type)
    things.sql("ALTER TABLE things DROP COLUMN size")
    assert failure_of(run(job_type)).endswith("need it")


def test_another_query_is_another_source_and_no_drift(things: Things) -> None:
    job_type = things.job_type(source="some", query="SELECT id, name, size FROM things")
    run(job_type)
    job_type.config["streams"][0]["query"] = "SELECT id, name FROM things"
    save_job_type(job_type, actor="test")
    job = run(job_type)
    assert (job.status, counts(job)) == ("finished", {"read": 2, "unchanged": 2}), job.failure
    things.sql("ALTER TABLE things RENAME TO old", "CREATE VIEW things AS SELECT id, size AS name FROM old")
    assert "the type changed in the source" in failure_of(run(job_type))


def test_accepted_schema_lets_the_next_run_go_on_and_the_history_says_who_did_it(things: Things) -> None:
    job_type = things.job_type()
    run(job_type)
    things.sql("ALTER TABLE things DROP COLUMN size", "UPDATE things SET name = 'other' WHERE id = 1")
    stopped = run(job_type)
    assert stopped.failure is not None
    assert "manage.py type accept-schema things" in stopped.failure["hint"]
    (accepted,) = accept_schemas(job_type, actor="ada")
    assert (accepted.job, verdict(accepted)) == (stopped, "accepted by ada")
    with pytest.raises(SchemaSnapshot.DoesNotExist, match="nothing to accept"):
        accept_schemas(job_type, actor="ada")
    job = run(job_type)
    assert (job.status, counts(job)) == ("finished", {"read": 2, "updated": 1, "unchanged": 1})
    assert [row["size"] for row in things.at_target()[1]] == [10, 20]
    assert history() == [(True, {}), (True, {"dropped": {"size": "integer"}})]
    things.sql("ALTER TABLE things RENAME COLUMN name TO title")
    assert "column 'name' missing in source" in failure_of(run(job_type)), "only that one schema was accepted"


def test_accepting_a_drop_of_what_the_mapping_needs_does_not_hide_it(things: Things) -> None:
    mapping = [{"to": "id", "from": "id"}, {"to": "big", "from": "size"}]
    job_type = things.job_type(mapping=mapping)
    run(job_type)
    things.sql("ALTER TABLE things DROP COLUMN size")
    failure_of(run(job_type))
    accept_schemas(job_type, actor="ada")
    job = run(job_type)
    assert job.failure is not None
    assert "missing in source (needed by the mapping" in job.failure["message"], job.failure
