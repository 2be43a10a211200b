"""What each transform does to one value, as functions built from the transform's options.

A step sees no nulls (a null passes through the chain) and raises ValueError with words that follow "value …".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, get_args

from connectors.field_numbers import NotFinite, not_finite_name
from connectors.field_types import decode_for_target
from connectors.records import TYPES, FieldType
from syncjobs.mapping.zones import find_zone

OneStep = Callable[[Any], Any]
Builder = Callable[[Mapping[str, Any], date], OneStep]
"""(options, today) → the function; `today` says what this_year and next_year are."""
YEARS = {"this_year": 0, "next_year": 1}


class RefusedValue(ValueError):
    """A value of the right type that the mapping refuses; `code` is that of its reject."""

    code = "wrong_type"


class OutOfBounds(RefusedValue):
    """A value lies outside the bounds that its mapping sets."""

    code = "out_of_bounds"


# 1. text: what is no text passes as it is.


def text_step(change: Callable[[str], str]) -> Builder:
    def step(value: Any) -> Any:
        return change(value) if isinstance(value, str) else value

    return lambda _options, _today: step


def collapse(text: str) -> str:
    return " ".join(text.split())


def without_nul(text: str) -> str:
    return text.replace("\x00", "")


def truncate_step(options: Mapping[str, Any], today: date) -> OneStep:
    length = int(options["length"])
    return text_step(lambda text: text[:length])(options, today)


def null_if_step(options: Mapping[str, Any], _today: date) -> OneStep:
    """Texts match exactly or in any case, numbers by value, so 0 meets 0, 0.0 and the text "0"; NaN has its name."""
    decode_text = TYPES["text"].decode
    fold = str.casefold if options.get("ignore_case") else str
    texts = {fold(decode_text(value)) for value in options["values"]}
    not_numbers = {name for name in get_args(NotFinite) if fold(name) in texts}
    numbers: set[Any] = set()
    for value in options["values"]:
        if isinstance(value, int | float) and not isinstance(value, bool):
            numbers |= {value, Decimal(str(value))}

    def step(value: Any) -> Any:
        if isinstance(value, str):
            return None if fold(value) in texts else value
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            is_odd = not_numbers and not_finite_name(value) in not_numbers
            return None if value in numbers or is_odd else value
        return value if isinstance(value, bytes) or fold(decode_text(value)) not in texts else None

    return step


# 2. types


def decode_step(field_type: FieldType) -> Builder:
    return lambda _options, _today: partial(decode_for_target, field_type)


def _parse_by(pattern: str) -> Callable[[str], datetime]:
    def parse(text: str) -> datetime:
        try:
            return datetime.strptime(text.strip(), pattern)  # noqa: DTZ007 - the zone is added by the caller
        except ValueError:
            raise ValueError(f"does not look like {pattern}") from None

    return parse


def date_step(options: Mapping[str, Any], _today: date) -> OneStep:
    decode = TYPES["date"].decode
    if "format" not in options:
        return decode
    parse = _parse_by(options["format"])
    return lambda value: parse(value).date() if isinstance(value, str) else decode(value)


def datetime_step(options: Mapping[str, Any], _today: date) -> OneStep:
    """A time without a zone of its own is taken in `zone`, UTC by default; the result is in UTC."""
    zone = find_zone(options.get("zone", "UTC"))
    parse = _parse_by(options["format"]) if "format" in options else _parse_iso
    decode = TYPES["datetime"].decode

    def step(value: Any) -> Any:
        moment = parse(value) if isinstance(value, str) else value
        if isinstance(moment, date) and not isinstance(moment, datetime):
            moment = datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001 - placed just below
        if isinstance(moment, datetime) and moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return decode(moment)

    return step


def _parse_iso(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("is not a time such as 2026-11-23T02:30:00Z") from None


# 3. bounds and finite numbers


def bound(limit: Any, today: date) -> Any:
    """A limit as a number."""
    return today.year + YEARS[limit] if isinstance(limit, str) else limit


def bounds_step(options: Mapping[str, Any], today: date) -> OneStep:
    low = bound(options.get("min", -math.inf), today)
    high = bound(options.get("max", math.inf), today)
    exact_low, exact_high = Decimal(str(low)), Decimal(str(high))  # the text 41.6 is not below the limit 41.6
    wide_low, wide_high = float(exact_low), float(exact_high)
    makes_null = options.get("outside") == "null"
    words = _bounds_words(options, today)

    def step(value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            is_inside = low <= value <= high
        elif isinstance(value, str) and _is_between(wide_low, value, wide_high):
            is_inside = True  # rounding keeps the order, so that the exact number lies between the exact limits
        else:
            number = decode_for_target("decimal", value)
            is_inside = not number.is_nan() and exact_low <= number <= exact_high
        if is_inside:
            return value
        if makes_null:
            return None
        raise OutOfBounds("lies within no bounds" if not_finite_name(value) == "NaN" else f"is {words}")

    return step


def finite_step(options: Mapping[str, Any], _today: date) -> OneStep:
    makes_null = options.get("otherwise") == "null"

    def step(value: Any) -> Any:
        if not_finite_name(value) is None:
            return value
        if makes_null:
            return None
        raise ValueError("is not a finite number")

    return step


def _is_between(low: float, text: str, high: float) -> bool:
    try:
        return low < float(text) < high
    except ValueError:
        return False


def _bounds_words(options: Mapping[str, Any], today: date) -> str:
    if "min" in options and "max" in options:
        return f"outside {bound(options['min'], today)} to {bound(options['max'], today)}"
    return f"below {bound(options['min'], today)}" if "min" in options else f"above {bound(options['max'], today)}"
