"""What differs between two states of a record, typed, in forms that JSON keeps. Pure; knows no model and no store."""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

from django.utils.duration import duration_iso_string

from connectors.field_numbers import LONGEST_NUMBER
from syncjobs.texts import storable_characters

MASK = "••••"
SECRET_NAMES = re.compile(r"passw|secret|token|api[_-]?key|private[_-]?key|credential|authorization", re.IGNORECASE)
EXACT_IN_JSON = 2**53  # beyond it a reader that keeps numbers as floats would round them
BINARY = (bytes, bytearray, memoryview)
NUMBERS = (int, float, Decimal)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

# 1. the JSON form of a value


def json_form(value: Any) -> Any:
    """The stable JSON form of any Python value; what JSON has no type for becomes text.

    Large integers, decimals (without exponent, zeros kept), bytes (base64), dates, times and durations (ISO 8601) are
    strings; times with a zone are told in UTC with a Z; NaN and the infinities are told by name.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return json_form(value.value)
    for known, form in FORMS.items():
        if isinstance(value, known):
            return form(value)
    return storable_characters(str(value))


def _whole_form(value: int) -> int | str:
    # By Decimal, since Python refuses to write integers of more than 4,300 digits.
    return int(value) if abs(value) <= EXACT_IN_JSON else format(Decimal(value), "f")


def _float_form(value: float) -> float | str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return float(value)


def _decimal_form(value: Decimal) -> str:
    if not value.is_finite() or abs(value.adjusted()) > LONGEST_NUMBER:
        return str(value)  # 1E+1000000 is not written out
    return format(value, "f")


def _datetime_form(value: dt.datetime) -> str:
    if value.utcoffset() is None:
        return value.replace(tzinfo=None).isoformat()
    try:
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    except OverflowError:  # in UTC it is before year 1 or after 9999
        return value.isoformat()


def _binary_form(value: bytes | bytearray | memoryview) -> str:
    return base64.b64encode(bytes(value)).decode("ascii")


def _object_form(value: Mapping[Any, Any]) -> dict[str, Any]:
    named = [(_name_form(name), type(name).__name__, item) for name, item in value.items()]
    return {name: json_form(item) for name, _type, item in sorted(named, key=lambda each: each[:2])}


def _name_form(name: Any) -> str:
    form = json_form(name)
    return form if isinstance(form, str) else json.dumps(form)


def _list_form(value: list[Any] | tuple[Any, ...]) -> list[Any]:
    return [json_form(item) for item in value]


def _set_form(value: set[Any] | frozenset[Any]) -> list[Any]:
    return sorted((json_form(item) for item in value), key=json.dumps)


# The first that fits counts: a datetime is a date, too. Texts and numbers may be of classes that only derive from them.
FORMS: dict[type | tuple[type, ...], Callable[[Any], Any]] = {
    str: lambda value: storable_characters(str(value)),
    int: _whole_form,
    float: _float_form,
    Decimal: _decimal_form,
    dt.datetime: _datetime_form,
    (dt.date, dt.time): lambda value: value.isoformat(),
    dt.timedelta: duration_iso_string,
    BINARY: _binary_form,
    Mapping: _object_form,
    (list, tuple): _list_form,
    (set, frozenset): _set_form,
}

# 2. comparing


def is_same(old: Any, new: Any) -> bool:
    """Whether two values are the same to a reader: numbers by exact value, times by instant, bytes by content.

    Values of different types differ (1 and "1", 1 and true, a time with a zone and one without). NaN is as NaN.
    """
    old, new = _plain(old), _plain(new)
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    for family, same in FAMILIES.items():
        if isinstance(old, family) and isinstance(new, family):
            return same(old, new)
    return bool(old == new)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _same_number(old: Any, new: Any) -> bool:
    if _is_nan(old) or _is_nan(new):
        return _is_nan(old) and _is_nan(new)
    return bool(old == new)


def _is_nan(number: float | Decimal) -> bool:
    return number.is_nan() if isinstance(number, Decimal) else number != number


def _same_time(old: dt.datetime, new: dt.datetime) -> bool:
    if old.utcoffset() is None or new.utcoffset() is None:
        return old.utcoffset() is new.utcoffset() and old.replace(tzinfo=None) == new.replace(tzinfo=None)
    return _instant(old) == _instant(new)


def _instant(moment: dt.datetime) -> dt.timedelta:
    # Python's own == calls the two 02:30 of a night when clocks go back the same, or, across zones, never equal.
    return (moment.replace(tzinfo=dt.UTC) - EPOCH) - (moment.utcoffset() or dt.timedelta())


def _same_bytes(old: Any, new: Any) -> bool:
    return bytes(old) == bytes(new)


def _same_object(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> bool:
    return old.keys() == new.keys() and all(is_same(item, new[name]) for name, item in old.items())


def _same_list(old: Any, new: Any) -> bool:
    return len(old) == len(new) and all(is_same(*pair) for pair in zip(old, new, strict=True))


FAMILIES: dict[type | tuple[type, ...], Callable[[Any, Any], bool]] = {
    NUMBERS: _same_number,
    dt.datetime: _same_time,
    BINARY: _same_bytes,
    Mapping: _same_object,
    (list, tuple): _same_list,
}


def compare_values(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, masked: Collection[str] = ()
) -> dict[str, list[Any]]:
    """{field: [old, new]} in JSON forms, of the fields that differ; fields in `masked` show MASK for their values.

    `old` None is an insert, `new` None a delete: every field that has a value on the other side. A field that one side
    does not have counts as empty there.
    """
    old, new = old or {}, new or {}
    pairs = {name: (old.get(name), new.get(name)) for name in [*old, *(name for name in new if name not in old)]}
    return {name: [_shown(name, value, masked) for value in pair] for name, pair in pairs.items() if not is_same(*pair)}


# 3. keeping and showing


def mask_values(values: Mapping[str, Any], masked: Collection[str]) -> dict[str, Any]:
    """The JSON forms of a record's values, without those of the fields in `masked`."""
    return {name: _shown(name, value, masked) for name, value in values.items()}


def _shown(name: str, value: Any, masked: Collection[str]) -> Any:
    return MASK if name in masked and value is not None else json_form(value)


def shorten_for_show(value: Any, longest: int = 500) -> Any:
    """A JSON value with every long text cut after `longest` characters; for display only, never for keeping."""
    if isinstance(value, str) and len(value) > longest:
        return f"{value[:longest]}… ({len(value):,} characters)"
    if isinstance(value, list):
        return [shorten_for_show(item, longest) for item in value]
    if isinstance(value, dict):
        return {name: shorten_for_show(item, longest) for name, item in value.items()}
    return value


def hide_secrets(value: Any) -> Any:
    """The JSON value, with MASK for whatever has a name that secrets have, such as password."""
    if isinstance(value, dict):
        named = {name for name, item in value.items() if item and SECRET_NAMES.search(str(name))}
        return {name: MASK if name in named else hide_secrets(item) for name, item in value.items()}
    return [hide_secrets(item) for item in value] if isinstance(value, list) else value
