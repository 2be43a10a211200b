"""What somebody may mean who types a record's key: a plain value, or a JSON object for keys of several fields. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from itertools import islice, product
from typing import Any

from syncjobs.texts import storable_characters

MOST_READINGS = 64
LONGEST_KEY = 2_000  # characters
KeyNames = tuple[str, ...]


class UnreadableKey(ValueError):
    """What was typed can be no key; says why, and what would be one."""


def readings_of(text: str, known_names: Iterable[KeyNames]) -> list[dict[str, Any]]:
    """The keys that the text may mean, given the names that keys have here. Raises UnreadableKey.

    "7" may be the number or the text; both are tried, since what a system holds is not known here.
    """
    text = text.strip()
    if not text:
        raise UnreadableKey("Type a key.")
    if len(text) > LONGEST_KEY:
        raise UnreadableKey(f"This is longer than {LONGEST_KEY:,} characters.")
    if text.startswith("{"):
        return _forms_of(_parsed(text))
    names = sorted(set(known_names))
    single = [name for name in names if len(name) == 1]
    if not single and names:
        raise UnreadableKey(f"The key has several fields; give it as JSON: {_example(names[0])}")
    return [key for (name,) in single for key in _forms_of({name: text})]


def _parsed(text: str) -> dict[str, Any]:
    try:
        key = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableKey('This begins like JSON but is none; write for example {"id": 7}.') from error
    if not isinstance(key, dict) or not key:
        raise UnreadableKey('A key in JSON is an object with its fields, for example {"id": 7}.')
    if not all(map(_is_plain, [*key, *key.values()])):
        raise UnreadableKey("The fields of a key are texts, numbers, true, false or null, as a database can hold them.")
    return key


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return storable_characters(value) == value
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, int)


def _forms_of(key: dict[str, Any]) -> list[dict[str, Any]]:
    choices = product(*map(_forms, key.values()))
    return [dict(zip(key, values, strict=True)) for values in islice(choices, MOST_READINGS)]


def _forms(value: Any) -> list[Any]:
    """The value, and where it reads like a number also that, or the other way round."""
    if isinstance(value, str):
        number = _number(value)
        return [value] if number is None else [value, number]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [value, str(value)]
    return [value]


def _number(text: str) -> int | float | None:
    if not (text.isascii() and len(text) <= 40):
        return None
    try:
        number = json.loads(text)
    except ValueError:
        return None
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    return number if is_number and str(number) == text else None


def _example(names: KeyNames) -> str:
    return json.dumps(dict.fromkeys(names, "…"), ensure_ascii=False)
