"""Transforms of a whole column at once, where that is sure to give what one by one would. Pure.

What raises a refusal, or gives None, leaves the column to the functions of `steps`, which look at each value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connectors.records import TYPES, FieldType
from syncjobs.mapping.steps import bound, bounds_step, finite_step, without_nul
from syncjobs.mapping.text_decoding import decode_texts
from syncjobs.mapping.zones import find_zone

AtOnce = Callable[[list[Any]], list[Any] | None]
"""One result for each value; they are of one kind, and there are no nulls among them."""
AtOnceBuilder = Callable[[Mapping[str, Any], date], AtOnce | None]


def run_at_once(changes: Mapping[type, AtOnce], values: list[Any]) -> list[Any] | None:
    """The change for the kind of value that a column has, besides nulls, which stay; None where there is no such."""
    kinds = set(map(type, values))
    has_nulls = type(None) in kinds
    kinds -= {type(None)}
    change = changes.get(kinds.pop()) if len(kinds) == 1 else None
    if change is None:
        return None
    made = change([value for value in values if value is not None] if has_nulls else values)
    if made is None or not has_nulls:
        return made
    following = iter(made)
    return [None if value is None else next(following) for value in values]


def _text(change: Callable[[str], str]) -> AtOnceBuilder:
    return lambda _options, _today: lambda texts: list(map(change, texts))


def _collapse(_options: Mapping[str, Any], _today: date) -> AtOnce:
    return lambda texts: [" ".join(text.split()) for text in texts]


def _truncate(options: Mapping[str, Any], _today: date) -> AtOnce:
    length = int(options["length"])
    return lambda texts: [text[:length] for text in texts]


def _null_if(options: Mapping[str, Any], _today: date) -> AtOnce:
    fold = str.casefold if options.get("ignore_case") else str
    unwanted = {fold(TYPES["text"].decode(value)) for value in options["values"]}
    longest = max(map(len, unwanted))  # a text that is longer is none of these, since folding shortens none
    return lambda texts: [None if len(text) <= longest and fold(text) in unwanted else text for text in texts]


def _decode(field_type: FieldType) -> AtOnceBuilder:
    def build(options: Mapping[str, Any], _today: date) -> AtOnce | None:
        return None if "format" in options else lambda texts: decode_texts(field_type, texts)

    return build


def _datetime(options: Mapping[str, Any], _today: date) -> AtOnce | None:
    if "format" in options:
        return None
    zone, decode = find_zone(options.get("zone", "UTC")), TYPES["datetime"].decode

    def change(texts: list[str]) -> list[Any]:
        return [
            moment if moment.tzinfo is UTC else decode(moment if moment.tzinfo else moment.replace(tzinfo=zone))
            for moment in map(datetime.fromisoformat, texts)
        ]

    return change


def _bounds(options: Mapping[str, Any], today: date) -> AtOnce:
    look_at = bounds_step(options, today)
    low, high = (float(Decimal(str(bound(options.get(name, none), today)))) for name, none in LIMITS)

    def change(texts: list[str]) -> list[Any]:
        # Rounding keeps the order: what lies between the rounded limits, lies between the exact ones.
        pairs = zip(texts, map(float, texts), strict=True)
        return [text if low < number < high else look_at(text) for text, number in pairs]

    return change


def _bounds_of_numbers(options: Mapping[str, Any], today: date) -> AtOnce:
    look_at = bounds_step(options, today)
    low, high = (bound(options.get(name, none), today) for name, none in LIMITS)
    return lambda numbers: [number if low <= number <= high else look_at(number) for number in numbers]


def _finite(options: Mapping[str, Any], today: date) -> AtOnce:
    look_at = finite_step(options, today)
    return lambda numbers: numbers if math.isfinite(sum(numbers)) else list(map(look_at, numbers))


LIMITS = (("min", -math.inf), ("max", math.inf))
TEXTS: dict[str, AtOnceBuilder] = {
    "strip": _text(str.strip),
    "collapse_spaces": _collapse,
    "strip_nul": _text(without_nul),
    "null_if": _null_if,
    "upper": _text(str.upper),
    "lower": _text(str.lower),
    "number": _decode("float"),
    "integer": _decode("bigint"),
    "decimal": _decode("decimal"),
    "date": _decode("date"),
    "datetime": _datetime,
    "truncate": _truncate,
    "bounds": _bounds,
}
BUILDERS: dict[type, dict[str, AtOnceBuilder]] = {
    str: TEXTS,
    int: {"bounds": _bounds_of_numbers},
    float: {"bounds": _bounds_of_numbers, "finite": _finite},
}


def build_at_once(op: str, options: Mapping[str, Any], today: date) -> dict[type, AtOnce]:
    """What a transform does to columns of each kind of value for which there is a quick way."""
    found = {kind: builders[op](options, today) for kind, builders in BUILDERS.items() if op in builders}
    return {kind: change for kind, change in found.items() if change is not None}
