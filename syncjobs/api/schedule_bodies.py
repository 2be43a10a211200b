"""What a schedule may be given: its rule as documents of configuration have it, and what its runs are limited to."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from rest_framework import serializers

from syncjobs.api.fields import JsonObject, StrictBoolean, StrictInteger, StrictSerializer, StrictText
from syncjobs.api.visible import visible_job_types
from syncjobs.models import Schedule
from syncjobs.operations.schedule_rules import RULE_FIELDS, changed_shape, readable_rule, rule_from_shape, rule_shape
from syncjobs.operations.schedules import save_schedule
from syncjobs.schedule_times import Rule
from syncjobs.schedule_times.rules import LONGEST_INTERVAL_SECONDS

OF_THE_PROJECT = "without a zone it is in `zone`, else in the project's"


class ScheduleChanges(StrictSerializer):
    """A schedule's fields, each optional; what is not given is as it is. A rule is one of every, crontab and at."""

    name = StrictText(
        required=False, max_length=200, help_text="Each name once; a new one has the job type's where none is given."
    )
    job_type = StrictText(required=False, max_length=100, help_text="A slug.")
    every = StrictInteger(
        required=False, min_value=1, max_value=LONGEST_INTERVAL_SECONDS, help_text="Seconds, in real time."
    )
    start = serializers.DateTimeField(required=False, help_text="From when `every` counts; not given: from now.")
    crontab = StrictText(
        required=False, max_length=1_200, help_text="Five fields by the wall clock, such as 8 2 * * 1-5."
    )
    zone = StrictText(required=False, max_length=63, help_text="Of crontab or at, such as Europe/Berlin.")
    at = StrictText(required=False, max_length=40, help_text=f"Once; ISO 8601, {OF_THE_PROJECT}.")
    enabled = StrictBoolean(required=False)
    catch_up = serializers.ChoiceField(
        Schedule.CatchUp.choices, required=False, help_text="What becomes of missed runs."
    )
    overrides = JsonObject(
        required=False, help_text="For its runs only, such as endpoints, batch_size, queue, timeout."
    )


class ScheduleBody(ScheduleChanges):
    """A new schedule."""

    job_type = StrictText(max_length=100, help_text="A slug.")


def save_given(given: dict[str, Any], schedule: Schedule | None, *, user: User) -> Schedule:
    """The schedule as it is with what is given, or a new one. Raises ValidationError by field, and EditConflict."""
    before: dict[str, Any] = {} if schedule is None else _as_it_is(schedule)
    new = before | given
    slug = new["job_type"]
    job_type = visible_job_types(user).filter(slug=slug).first()
    if job_type is None:
        raise ValidationError({"job_type": f"There is no job type '{slug}'."})
    return save_schedule(
        job_type=job_type,
        name=new.get("name", job_type.name),
        rule=_rule(given, schedule),
        enabled=new.get("enabled", True),
        catch_up=new.get("catch_up", Schedule.CatchUp.LATEST.value),
        overrides=new.get("overrides", {}),
        schedule=schedule,
        actor=user.get_username(),
    )


def _as_it_is(schedule: Schedule) -> dict[str, Any]:
    task = schedule.periodic_task
    shape = {"name": task.name, "job_type": schedule.job_type.slug, "enabled": task.enabled}
    return shape | {"catch_up": schedule.catch_up, "overrides": schedule.overrides}


def _rule(given: dict[str, Any], schedule: Schedule | None) -> Rule:
    kept = readable_rule(schedule) if schedule else None
    if kept is not None and not RULE_FIELDS & given.keys():
        return kept
    old = rule_shape(kept) if kept else {}
    told = {**given, "start": given["start"].isoformat()} if "start" in given else given
    return rule_from_shape(changed_shape(told, old), old)
