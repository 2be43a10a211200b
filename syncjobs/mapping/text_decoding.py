"""Texts of a whole column decoded at once, where that is sure to give what decoding them one by one would. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connectors.field_numbers import INTEGER_BOUNDS, LONGEST_NUMBER
from connectors.field_types import TYPES, FieldType

PLAIN_NUMBERS = re.compile(r"[0-9+.-]*")  # neither blanks nor exponents nor words such as NaN
LONGEST_DATE = 10  # characters; longer ones have a time


def decode_texts(field_type: FieldType, texts: list[str]) -> list[Any] | None:
    """The objects of the type; None where one by one is needed, be it only to say what is wrong."""
    decode = AT_ONCE.get(field_type)
    try:
        return decode(texts) if decode and texts else None
    except (ValueError, ArithmeticError):
        return None


def are_plain_numbers(texts: list[str]) -> bool:
    """Whether each is a finite number that Python and PostgreSQL read alike, exactly, and that is not too long."""
    if not PLAIN_NUMBERS.fullmatch("".join(texts)) or max(map(len, texts), default=0) > LONGEST_NUMBER:
        return False
    try:
        sum(map(float, texts))  # of these characters it takes what Decimal takes
    except ValueError:
        return False
    return True


def _decimals(texts: list[str]) -> list[Any] | None:
    return list(map(Decimal, texts)) if are_plain_numbers(texts) else None


def _whole_numbers(bounds: tuple[int, int]) -> Callable[[list[str]], list[Any] | None]:
    def decode(texts: list[str]) -> list[Any] | None:
        numbers = list(map(int, texts))
        return numbers if bounds[0] <= min(numbers) and max(numbers) <= bounds[1] else None

    return decode


def _floats(texts: list[str]) -> list[Any] | None:
    numbers = list(map(float, texts))
    return numbers if math.isfinite(sum(numbers)) else None  # infinities and NaN survive every sum


def _dates(texts: list[str]) -> list[Any] | None:
    return list(map(date.fromisoformat, texts)) if max(map(len, texts)) <= LONGEST_DATE else None


def _datetimes(texts: list[str]) -> list[Any]:
    moments = list(map(datetime.fromisoformat, texts))
    decode = TYPES["datetime"].decode
    return [moment if moment.tzinfo is UTC else decode(moment) for moment in moments]


AT_ONCE: dict[FieldType, Callable[[list[str]], list[Any] | None]] = {
    "integer": _whole_numbers(INTEGER_BOUNDS["integer"]),
    "bigint": _whole_numbers(INTEGER_BOUNDS["bigint"]),
    "decimal": _decimals,
    "float": _floats,
    "date": _dates,
    "datetime": _datetimes,
}
