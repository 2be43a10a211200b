"""Reads JSON strictly: one object in UTF-8, no doubt about any value, nothing that a database could not keep. Pure."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

DEEPEST = 32
LARGEST_NUMBER = 2**63 - 1
LONGEST_NUMBER = 40  # characters; Python reads whole numbers of thousands of digits in seconds
PARTS = re.compile(
    r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL
)  # a text without its end, too, so that none is read twice


class Unreadable(Exception):
    """The text is not what it must be; `code` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def read_object(body: bytes) -> dict[str, Any]:
    """The object that the bytes are. Raises Unreadable: parse_error, too_deep, expected_object, bad_value."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable("parse_error", f"The body is not UTF-8: byte {error.start} does not belong there.") from error
    _refuse_depth(text)
    try:
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_int=_read_int,
            parse_float=_read_float,
            object_pairs_hook=_unique_names,
        )
    except json.JSONDecodeError as error:
        message = f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        raise Unreadable("parse_error", message) from error
    if not isinstance(value, dict):
        raise Unreadable("expected_object", 'The body must be a JSON object such as {"name": "value"}.')
    _refuse_unstorable(value)
    return value


def _refuse_depth(text: str) -> None:
    depth = 0
    for found in PARTS.finditer(text):
        match text[found.start()]:
            case "[" | "{":
                depth += 1
                if depth > DEEPEST:
                    raise Unreadable("too_deep", f"The body is nested more than {DEEPEST} levels deep.")
            case "]" | "}":
                depth -= 1


def _refuse_constant(name: str) -> NoReturn:
    raise Unreadable("bad_value", f"{name} is no number of JSON; send null or a text.")


def _read_int(text: str) -> int:
    if len(text) > LONGEST_NUMBER or not -LARGEST_NUMBER - 1 <= int(text) <= LARGEST_NUMBER:
        raise Unreadable("bad_value", f"A whole number is beyond 64 bits: {text[:LONGEST_NUMBER]}; send it as text.")
    return int(text)


def _read_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Unreadable("bad_value", f"A number is too large: {text[:LONGEST_NUMBER]}; send it as text.")
    return value


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Unreadable("duplicate_key", f"The name {json.dumps(twice[:100])} occurs twice in one object.")
    return found


def _refuse_unstorable(value: Any) -> None:
    """No NUL and no half of a surrogate pair in any text or name."""
    if isinstance(value, str):
        if "\0" in value:
            raise Unreadable("bad_value", "A text holds a NUL character, which can not be stored.")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise Unreadable("bad_value", "A text holds half a character (a lone surrogate).") from error
    elif isinstance(value, dict):
        for name, item in value.items():
            _refuse_unstorable(name)
            _refuse_unstorable(item)
    elif isinstance(value, list):
        for item in value:
            _refuse_unstorable(item)
