"""A schedule whose runs fail five times in a row by drift switches itself off, says so, and counts anew once on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from syncjobs.dispatch import Dispatcher
from syncjobs.models import Schedule, SyncJob, SyncJobType
from syncjobs.operations.schedule_pauses import pause_drifting_schedules
from syncjobs.operations.schedules import save_schedule, set_schedule_enabled
from syncjobs.schedule_times import Interval
from syncjobs.statuses import Status
from tests.lifecycle.factories import JobFactory

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SENTENCE = "items: column 'b' missing in source (had: a,b,c; now: a,c)"
DRIFT: dict[str, Any] = {"class": "data", "code": "schema_drift", "message": SENTENCE, "hint": "", "retryable": False}
OTHER = DRIFT | {"code": "not_null", "message": "items: a record has no a, which the target requires"}


@pytest.fixture
def schedule(job_type: SyncJobType) -> Schedule:
    return save_schedule(job_type=job_type, name="Items, often", rule=Interval(60, NOW), actor="test")


def add_run(schedule: Schedule, status: Status = Status.ERROR, failure: dict[str, Any] | None = DRIFT) -> SyncJob:
    """The schedule's next run, which ended so."""
    before = SyncJob.objects.filter(schedule=schedule).count()
    due_at = NOW + timedelta(minutes=before)
    values = {"status": status.value, "failure": failure if status is Status.ERROR else None, "due_at": due_at}
    return JobFactory.create(job_type=schedule.job_type, schedule=schedule, **values)


def add_relay(schedule: Schedule) -> None:
    """A run of two streams, one of which met a changed source."""
    parent = add_run(schedule, Status.RELAYED)
    values = {"job_type": schedule.job_type, "parent": parent}
    JobFactory.create(**values, position=0, status=Status.FINISHED.value)
    JobFactory.create(**values, position=1, status=Status.ERROR.value, failure=DRIFT)


def is_on(schedule: Schedule) -> bool:
    schedule = Schedule.objects.select_related("periodic_task").get(pk=schedule.pk)
    return bool(schedule.periodic_task.enabled)


def test_five_drift_failures_in_a_row_switch_it_off_with_the_sentence(schedule: Schedule) -> None:
    for _ in range(4):
        add_run(schedule)
    assert (pause_drifting_schedules(NOW), is_on(schedule)) == (0, True)
    last = add_run(schedule)
    assert (pause_drifting_schedules(NOW), is_on(schedule)) == (1, False)
    schedule.refresh_from_db()
    for words in ("paused itself at 2026-11-23 09:00 UTC", "5 runs in a row", f"#{last.pk}", SENTENCE):
        assert words in schedule.paused_reason
    assert pause_drifting_schedules(NOW) == 0, "it is off already"


def test_switched_on_again_it_counts_anew(schedule: Schedule) -> None:
    for _ in range(5):
        add_run(schedule)
    pause_drifting_schedules(NOW)
    schedule = set_schedule_enabled(Schedule.objects.get(pk=schedule.pk), True, actor="ann")
    assert (schedule.paused_reason, pause_drifting_schedules(NOW), is_on(schedule)) == ("", 0, True)
    for _ in range(4):
        add_run(schedule)
    assert (pause_drifting_schedules(NOW), is_on(schedule)) == (0, True)
    add_run(schedule)
    assert (pause_drifting_schedules(NOW), is_on(schedule)) == (1, False)


def test_saving_it_switched_on_forgets_why_it_was_off(schedule: Schedule) -> None:
    for _ in range(5):
        add_run(schedule)
    pause_drifting_schedules(NOW)
    schedule.refresh_from_db()
    rule = Interval(60, NOW)
    saved = save_schedule(job_type=schedule.job_type, name="Items", rule=rule, actor="ann", schedule=schedule)
    saved.refresh_from_db()
    assert (saved.paused_reason, is_on(saved)) == ("", True)


@pytest.mark.parametrize(
    ("status", "failure"),
    [(Status.FINISHED, None), (Status.ERROR, OTHER), (Status.FAILED, None)],
    ids=["finished", "another error", "failed"],
)
def test_any_other_end_breaks_the_row(schedule: Schedule, status: Status, failure: dict[str, Any] | None) -> None:
    for place in range(6):
        add_run(schedule) if place != 2 else add_run(schedule, status, failure)
    assert (pause_drifting_schedules(NOW), is_on(schedule)) == (0, True)
    add_run(schedule)
    add_run(schedule)
    assert pause_drifting_schedules(NOW) == 1


def test_runs_that_read_nothing_neither_count_nor_break_the_row(schedule: Schedule) -> None:
    for status in (Status.SKIPPED, Status.CANCELED, Status.PAUSED, Status.HELD):
        add_run(schedule)
        add_run(schedule, status)
    assert pause_drifting_schedules(NOW) == 0
    add_run(schedule)
    add_run(schedule, Status.QUEUED)
    assert pause_drifting_schedules(NOW) == 1


def test_a_run_of_several_streams_fails_by_its_children_and_other_schedules_stay_on(
    schedule: Schedule, job_type: SyncJobType
) -> None:
    other = save_schedule(job_type=job_type, name="Other", rule=Interval(60, NOW), actor="test")
    for _ in range(5):
        add_relay(schedule)
        add_run(other, Status.RELAYED)
    assert pause_drifting_schedules(NOW) == 1
    schedule.refresh_from_db()
    assert SENTENCE in schedule.paused_reason
    assert (is_on(schedule), is_on(other)) == (False, True)


def test_the_dispatcher_looks_by_itself(schedule: Schedule) -> None:
    for _ in range(5):
        add_run(schedule)
    Dispatcher().tick(NOW)
    assert not is_on(schedule)
