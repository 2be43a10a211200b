"""How numbers, spans, times and values read on a page. Pure: plain text in and out, no markup, no clock."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from connectors.errors import SyncError
from syncjobs.counts import Counts
from syncjobs.diffs import shorten_for_show

NOTHING = "\N{EN DASH}"  # where there is no value
MINUS = "\N{MINUS SIGN}"
LONGEST_VALUE = 400  # characters of one value on a page; the whole record is in the target
LONGEST_SETTING = 160  # characters on one line
MINUTE, HOUR, DAY = 60, 3600, 86_400
LARGE = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
SPANS = ((DAY, "d", HOUR, "h"), (HOUR, "h", MINUTE, "min"), (MINUTE, "min", 1, "s"))
SIZES = ("B", "kB", "MB", "GB", "TB")


def error_words(error: SyncError) -> str:
    """What is wrong, and the way out if one is known."""
    return " ".join(filter(None, (f"{error.message}.", error.hint)))


def number_text(number: float | None) -> str:
    """1920448 → "1,920,448"; a dash for None."""
    return NOTHING if number is None else f"{number:,.0f}"


def short_number(number: float) -> str:
    """Three digits at most: 2314000 → "2.31 M"."""
    if number < 10_000:
        return f"{number:,.0f}"
    size, letter = next((size, letter) for size, letter in LARGE if number >= size * 0.9995)  # 999,900 is 1 M
    return f"{number / size:.3g} {letter}"


def size_text(number: float) -> str:
    """Bytes in powers of 1,000: 6812345 → "6.8 MB"."""
    for unit in SIZES:
        if number < 1000 or unit == SIZES[-1]:
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" or number >= 100 else f"{number:.1f} {unit}"


def span_text(seconds: float | None) -> str:
    """0.052 → "0.05 s", 3.14 → "3.1 s", 80 → "1 min 20 s", 4320 → "1 h 12 min"; a dash for None."""
    if seconds is None:
        return NOTHING
    if seconds < 10:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, word, smaller, smaller_word in SPANS:
        if whole >= unit:
            rest = whole % unit // smaller
            return f"{whole // unit} {word}" + (f" {rest} {smaller_word}" if rest else "")
    return f"{whole} s"


def relative_text(moment: datetime, now: datetime) -> str:
    """As "just now", "2 min ago", "in 28 s"; one unit is enough, since the exact time stands beside it."""
    seconds = (now - moment).total_seconds()
    if -1 < seconds < 5:
        return "just now"
    amount = _rough_span(abs(seconds))
    return f"{amount} ago" if seconds > 0 else f"in {amount}"


def _rough_span(seconds: float) -> str:
    for unit, word in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= (unit if unit != DAY else 2 * DAY):
            return f"{int(seconds // unit)} {word}"
    return f"{int(seconds)} s"


def every_text(seconds: int) -> str:
    """A span for settings, where 0 means that there is none."""
    return span_text(seconds) if seconds else "no limit"


def changed_text(counts: Counts) -> str:
    """Inserted, updated, deleted, as "+524 ~12,951"; only what happened, a 0 if nothing did."""
    signs = ((counts.inserted, "+"), (counts.updated, "~"), (counts.deleted, MINUS))
    return " ".join(f"{sign}{number:,}" for number, sign in signs if number) or "0"


def value_text(value: Any) -> str:
    """A record's value as people read it, cut where it is very long."""
    return str(shorten_for_show(whole_text(value), LONGEST_VALUE))


def whole_text(value: Any) -> str:
    """A record's value as people read it, however long it is."""
    if value is None:
        return "null"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text or "(empty)"


def setting_text(value: Any) -> str:
    """A part of a configuration in JSON, short parts on one line, so that "1" and 1 can be told apart."""
    line = json.dumps(value, ensure_ascii=False, default=str)
    return line if len(line) <= LONGEST_SETTING else pretty_json(value)


def pretty_json(value: Any) -> str:
    """Indented JSON, as settings are shown and edited."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def plural(number: int, word: str, many: str = "") -> str:
    """1 → "1 job", 3 → "3 jobs"."""
    return f"{number:,} {word if number == 1 else many or word + 's'}"
