"""The transform `json_path`: one value out of a JSON object or list, by a path such as $.owner.names[0]."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.records import TYPES
from syncjobs.mapping.problems import quote
from syncjobs.mapping.steps import OneStep

PART = re.compile(
    r"""\.(?P<name>[^.\[\]'"\s]+)|\['(?P<single>[^']+)'\]|\["(?P<double>[^"]+)"\]|\[(?P<place>-?\d{1,9})\]"""
)
EXACT = json.JSONDecoder(parse_float=Decimal, parse_constant=Decimal)  # NaN, too, which no number takes
Path = tuple[str | int, ...]


def read_path(text: str) -> Path:
    """The names and places of a path; ValueError says what a path looks like."""
    parts: list[str | int] = []
    end = len("$")
    while match := PART.match(text, end):
        end = match.end()
        name = match["name"] or match["single"] or match["double"]
        parts.append(int(match["place"]) if name is None else name)
    if not text.startswith("$") or end != len(text):
        raise ValueError(f"{quote(text)} is no path such as $.owner.name, $.names[0] or $['a name']")
    return tuple(parts)


def path_problems(options: Mapping[str, Any]) -> list[str]:
    """What is wrong with the path."""
    try:
        read_path(options["path"])
    except ValueError as error:
        return [f"path: {error}"]
    return []


def json_path_step(options: Mapping[str, Any], _today: date) -> OneStep:
    """The value at the path; nothing where the path leads nowhere or to a JSON null."""
    path = read_path(options["path"])

    def step(value: Any) -> Any:
        if not isinstance(value, str):
            return _at(path, value)
        try:
            found = _at(path, EXACT.decode(value))
        except ValueError:
            raise ValueError("is not valid JSON") from None
        return _at(path, TYPES["json"].decode(value)) if isinstance(found, dict | list) else found

    return step


def _at(path: Path, value: Any) -> Any:
    for part in path:
        if isinstance(value, dict) and isinstance(part, str):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and -len(value) <= part < len(value):
            value = value[part]
        else:
            return None
    return value
