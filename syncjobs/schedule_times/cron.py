"""The five fields of a crontab line: reading each into the set of numbers it means."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

LONGEST_FIELD = 240
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@dataclass(frozen=True, slots=True)
class CronField:
    """One of the five: its name for people, its range, and the names that stand for numbers from `low` on."""

    label: str
    low: int
    high: int
    names: tuple[str, ...] = ()


FIELDS = {
    "minute": CronField("minute", 0, 59),
    "hour": CronField("hour", 0, 23),
    "day_of_month": CronField("day of month", 1, 31),
    "month": CronField("month", 1, 12, MONTHS),
    "day_of_week": CronField("day of week", 0, 7, WEEKDAYS),  # 0 and 7 are Sunday
}


def split_line(text: str) -> dict[str, str]:
    """`8 2 * * mon` as {"minute": "8", "hour": "2", …}; ValueError where it is not five fields."""
    words = text[: LONGEST_FIELD * len(FIELDS)].split()
    if words and words[0].startswith("@"):
        instead = MACROS.get(words[0].lower(), "8 2 * * *")
        raise ValueError(f"names such as {words[0][:20]} are not known; write five fields, e.g. {instead}")
    if len(words) != len(FIELDS):
        raise ValueError(f"a crontab has five fields (minute hour day-of-month month day-of-week), not {len(words)}")
    return dict(zip(FIELDS, words, strict=True))


@lru_cache(maxsize=1_000)
def parse_field(name: str, text: str) -> tuple[int, ...]:
    """The numbers, in order, that a field means; Sunday is 0. ValueError says what can not be read."""
    field = FIELDS[name]
    if not 0 < len(text.strip()) <= LONGEST_FIELD:
        raise ValueError(f"{field.label}: write 1 to {LONGEST_FIELD} characters, * for every")
    numbers: set[int] = set()
    for part in text.split(","):
        numbers.update(_parse_part(field, part.strip()))
    if name == "day_of_week":
        numbers = {number % 7 for number in numbers}
    return tuple(sorted(numbers))


def _parse_part(field: CronField, part: str) -> range:
    span, slash, step_text = part.partition("/")
    low_text, dash, high_text = span.partition("-")
    step = _read_number(field, step_text, part) if slash else 1
    if step < 1:
        raise ValueError(f"{field.label}: the step in '{part[:20]}' must be at least 1")
    if span == "*":
        return range(field.low, field.high + 1, step)
    low = _read_number(field, low_text, part, field.names)
    high = _read_number(field, high_text, part, field.names) if dash else low
    if slash and not dash:
        raise ValueError(f"{field.label}: a step needs a range before it, as in */5 or {field.low}-{field.high}/5")
    if not (field.low <= low <= field.high and field.low <= high <= field.high):
        raise ValueError(f"{field.label}: '{part[:20]}' is outside {field.low} to {field.high}")
    if low > high:
        raise ValueError(f"{field.label}: the range '{part[:20]}' runs backwards")
    return range(low, high + 1, step)


def _read_number(field: CronField, text: str, part: str, names: tuple[str, ...] = ()) -> int:
    if text.lower() in names:
        return names.index(text.lower()) + field.low
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise ValueError(f"{field.label}: '{part[:20]}' is not understood; write e.g. *, */5, 1-5 or 1,15")
    return int(text)
