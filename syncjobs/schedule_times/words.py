"""Schedules in the words of people: `Every day at 02:08 Europe/Berlin`."""

from __future__ import annotations

from syncjobs.schedule_times.rules import Clocked, Crontab, Interval, Rule

MOST_TIMES = 6
UNITS = ((604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def describe(rule: Rule) -> str:
    """One line for people, with the zone for all that goes by the wall clock."""
    match rule:
        case Interval(seconds):
            return f"Every {_span(seconds)}"
        case Clocked(at):
            return f"Once on {at:%Y-%m-%d} at {at:%H:%M} {at.tzname()}"
        case Crontab():
            return f"{_capital(_crontab(rule))} {rule.zone}"


def _crontab(rule: Crontab) -> str:
    days, times = _days(rule), _times(rule)
    return times if days == "every day" and times.startswith("every") else f"{days} {times}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _span(seconds: int) -> str:
    size, word = next((size, word) for size, word in UNITS if seconds % size == 0)
    count = seconds // size
    return word if count == 1 else f"{count:,} {word}s"


def _days(rule: Crontab) -> str:
    """`every day`, `every Monday to Friday`, `on day 13 or every Friday of January`."""
    months = [MONTHS[number - 1] for number in rule.numbers("month")]
    days = _days_of_month(rule)
    return days if len(months) == 12 else f"{days} of {_list(months)}"


def _days_of_month(rule: Crontab) -> str:
    weekdays, days = rule.numbers("day_of_week"), rule.numbers("day_of_month")
    has_all_weekdays, has_all_days = len(weekdays) == 7, len(days) == 31
    by_week = f"every {_list([WEEKDAYS[number] for number in weekdays], _is_run(weekdays))}"
    by_month = f"on day {_list([str(number) for number in days], _is_run(days))}"
    if rule.takes_either_day:
        return "every day" if has_all_weekdays or has_all_days else f"{by_month} or {by_week}"
    if has_all_days:
        return "every day" if has_all_weekdays else by_week
    return by_month if has_all_weekdays else f"{by_week} that falls {by_month}"


def _times(rule: Crontab) -> str:
    hours, minutes = rule.numbers("hour"), rule.numbers("minute")
    if len(hours) * len(minutes) <= MOST_TIMES:
        return "at " + _list([f"{hour:02}:{minute:02}" for hour in hours for minute in minutes])
    in_hour = _minutes(rule.minute, minutes)
    if len(hours) == 24:
        return in_hour
    step = _even_step(rule.hour, 24)
    words = f"every {step} hours" if step else f"in the hours {rule.hour.replace(',', ', ')}"
    return f"{in_hour}, {words}"


def _minutes(text: str, minutes: tuple[int, ...]) -> str:
    if len(minutes) == 60:
        return "every minute"
    step = _even_step(text, 60)
    if step:
        return f"every {step} minutes"
    if len(minutes) == 1:
        return "every hour" if minutes[0] == 0 else f"every hour at minute {minutes[0]}"
    return f"every hour at minutes {_list([str(minute) for minute in minutes], _is_run(minutes))}"


def _even_step(text: str, whole: int) -> int | None:
    """5 for `*/5` where steps of 5 fill `whole` evenly."""
    step = text.strip().removeprefix("*/")
    return int(step) if text.strip() == f"*/{step}" and whole % int(step) == 0 else None


def _is_run(numbers: tuple[int, ...]) -> bool:
    return len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1


def _list(words: list[str], is_run: bool = False) -> str:
    if is_run:
        return f"{words[0]} to {words[-1]}"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
