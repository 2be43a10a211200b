"""Numbers as the types of fields take them, exactly or not at all; those that are not finite have names. Pure."""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

NotFinite = Literal["NaN", "Infinity", "-Infinity"]
"""The names of numbers that are not finite, as PostgreSQL spells them; so they stand in JSON, which has none."""

INTEGER_BOUNDS: dict[str, tuple[int, int]] = {"integer": (-(2**31), 2**31 - 1), "bigint": (-(2**63), 2**63 - 1)}
SURE_LENGTH = 16  # characters of a number with a point; so few digits every floating-point number keeps
LONGEST_NUMBER = 1_000  # characters; Python refuses longer integers and no target takes them
NOT_FINITE = re.compile(r"\s*(?:(nan)|([+-]?)inf(?:inity)?)\s*", re.IGNORECASE)


def not_finite_name(value: Any) -> NotFinite | None:
    """The name of a number that is not finite, or of the one that a text means; None for all else."""
    if not isinstance(value, float | Decimal | str) or (isinstance(value, float) and math.isfinite(value)):
        return None
    found = NOT_FINITE.fullmatch(str(value))
    if found is None:
        return None
    if found[1]:
        return "NaN"
    return "-Infinity" if found[2] == "-" else "Infinity"


def decode_decimal(value: Any) -> Decimal:
    """A finite number, exactly. ValueError says why it is none."""
    if isinstance(value, bool):
        raise ValueError("is true or false, not a number")
    text = str(value).strip()
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"has more than {LONGEST_NUMBER} digits")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("is not a number") from None
    if not number.is_finite():
        raise ValueError("is not a finite number")
    if abs(number.adjusted()) > LONGEST_NUMBER:
        raise ValueError("is outside the range of numbers that targets can hold")
    return number


def decode_whole(value: Any, bounds: tuple[int, int]) -> int:
    """A whole number within bounds. ValueError says why it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        whole = value
    else:
        number = decode_decimal(value)
        if number != number.to_integral_value():
            raise ValueError("is not a whole number")
        whole = int(number)
    if not bounds[0] <= whole <= bounds[1]:
        raise ValueError(f"is outside {bounds[0]} to {bounds[1]}")
    return whole


def decode_float(value: Any) -> float:
    """A finite number. ValueError says why it is none."""
    if isinstance(value, bool):
        raise ValueError("is true or false, not a number")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("is not a number") from None
    if not math.isfinite(number):
        raise ValueError("is not a finite number")
    return number


class InexactNumber(ValueError):
    """A number in JSON for which no floating-point number stands."""


def exact_float(text: str) -> float:
    """A number in JSON with a fraction or exponent. Raises InexactNumber where it would become another one."""
    number = float(text)
    if len(text) > SURE_LENGTH or not text.replace(".", "").lstrip("-").isdigit():
        digits = max(1, len(text.lower().partition("e")[0].replace(".", "").lstrip("-0")))
        try:
            is_exact = Decimal(f"{number:.{digits - 1}e}") == Decimal(text)
        except InvalidOperation:
            is_exact = False
        if not is_exact:
            raise InexactNumber(f"holds the number {text[:40]}, which would be rounded there")
    return number


def exact_number(text: str) -> float | Decimal:
    """The same as a decimal number where no floating-point number stands for it."""
    try:
        return exact_float(text)
    except InexactNumber:
        return Decimal(text)
