"""What a sandbox dataset is: columns, key, rows, and how values look in JSON and in SQLite. No storage, no HTTP."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from connectors.sandbox.errors import SandboxError

Row = Mapping[str, object]
StoredValue = str | int | float | None

# The types of Socrata's column metadata, and what the header X-SODA2-Types calls them.
SODA2_TYPES = {
    "text": "text",
    "number": "number",
    "calendar_date": "floating_timestamp",
    "checkbox": "boolean",
    "point": "point",
    "location": "location",
    "url": "url",
}
SYSTEM_TYPES = {":id": "row_identifier", ":created_at": "fixed_timestamp", ":updated_at": "fixed_timestamp"}

COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
NAME = re.compile(r"[a-z][a-z0-9_]*")
FLOATING = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?)?")


@dataclass(frozen=True)
class Edition:
    """Which data a dataset is asked for: the release (current or previous) and the day it is today."""

    release: str
    today: date


RowSource = Callable[[Edition], Iterable[Row]]


@dataclass(frozen=True)
class DatasetSpec:
    """One dataset. `columns` maps field name to Socrata type; `rows` are records or a function of the edition.

    The name comes from the mapping the spec stands in; an empty id becomes a four-by-four made from the name.
    """

    key: tuple[str, ...]
    columns: Mapping[str, str]
    rows: Sequence[Row] | RowSource
    id: str = ""
    title: str = ""
    description: str = ""
    attribution: str = ""
    notice: str = ""
    name: str = ""

    def named(self, name: str) -> DatasetSpec:
        """The spec under its name, checked. Raises SandboxError."""
        spec = replace(self, name=name, id=self.id or four_by_four(name), title=self.title or name)
        if not all(NAME.fullmatch(word) for word in (name, *spec.columns)):
            raise SandboxError(f"Dataset {name}: names of datasets and columns are lower case letters, digits and _.")
        if unknown := [kind for kind in spec.columns.values() if kind not in SODA2_TYPES]:
            raise SandboxError(
                f"Dataset {name}: {unknown[0]} is not a column type; choose from {', '.join(SODA2_TYPES)}."
            )
        if not spec.key or any(field not in spec.columns for field in spec.key):
            raise SandboxError(f"Dataset {name}: its key must name at least one of its columns.")
        return spec

    def rows_of(self, edition: Edition) -> Iterator[Row]:
        return iter(self.rows(edition) if callable(self.rows) else self.rows)

    def row_id(self, row: Row) -> str:
        """The stable `:id` of a record, made from its key alone. Raises SandboxError when a key field is empty."""
        if any(row.get(field) in (None, "") for field in self.key):
            raise SandboxError(f"Dataset {self.name}: a record needs its key ({', '.join(self.key)}).")
        key = "\x1f".join([self.name, *(str(row[field]) for field in self.key)])
        letters = hash_letters(key)
        return f"row-{letters[:4]}.{letters[4:8]}_{letters[8:]}"

    def encode(self, row: Row) -> dict[str, object]:
        """The record as SODA 2 shows it: column order, numbers as text, empty fields left out. Raises SandboxError."""
        shown: dict[str, object] = {}
        column = ""
        try:
            for column, kind in self.columns.items():
                value = row.get(column)
                if value is not None:
                    # Text as it is, without a call: a start encodes a million values.
                    shown[column] = value if kind == "text" and type(value) is str else ENCODERS[kind](value)
        except ValueError as error:
            raise SandboxError(f"Dataset {self.name}: column {column} cannot hold {error}.") from error
        return shown


def four_by_four(name: str) -> str:
    letters = hash_letters(f"dataset {name}")
    return f"{letters[:4]}-{letters[4:8]}"


def hash_letters(text: str) -> str:
    """Sixteen letters and digits that stand for the text, the same on every machine."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def body_of(shown: Mapping[str, object]) -> str:
    return COMPACT.encode(shown)


def floating_time(text: str) -> str | None:
    """A local time in Socrata's one form, 2026-11-22T14:05:00.000, or None when the text is no such time."""
    match = FLOATING.fullmatch(text)
    if match is None:
        return None
    day, minutes, seconds, fraction = match.groups()
    shown = f"{day}T{minutes or '00:00'}:{seconds or '00'}.{(fraction or '').ljust(3, '0')[:3]}"
    try:
        datetime.fromisoformat(shown)
    except ValueError:
        return None
    return shown


def _encode_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r}: it takes text")
    return value


def _encode_number(value: object) -> str:
    text = str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
    if not NUMBER.fullmatch(text):
        raise ValueError(f"{value!r}: it takes a number")
    return text


def _encode_time(value: object) -> str:
    text = floating_time(value) if isinstance(value, str) else None
    if text is None:
        raise ValueError(f"{value!r}: it takes a local time such as 2026-11-22T14:05:00.000")
    return text


def _encode_checkbox(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r}: it takes true or false")
    return value


def _encode_object(value: object) -> object:
    if not isinstance(value, (dict, str)):
        raise ValueError(f"{value!r}: it takes an object")
    return value


ENCODERS: dict[str, Callable[[object], object]] = {
    "text": _encode_text,
    "number": _encode_number,
    "calendar_date": _encode_time,
    "checkbox": _encode_checkbox,
    "point": _encode_object,
    "location": _encode_object,
    "url": _encode_object,
}


def stored_number(text: str) -> int | float:
    """A number for comparing: exact while it fits 64 bits, a double beyond."""
    try:
        whole = int(text)
    except ValueError:
        return float(text)
    return whole if -(2**63) <= whole < 2**63 else float(text)


def stored_value(kind: str, value: object) -> StoredValue:
    """The value of one encoded field in the form SQLite compares it in."""
    if value is None:
        return None
    if kind == "number":
        return stored_number(str(value))
    if isinstance(value, bool):
        return int(value)
    return value if isinstance(value, str) else body_of({"value": value})
