"""How a JSON value stands in one text field, and what a typed text means. Pure; each pair undoes the other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ABSENT: Any = object()
"""What an empty field stands for: the configuration does not have it."""
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
LONGEST_NUMBER = 400


@dataclass(frozen=True, slots=True)
class Notation:
    """`write` may raise ValueError or TypeError for what it cannot show; `read` never does."""

    write: Callable[[Any], str]
    read: Callable[[str], Any]
    hint: str = ""
    """How a value is typed, for people."""


def write_text(value: Any) -> str:
    return _text(value)


def read_text(typed: str) -> Any:
    text = typed.replace("\r\n", "\n")
    return text if text.strip() else ABSENT


def write_number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return json.dumps(value)


def read_number(typed: str) -> Any:
    """The number; other text stays text, for the schema to refuse in its own words."""
    text = typed.strip()
    if not text:
        return ABSENT
    plain = text.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+", text) else text
    return json.loads(plain) if _is_number(plain) else text


def write_literal(value: Any) -> str:
    """Numbers, true, false, null and lists (a value a line) as they are; text bare where it cannot be mistaken."""
    if isinstance(value, list):
        lines = [_literal(item) for item in value]
        if len(lines) < 2:
            return json.dumps(value, ensure_ascii=False)
        return "\n".join(lines)
    return _literal(value)


def read_literal(typed: str) -> Any:
    text = typed.replace("\r\n", "\n").strip()
    if not text:
        return ABSENT
    if text[0] in "[{" and (found := _json(text)) is not ABSENT:
        return found
    lines = [line for line in text.split("\n") if line.strip()]
    return _bare(lines[0]) if len(lines) == 1 else [_bare(line) for line in lines]


def write_list(value: Any) -> str:
    """Any list of single values, one a line."""
    if not isinstance(value, list):
        raise TypeError
    return "\n".join(_literal(item) for item in value)


def read_list(typed: str) -> Any:
    lines = [line for line in typed.replace("\r\n", "\n").split("\n") if line.strip()]
    return [_bare(line) for line in lines] or ABSENT


def write_names(value: Any) -> str:
    """Names with commas between them."""
    return ", ".join(json.dumps(name, ensure_ascii=False) if _needs_quotes(_text(name)) else name for name in value)


def read_names(typed: str) -> Any:
    parts = re.findall(r'\s*("(?:[^"\\]|\\.)*"|[^,]*)\s*(?:,|$)', typed.replace("\r\n", " "))
    return [_unquoted(part.strip()) for part in parts if part.strip()] or ABSENT


def write_pairs(value: Any) -> str:
    """A table, one `key = value` a line."""
    if not isinstance(value, dict):
        raise TypeError
    return "\n".join(f"{_key(key)} = {_literal(item)}" for key, item in value.items())


def read_pairs(typed: str) -> Any:
    lines = [line for line in typed.replace("\r\n", "\n").split("\n") if line.strip()]
    found: dict[str, Any] = {}
    for line in lines:
        match = re.fullmatch(r'\s*("(?:[^"\\]|\\.)*"|[^=]*?)\s*=(.*)', line)
        if match is None or (name := _unquoted(match[1])) in found:
            return typed  # the schema says that this is no table
        found[name] = _bare(match[2]) if match[2].strip() else ""
    return found or ABSENT


TEXT = Notation(write_text, read_text)
NUMERIC = Notation(write_number, read_number)
LITERAL = Notation(
    *(write_literal, read_literal),
    'Numbers, true, false and null are taken as such; in quotes they are text, as "5". Several: one a line.',
)
LIST = Notation(write_list, read_list, 'One a line; "" is empty text.')
NAMES = Notation(write_names, read_names, "With commas between them.")
PAIRS = Notation(write_pairs, read_pairs, "One a line, as US = United States.")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if _bare_or_none(value) != value else value
    if isinstance(value, dict | list):
        raise TypeError
    return json.dumps(value)


def _bare_or_none(text: str) -> Any:
    """What the text would be read as by itself; None for what cannot stand on a line of its own."""
    if not text or text != text.strip() or text[0] in "[{" or len(text.splitlines()) > 1:
        return None
    return _bare(text)


def _bare(line: str) -> Any:
    text = line.strip()
    if text in ("true", "false", "null") or _is_number(text):
        return json.loads(text)
    return _unquoted(text)


def _unquoted(text: str) -> Any:
    if text.startswith('"') and isinstance(found := _json(text), str):
        return found
    return text


def _key(key: str) -> str:
    return json.dumps(key, ensure_ascii=False) if "=" in key or _needs_quotes(key) else key


def _needs_quotes(name: str) -> bool:
    return not name or name != name.strip() or name.startswith('"') or "," in name or len(name.splitlines()) > 1


def _is_number(text: str) -> bool:
    return len(text) <= LONGEST_NUMBER and NUMBER.fullmatch(text) is not None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return ABSENT
