"""Which fields of a compared record differ: a bit for each, in as many whole numbers as are needed. Runs nothing."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.sql_text import SQLText, joined, sql

BITS = 60  # of a column of the diff


def mask_names(values: int) -> list[SQLText]:
    """The diff's columns for the bits of so many fields."""
    return [_mask_name(number) for number in range(0, values, BITS)]


def masks_of(conditions: Sequence[SQLText]) -> list[SQLText]:
    """What these columns are given: the bits of the conditions that hold."""
    bits = [
        sql("CASE WHEN {condition} THEN {bit} ELSE 0 END", condition=condition, bit=_bit(number))
        for number, condition in enumerate(conditions)
    ]
    return [joined(bits[start : start + BITS], " + ") for start in range(0, len(bits), BITS)]


def is_flagged(number: int) -> SQLText:
    """The condition that the field with this number, from 0, differs; the diff has alias d."""
    return sql("(d.{mask} & {bit}) <> 0", mask=_mask_name(number), bit=_bit(number))


def has_bit(masks: Sequence[int], number: int) -> bool:
    """The same, of the values of these columns."""
    return bool(masks[number // BITS] >> number % BITS & 1)


def _mask_name(number: int) -> SQLText:
    return SQLText(f"m{number // BITS}")


def _bit(number: int) -> SQLText:
    return SQLText(str(1 << number % BITS))
