"""The rule of a schedule as documents and programs write it: `every` and `start`, or `crontab` and `zone`, or `at`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError

from syncjobs.clock import db_now
from syncjobs.models import Schedule
from syncjobs.schedule_times import Clocked, Crontab, Interval, Rule, describe, moment_of

UNITS = {"days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1}
"""The periods of beat's intervals."""
GOES_WITH = {"every": "start", "crontab": "zone", "at": "zone"}
RULE_FIELDS = frozenset({*GOES_WITH, *GOES_WITH.values()})


def rule_shape(rule: Rule) -> dict[str, Any]:
    """The rule alone; times are in UTC."""
    match rule:
        case Interval(seconds, start):
            return {"every": seconds, "start": start.astimezone(UTC).isoformat()}
        case Clocked(at):
            return {"at": at.astimezone(UTC).isoformat()}
        case Crontab():
            fields = (rule.minute, rule.hour, rule.day_of_month, rule.month, rule.day_of_week)
            return {"crontab": " ".join(field.replace(" ", "") for field in fields), "zone": rule.zone}


def schedule_values(schedule: Schedule, rule: Rule | None) -> dict[str, Any]:
    """What the audit tells of a schedule; without a rule that is ours it has one made by other means."""
    task = schedule.periodic_task
    told = describe(rule) if rule is not None else "one made by other means"
    values = {"name": task.name, "job_type": schedule.job_type.slug, "rule": told, "enabled": task.enabled}
    return values | {"catch_up": schedule.catch_up, "overrides": schedule.overrides}


def rule_of(schedule: Schedule) -> Rule:
    """When the schedule is due. ValueError for a rule made by other means that cannot be read, such as a solar one."""
    task = schedule.periodic_task
    if task.interval is not None:
        seconds = task.interval.every * UNITS.get(task.interval.period, 0)
        return Interval(seconds, task.start_time or schedule.created_at)
    if task.crontab is not None:
        row = task.crontab
        return Crontab(
            row.minute, row.hour, row.day_of_month, row.month_of_year, row.day_of_week, zone=str(row.timezone)
        )
    if task.clocked is not None:
        return Clocked(task.clocked.clocked_time)
    raise ValueError(f"the schedule '{task.name}' has neither an interval nor a crontab nor a time")


def readable_rule(schedule: Schedule | None) -> Rule | None:
    """When it is due; None without a schedule, and where other means made a rule that cannot be read."""
    try:
        return rule_of(schedule) if schedule else None
    except ValueError:
        return None


def rule_from_shape(shape: Mapping[str, Any], old: Mapping[str, Any]) -> Rule:
    """The one rule of the shape; an interval without a start goes on from where the old one began.

    A time without a zone is one of `zone`, else of the project's. Raises ValidationError by field.
    """
    given = {name: value for name, value in shape.items() if name in RULE_FIELDS and value is not None}
    kinds = [name for name in GOES_WITH if name in given]
    if len(kinds) != 1:
        raise ValidationError({"rule": "give one of every (seconds), crontab and at (a time)"})
    (kind,) = kinds
    if stray := sorted(given.keys() - {kind, GOES_WITH[kind]}):
        raise ValidationError({name: f"{name} does not go with {kind}" for name in stray})
    zone = str(given.get("zone", settings.TIME_ZONE))
    try:
        match kind:
            case "every":
                return _interval(given[kind], given.get("start") or old.get("start"))
            case "crontab":
                return Crontab.from_line(str(given[kind]), zone)
        return Clocked(moment_of(datetime.fromisoformat(str(given[kind])), zone))
    except (ValueError, OverflowError) as problem:
        raise ValidationError({kind: str(problem)}) from problem


def changed_shape(given: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """The old rule with what is given: a rule of another kind keeps nothing of it."""
    named = [name for name in GOES_WITH if given.get(name) is not None]
    is_same_kind = not named or named[0] in old
    return {**(old if is_same_kind else {}), **given}


def _interval(seconds: Any, start: Any) -> Interval:
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise ValueError("an interval must be a whole number of seconds")
    return Interval(seconds, datetime.fromisoformat(str(start)) if start else db_now())
