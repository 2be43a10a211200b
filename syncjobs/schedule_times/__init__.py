"""When schedules are due and how people call it: pure functions, with the time passed in."""

from syncjobs.schedule_times.rules import (
    CatchUp,
    Clocked,
    Crontab,
    Due,
    Interval,
    Rule,
    due_now,
    latest_due,
    next_due,
    next_times,
    rule_warnings,
    times_between,
)
from syncjobs.schedule_times.walls import moment_of
from syncjobs.schedule_times.words import describe

__all__ = [
    "CatchUp",
    "Clocked",
    "Crontab",
    "Due",
    "Interval",
    "Rule",
    "describe",
    "due_now",
    "latest_due",
    "moment_of",
    "next_due",
    "next_times",
    "rule_warnings",
    "times_between",
]
