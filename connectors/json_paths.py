"""Finds a value inside a JSON value by a path such as `data.items` or `data.-1.id`. No input or output."""

from __future__ import annotations

from typing import Any

MISSING = object()
PATH_PATTERN = r"^([^.\s]+(\.[^.\s]+)*)?$"


def value_at(value: Any, path: str, otherwise: Any = None) -> Any:
    """What lies there, for an empty path the value; numbers count places of lists, from the end if negative."""
    for part in path.split(".") if path else ():
        value = _inside(value, part)
        if value is MISSING:
            return otherwise
    return value


def _inside(value: Any, part: str) -> Any:
    if isinstance(value, dict):
        return value.get(part, MISSING)
    if isinstance(value, list):
        try:
            return value[int(part)]
        except (ValueError, IndexError):
            return MISSING
    return MISSING
