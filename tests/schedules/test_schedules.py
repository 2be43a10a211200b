"""Making, changing, switching and deleting schedules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks

from config.celery import app
from syncjobs.models import Schedule, SyncJob, SyncJobType
from syncjobs.operations.job_types import run_job_type
from syncjobs.operations.schedules import (
    TASK_NAME,
    delete_schedule,
    describe_schedule,
    next_runs,
    rule_of,
    save_schedule,
    set_schedule_enabled,
)
from syncjobs.schedule_times import Clocked, Crontab, Interval, Rule
from syncjobs.statuses import Trigger

START = datetime(2026, 11, 1, 6, tzinfo=UTC)
NIGHTLY = Crontab(minute="8", hour="2", zone="Europe/Berlin")


def make(job_type: SyncJobType, rule: Rule = NIGHTLY, name: str = "Nightly", **options: Any) -> Schedule:
    schedule = save_schedule(job_type=job_type, name=name, rule=rule, actor="test", **options)
    return Schedule.objects.select_related("periodic_task").get(pk=schedule.pk)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Interval(900, START), "Every 15 minutes"),
        (Interval(7, START), "Every 7 seconds"),
        (Interval(86_400, START), "Every day"),
        (NIGHTLY, "Every day at 02:08 Europe/Berlin"),
        (Crontab("*/5", "8-17", "*", "jan,feb", "mon-fri", "America/Chicago"), "Every Monday"),
        (Clocked(datetime(2099, 1, 2, 3, 4, tzinfo=UTC)), "Once on 2099-01-02 at 03:04 UTC"),
    ],
)
def test_a_saved_rule_reads_back_the_same_and_in_words(job_type: SyncJobType, rule: Rule, words: str) -> None:
    schedule = make(job_type, rule)
    assert rule_of(schedule) == rule
    assert describe_schedule(schedule).startswith(words)


def test_next_five_runs_are_shown_and_none_while_it_is_off(job_type: SyncJobType) -> None:
    schedule = make(job_type)
    runs = next_runs(schedule)
    assert len(runs) == 5
    assert runs[0] > timezone.now()
    assert {run.astimezone(NIGHTLY.zone_info).strftime("%H:%M") for run in runs} == {"02:08"}
    set_schedule_enabled(schedule, False, actor="test")
    assert next_runs(schedule) == []


@pytest.mark.parametrize(
    ("options", "field", "words"),
    [
        ({"name": " "}, "name", "needs a name"),
        ({"name": "Taken"}, "name", "already a schedule named 'Taken'"),
        ({"catch_up": "all"}, "catch_up", "choose none or latest"),
        ({"rule": Clocked(START - timedelta(days=900))}, "rule", "has passed"),
        ({"rule": Crontab(hour=",".join(["10,11,12,13"] * 9))}, "rule", "at most 96 characters"),
        ({"overrides": {"batchsize": 5}}, "overrides", "batchsize: is not known; a schedule may set endpoints"),
        ({"overrides": {"queue": "fast"}}, "overrides", "choose from short, default, long"),
        ({"overrides": {"timeout": -1}}, "overrides", "timeout: must be 0 to"),
        ({"overrides": {"timeout": True}}, "overrides", "timeout: must be a whole number"),
        ({"overrides": {"endpoints": ["other"]}}, "overrides", "'other' is not one of this type's streams"),
        ({"overrides": {"batch_size": 10**9}}, "overrides", "at most 1,000,000"),
    ],
)
def test_a_bad_schedule_is_refused_with_the_field_and_the_way_out(
    job_type: SyncJobType, options: dict[str, Any], field: str, words: str
) -> None:
    make(job_type, name="Taken")
    with pytest.raises(ValidationError) as refusal:
        make(job_type, **({"name": "New"} | options))
    assert words in " ".join(refusal.value.message_dict[field])
    assert PeriodicTask.objects.count() == 1


def test_every_change_moves_the_mark_that_other_programs_watch(job_type: SyncJobType) -> None:
    schedule = make(job_type)
    marks = [PeriodicTasks.last_change()]
    for change in (
        lambda: make(job_type, Interval(60, START), schedule=schedule),
        lambda: set_schedule_enabled(schedule, False, actor="test"),
        lambda: set_schedule_enabled(schedule, True, actor="test"),
        lambda: delete_schedule(schedule, actor="test"),
    ):
        change()
        marks.append(PeriodicTasks.last_change())
    assert marks == sorted(set(marks))


def test_a_new_rule_and_a_schedule_switched_on_again_do_not_catch_up(job_type: SyncJobType) -> None:
    schedule = make(job_type)
    long_ago = START - timedelta(days=300)
    changes: list[Callable[[], object]] = [
        lambda: make(job_type, Interval(60, START), schedule=schedule),
        lambda: set_schedule_enabled(set_schedule_enabled(schedule, False, actor="t"), True, actor="test"),
    ]
    for change in changes:
        Schedule.objects.update(last_due_at=long_ago)
        before = timezone.now()
        change()
        last_due_at = Schedule.objects.get().last_due_at
        assert last_due_at is not None
        assert before <= last_due_at <= timezone.now()


def test_another_name_keeps_what_beat_has_noted_meanwhile(job_type: SyncJobType) -> None:
    schedule = make(job_type)
    noted = START + timedelta(hours=1)
    Schedule.objects.update(last_due_at=noted)
    save_schedule(job_type=job_type, name="By night", rule=NIGHTLY, actor="test", schedule=schedule)
    assert Schedule.objects.get().last_due_at == noted
    assert str(Schedule.objects.get()) == "By night"


def test_schedules_with_equal_rules_do_not_disturb_each_other(job_type: SyncJobType) -> None:
    first, second = make(job_type, Interval(60, START), "First"), make(job_type, Interval(60, START), "Second")
    save_schedule(job_type=job_type, name="First", rule=NIGHTLY, actor="test", schedule=first)
    assert rule_of(Schedule.objects.get(pk=second.pk)) == Interval(60, START)
    assert rule_of(Schedule.objects.get(pk=first.pk)) == NIGHTLY
    delete_schedule(second, actor="test")
    assert IntervalSchedule.objects.count() == 0
    assert CrontabSchedule.objects.count() == 1


def test_deleting_a_schedule_keeps_its_jobs(job_type: SyncJobType) -> None:
    schedule = make(job_type)
    run_job_type(job_type, trigger=Trigger.SCHEDULER, actor="test", schedule=schedule, due_at=START)
    delete_schedule(schedule, actor="test")
    job = SyncJob.objects.get()
    assert (job.schedule, job.due_at) == (None, START)
    assert PeriodicTask.objects.count() == CrontabSchedule.objects.count() == 0


def test_a_stock_beat_on_our_rows_would_send_a_task_that_does_nothing(job_type: SyncJobType) -> None:
    task = make(job_type).periodic_task
    assert (task.task, task.args, task.kwargs) == (TASK_NAME, "[]", "{}")
    app.finalize()
    assert not app.tasks[TASK_NAME]()
    assert SyncJob.objects.count() == 0
