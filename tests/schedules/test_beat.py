"""Which jobs beat starts, and when: the clock is the test's, the database is real."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import LazySettings
from django.db import connection, connections
from django.utils import timezone
from django_celery_beat.models import PeriodicTask, SolarSchedule

from syncjobs.models import Schedule, SyncJob, SyncJobType
from syncjobs.operations.schedules import save_schedule, set_schedule_enabled
from syncjobs.schedule_times import Clocked, Crontab, Interval, Rule
from syncjobs.statuses import Trigger
from syncjobs.triggers.beat import JobScheduler
from tests.lifecycle.factories import JobTypeFactory
from tests.schedules.conftest import make_beat

BEGIN = datetime(2026, 11, 23, 6, tzinfo=UTC)
HOURLY = Interval(3600, BEGIN)
BERLIN = ZoneInfo("Europe/Berlin")


def make(job_type: SyncJobType, rule: Rule = HOURLY, begin: datetime = BEGIN, **options: object) -> Schedule:
    """A schedule made at `begin`."""
    schedule = save_schedule(job_type=job_type, name=f"Rule {rule}", rule=rule, actor="test", **options)  # type: ignore[arg-type]
    Schedule.objects.filter(pk=schedule.pk).update(last_due_at=begin)
    return Schedule.objects.get(pk=schedule.pk)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "syncjobs.beat"]


def due_times() -> list[datetime | None]:
    return list(SyncJob.objects.order_by("due_at").values_list("due_at", flat=True))


def tick_through(beat: JobScheduler, start: datetime, end: datetime, step: timedelta) -> None:
    while start <= end:
        beat.run_due(start)
        start += step


def test_a_due_time_makes_one_queued_job_that_says_why(beat: JobScheduler, job_type: SyncJobType) -> None:
    schedule = make(job_type, overrides={"queue": "long", "batch_size": 50})
    assert beat.run_due(BEGIN + timedelta(minutes=59)) == 5.0
    assert SyncJob.objects.count() == 0
    for seconds in (0, 1, 60):
        beat.run_due(BEGIN + timedelta(hours=1, seconds=seconds))
    job = SyncJob.objects.get()
    assert (job.status, job.trigger_type, job.schedule_id) == ("queued", Trigger.SCHEDULER, schedule.pk)
    assert (job.due_at, job.queue) == (BEGIN + timedelta(hours=1), "long")
    assert job.config_snapshot["config"]["streams"][0]["batch_size"] == 50


def test_beat_sleeps_just_until_the_next_due_time(beat: JobScheduler, job_type: SyncJobType) -> None:
    make(job_type)
    assert beat.run_due(BEGIN + timedelta(minutes=59, seconds=58)) == pytest.approx(2)
    assert beat.run_due(BEGIN + timedelta(hours=1)) == 5.0


def test_two_beats_on_one_due_time_make_one_job(job_type: SyncJobType) -> None:
    for number in range(20):
        make(job_type, Interval(3600 + number, BEGIN))
    now = BEGIN + timedelta(hours=1, minutes=30)
    together = threading.Barrier(2)

    def look() -> None:
        beat = make_beat()
        together.wait()
        beat.run_due(now)
        beat.run_due(now)
        connections.close_all()

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(due_times()) == 20
    assert SyncJob.objects.values("schedule").distinct().count() == 20


def test_after_six_hours_without_beat_there_is_one_run_for_all_that_were_missed(
    beat: JobScheduler, job_type: SyncJobType
) -> None:
    make(job_type)
    tick_through(
        beat, BEGIN + timedelta(hours=6, minutes=20), BEGIN + timedelta(hours=6, minutes=40), timedelta(minutes=5)
    )
    assert due_times() == [BEGIN + timedelta(hours=6)]
    beat.run_due(BEGIN + timedelta(hours=7))
    assert due_times() == [BEGIN + timedelta(hours=6), BEGIN + timedelta(hours=7)]


def test_a_schedule_without_catch_up_passes_over_what_was_missed(beat: JobScheduler, job_type: SyncJobType) -> None:
    make(job_type, catch_up="none")
    beat.run_due(BEGIN + timedelta(hours=6, minutes=20))
    assert due_times() == []
    beat.run_due(BEGIN + timedelta(hours=7, seconds=3))
    assert due_times() == [BEGIN + timedelta(hours=7)]


@pytest.mark.parametrize(
    ("evening", "expected"),
    [
        (datetime(2027, 3, 27, 20, tzinfo=BERLIN), ["2027-03-28T03:30+0200", "2027-03-29T02:30+0200"]),
        (datetime(2027, 10, 30, 20, tzinfo=BERLIN), ["2027-10-31T02:30+0200", "2027-11-01T02:30+0100"]),
    ],
    ids=["spring", "autumn"],
)
def test_each_night_of_a_clock_change_has_one_run(
    beat: JobScheduler, job_type: SyncJobType, evening: datetime, expected: list[str]
) -> None:
    begin = evening.astimezone(UTC)
    make(job_type, Crontab(minute="30", hour="2", zone="Europe/Berlin"), begin)
    tick_through(beat, begin, begin + timedelta(hours=36), timedelta(minutes=10))
    assert [f"{at.astimezone(BERLIN):%Y-%m-%dT%H:%M%z}" for at in due_times() if at] == expected


def test_a_clock_set_back_runs_nothing_twice(beat: JobScheduler, job_type: SyncJobType) -> None:
    make(job_type)
    beat.run_due(BEGIN + timedelta(hours=2, minutes=1))
    tick_through(beat, BEGIN + timedelta(minutes=30), BEGIN + timedelta(hours=3, minutes=5), timedelta(minutes=5))
    tick_through(make_beat(), BEGIN, BEGIN + timedelta(hours=3, minutes=5), timedelta(minutes=5))
    assert due_times() == [BEGIN + timedelta(hours=2), BEGIN + timedelta(hours=3)]


def test_a_job_that_exists_for_the_due_time_is_not_made_again(beat: JobScheduler, job_type: SyncJobType) -> None:
    schedule = make(job_type)
    beat.run_due(BEGIN + timedelta(hours=1))
    Schedule.objects.filter(pk=schedule.pk).update(last_due_at=BEGIN)  # as after a restored backup
    make_beat().run_due(BEGIN + timedelta(hours=1, minutes=1))
    assert due_times() == [BEGIN + timedelta(hours=1)]
    assert Schedule.objects.get().last_due_at == BEGIN + timedelta(hours=1)


@pytest.mark.parametrize("column", ["enabled", "paused_at"])
def test_a_type_that_is_disabled_or_paused_starts_nothing_and_does_not_catch_up(
    beat: JobScheduler, job_type: SyncJobType, column: str, caplog: pytest.LogCaptureFixture
) -> None:
    make(job_type)
    value = False if column == "enabled" else timezone.now()
    SyncJobType.objects.update(**{column: value})
    with caplog.at_level(logging.WARNING, "syncjobs.beat"):
        beat.run_due(BEGIN + timedelta(hours=1))
        beat.run_due(BEGIN + timedelta(hours=1, minutes=1))
    assert len(told(caplog)) == 1
    assert "starts nothing" in told(caplog)[0]
    SyncJobType.objects.update(enabled=True, paused_at=None)
    beat.run_due(BEGIN + timedelta(hours=1, minutes=30))
    assert due_times() == []
    beat.run_due(BEGIN + timedelta(hours=2))
    assert due_times() == [BEGIN + timedelta(hours=2)]


@pytest.mark.parametrize("column", [{"config": {"streams": []}}, {"controller": "gone"}])
def test_a_type_that_cannot_run_is_told_once_for_each_due_time_and_stops_no_other(
    beat: JobScheduler, job_type: SyncJobType, column: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    make(job_type)
    make(JobTypeFactory.create(config=job_type.config), Interval(3600, BEGIN + timedelta(seconds=1)))
    SyncJobType.objects.filter(pk=job_type.pk).update(**column)
    with caplog.at_level(logging.WARNING, "syncjobs.beat"):
        for seconds in (2, 7, 12):
            beat.run_due(BEGIN + timedelta(hours=1, seconds=seconds))
    assert len(told(caplog)) == 1
    assert due_times() == [BEGIN + timedelta(hours=1, seconds=1)]


def test_a_single_time_runs_once_and_is_then_switched_off(beat: JobScheduler, job_type: SyncJobType) -> None:
    at = timezone.now() + timedelta(days=400)
    schedule = make(job_type, Clocked(at))
    beat.run_due(at + timedelta(seconds=1))
    beat.run_due(at + timedelta(days=1))
    assert due_times() == [at]
    assert not PeriodicTask.objects.get(sync_schedule=schedule).enabled


def test_an_edit_counts_at_the_next_tick(beat: JobScheduler, job_type: SyncJobType) -> None:
    schedule = make(job_type, Interval(86_400, BEGIN))
    beat.run_due(BEGIN + timedelta(hours=1))
    save_schedule(job_type=job_type, name="Quicker", rule=Interval(600, BEGIN), actor="test", schedule=schedule)
    Schedule.objects.update(last_due_at=BEGIN + timedelta(hours=1))
    beat.run_due(BEGIN + timedelta(hours=1, minutes=10))
    assert due_times() == [BEGIN + timedelta(hours=1, minutes=10)]
    set_schedule_enabled(schedule, False, actor="test")
    beat.run_due(BEGIN + timedelta(hours=3))
    assert len(due_times()) == 1


def test_a_row_that_cannot_be_read_stops_no_other(
    beat: JobScheduler, job_type: SyncJobType, caplog: pytest.LogCaptureFixture
) -> None:
    sunrise = SolarSchedule.objects.create(event="sunrise", latitude=41.9, longitude=-87.6)
    stranger = PeriodicTask.objects.create(name="A stranger", task="x", solar=sunrise)
    Schedule.objects.create(periodic_task=stranger, job_type=job_type)
    make(job_type)
    with caplog.at_level(logging.ERROR, "syncjobs.beat"):
        beat.run_due(BEGIN + timedelta(hours=1))
        beat.run_due(BEGIN + timedelta(hours=1, seconds=5))
    assert len(due_times()) == 1
    assert len(told(caplog)) == 1
    assert "A stranger" in told(caplog)[0]


@pytest.fixture
def impatient_connection(transactional_db: None) -> Iterator[None]:
    """This thread's connection gives up on a locked database at once, instead of after 20 s."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")
    yield
    connection.close()


@pytest.mark.usefixtures("impatient_connection")
def test_a_locked_database_costs_a_tick_and_not_the_slot(
    beat: JobScheduler, job_type: SyncJobType, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    make(job_type)
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with caplog.at_level(logging.WARNING, "syncjobs.beat"):
        assert beat.run_due(BEGIN + timedelta(hours=1)) <= 1.0
    other.execute("ROLLBACK")
    other.close()
    assert "locked" in caplog.text
    assert due_times() == []
    beat.run_due(BEGIN + timedelta(hours=1, seconds=1))
    assert due_times() == [BEGIN + timedelta(hours=1)]


def test_beat_waits_out_a_database_that_is_away_and_says_so_once(
    beat: JobScheduler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, settings: LazySettings
) -> None:
    connection.close()
    name = connection.settings_dict["NAME"]
    with caplog.at_level(logging.INFO, "syncjobs.beat"):
        monkeypatch.setitem(connection.settings_dict, "NAME", settings.SYNCDECK_DATA_DIR / "not" / "there.sqlite3")
        assert [beat.tick(), beat.tick()] == [5.0, 5.0]
        monkeypatch.setitem(connection.settings_dict, "NAME", name)
        beat.tick()
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
