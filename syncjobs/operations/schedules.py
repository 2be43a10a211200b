"""Schedules: make, change, switch and delete them. Each is a django-celery-beat row beside one of ours.

Every write to beat's rows goes through the model's save or delete, since nothing else moves the mark by which other
programs notice a change. When a schedule is due is for schedule_times to say, running it for triggers.beat.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeAlias

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask

from syncjobs.clock import db_now
from syncjobs.models import Schedule, SyncJobType
from syncjobs.operations.auditing import record
from syncjobs.operations.editions import take_next_version
from syncjobs.operations.schedule_overrides import overrides_problems
from syncjobs.operations.schedule_rules import UNITS, schedule_values
from syncjobs.operations.schedule_rules import rule_of as rule_of
from syncjobs.schedule_times import Clocked, Crontab, Interval, Rule, describe, next_times, rule_warnings

logger = logging.getLogger("syncjobs.schedules")

# What a stock beat, pointed at our rows by mistake, would send: a task built into Celery that does nothing. Our own
# task must not stand here, since it needs a job's number.
TASK_NAME = "celery.accumulate"
RuleRow: TypeAlias = Any  # an IntervalSchedule, CrontabSchedule or ClockedSchedule; beat's models are untyped
TAKEN = "There is already a schedule named '{}'; choose another name."
RULE_FIELDS = ("interval", "crontab", "clocked", "solar")


def save_schedule(
    *,
    job_type: SyncJobType,
    name: str,
    rule: Rule,
    actor: str,
    enabled: bool = True,
    catch_up: str = Schedule.CatchUp.LATEST.value,
    overrides: dict[str, Any] | None = None,
    schedule: Schedule | None = None,
) -> Schedule:
    """Make a schedule, or change the given one. Its first run is the first due time from now on.

    Raises ValidationError by field: name, rule, catch_up, overrides; and EditConflict if it was edited meanwhile.
    """
    now = db_now()
    is_new = schedule is None
    schedule = schedule or Schedule(periodic_task=PeriodicTask())
    before = None if is_new else _values(schedule)
    is_new_rule = _rule_row_of(schedule.periodic_task) is None or rule_of(schedule) != rule
    _check(schedule, job_type, name.strip(), rule if is_new_rule or enabled else None, catch_up, overrides or {}, now)
    with _telling_taken_names(name.strip()), transaction.atomic():
        if not is_new:
            take_next_version(schedule)
        begins_anew = is_new_rule or (enabled and not schedule.periodic_task.enabled)
        _save_task(schedule.periodic_task, name.strip(), rule, enabled=enabled)
        schedule.periodic_task_id = schedule.periodic_task.pk
        schedule.job_type, schedule.catch_up, schedule.overrides = job_type, catch_up, overrides or {}
        if begins_anew:  # what was due before, or by another rule, is not caught up
            schedule.last_due_at = now
        if enabled:
            schedule.paused_reason = ""
        if is_new:
            schedule.save()
        else:  # beat may have moved last_due_at meanwhile
            fields = ["job_type", "catch_up", "overrides", "paused_reason", *(["last_due_at"] if begins_anew else [])]
            schedule.save(update_fields=fields)
        verb = "schedule.create" if is_new else "schedule.update"
        record(verb, schedule, before=before, after=_values(schedule), actor=actor)
        told = (str(schedule), job_type.slug, actor, describe(rule))
        transaction.on_commit(lambda: logger.info("Schedule '%s' of %s was saved by %s: %s", *told))
    return schedule


def set_schedule_enabled(schedule: Schedule, enabled: bool, *, actor: str) -> Schedule:
    """Switch a schedule on or off; switched on, it does not catch up.

    Raises ValidationError for a time that has passed, and EditConflict if it was edited meanwhile.
    """
    now = db_now()
    if enabled:
        _refuse_past(rule_of(schedule), now)
    with transaction.atomic():
        take_next_version(schedule)
        if enabled and not schedule.periodic_task.enabled:
            schedule.last_due_at, schedule.paused_reason = now, ""
            schedule.save(update_fields=["last_due_at", "paused_reason"])
        before, after = {"enabled": schedule.periodic_task.enabled}, {"enabled": enabled}
        schedule.periodic_task.enabled = enabled
        schedule.periodic_task.save()
        record(f"schedule.{'enable' if enabled else 'disable'}", schedule, before=before, after=after, actor=actor)
    logger.info("Schedule '%s' was switched %s by %s", schedule, "on" if enabled else "off", actor)
    return schedule


def delete_schedule(schedule: Schedule, *, actor: str) -> None:
    """Delete the schedule with beat's rows of it; its jobs stay. Raises EditConflict if it was edited meanwhile."""
    with transaction.atomic():
        take_next_version(schedule)
        record("schedule.delete", schedule, before=_values(schedule), actor=actor)
        row = _rule_row_of(schedule.periodic_task)
        schedule.periodic_task.delete()  # takes our row along
        _delete_unused(row)
    logger.info("Schedule '%s' was deleted by %s", schedule, actor)


def describe_schedule(schedule: Schedule, now: datetime | None = None) -> str:
    """When it runs, in words, with a warning where that is never."""
    rule = rule_of(schedule)
    return " ".join([describe(rule), *rule_warnings(rule, now or db_now())])


def next_runs(schedule: Schedule, count: int = 5, now: datetime | None = None) -> list[datetime]:
    """The next due times in UTC; none while the schedule is switched off."""
    return next_times(rule_of(schedule), now or db_now(), count) if schedule.periodic_task.enabled else []


def _values(schedule: Schedule) -> dict[str, Any]:
    return schedule_values(schedule, rule_of(schedule) if _rule_row_of(schedule.periodic_task) else None)


def _check(
    schedule: Schedule,
    job_type: SyncJobType,
    name: str,
    rule: Rule | None,
    catch_up: str,
    overrides: dict[str, Any],
    now: datetime,
) -> None:
    problems: dict[str, list[str]] = {}
    if not 0 < len(name) <= 200 or "\0" in name:
        problems["name"] = ["A schedule needs a name of 1 to 200 characters."]
    elif name != schedule.periodic_task.name and _others(schedule, name).exists():
        problems["name"] = [TAKEN.format(name)]
    if catch_up not in Schedule.CatchUp.values:
        problems["catch_up"] = [f"'{catch_up[:40]}' does not exist; choose {' or '.join(Schedule.CatchUp.values)}."]
    if found := overrides_problems(job_type, overrides):
        problems["overrides"] = found
    if problems:
        raise ValidationError(problems)
    if rule is not None:
        _refuse_past(rule, now)


def _others(schedule: Schedule, name: str) -> QuerySet[Any, Any]:
    """Other tasks of beat with this name, however it is capitalised."""
    found: QuerySet[Any, Any] = PeriodicTask.objects.filter(name__iexact=name).exclude(pk=schedule.periodic_task.pk)
    return found


@contextmanager
def _telling_taken_names(name: str) -> Iterator[None]:
    """For the case that somebody makes a schedule of the same name at the same moment."""
    try:
        yield
    except IntegrityError as error:
        if PeriodicTask.objects.filter(name=name).exists():
            raise ValidationError({"name": [TAKEN.format(name)]}) from error
        raise


def _refuse_past(rule: Rule, now: datetime) -> None:
    if isinstance(rule, Clocked) and rule.at <= now:
        raise ValidationError({"rule": [f"{describe(rule)} has passed; choose a time to come."]})


# Beat's rows


def _save_task(task: PeriodicTask, name: str, rule: Rule, *, enabled: bool) -> None:
    before = _rule_row_of(task) if task.pk else None
    row = _rule_row(rule)
    for field in RULE_FIELDS:
        setattr(task, field, None)
    setattr(task, _field_of(rule), row)
    task.name, task.task, task.enabled = name, TASK_NAME, enabled
    task.one_off = isinstance(rule, Clocked)
    task.start_time = rule.start if isinstance(rule, Interval) else None
    task.save()
    if before is not None and before != row:
        _delete_unused(before)


def _field_of(rule: Rule) -> str:
    return {Interval: "interval", Crontab: "crontab", Clocked: "clocked"}[type(rule)]


def _rule_row(rule: Rule) -> RuleRow:
    """The row of a rule. Rows may be shared, so they are never changed: another rule has another row."""
    match rule:
        case Interval(seconds):
            period = next(unit for unit, size in UNITS.items() if seconds % size == 0)
            return _find_or_make(IntervalSchedule, every=seconds // UNITS[period], period=period)
        case Clocked(at):
            return _find_or_make(ClockedSchedule, clocked_time=at)
    fields = {"minute": rule.minute, "hour": rule.hour, "day_of_month": rule.day_of_month}
    fields |= {"month_of_year": rule.month, "day_of_week": rule.day_of_week}
    for name, text in fields.items():
        longest = CrontabSchedule._meta.get_field(name).max_length
        if len(text) > longest:
            raise ValidationError({"rule": [f"{name.replace('_', ' ')}: write at most {longest} characters."]})
    return _find_or_make(CrontabSchedule, **fields, timezone=rule.zone)


def _find_or_make(model: type[Any], **values: Any) -> Any:
    return model.objects.filter(**values).first() or model.objects.create(**values)


def _rule_row_of(task: PeriodicTask) -> RuleRow | None:
    return task.interval or task.crontab or task.clocked


def _delete_unused(row: RuleRow | None) -> None:
    if row is not None and not row.periodictask_set.exists():
        row.delete()
