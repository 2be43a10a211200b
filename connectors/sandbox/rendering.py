"""Turns the rows of a query into the JSON text of an answer. Runs no query."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.sandbox.datasets import NUMBER, body_of
from connectors.sandbox.faults import LiveColumn
from connectors.sandbox.selecting import ADDED_VALUES, SYSTEM_FIELDS, output_name, output_names
from connectors.sandbox.soql import Selected
from connectors.sandbox.soql_sql import Sql

RowTuple = tuple[str, str, str, str]  # :id, :created_at, :updated_at and the record's JSON text


@dataclass(frozen=True)
class Answer:
    """`fields` and `types` go into the SODA 2 headers, `text` is a JSON array of objects."""

    fields: tuple[str, ...]
    types: tuple[str, ...]
    text: str


def rows_text(
    items: Sequence[Selected], stored: Collection[str], live: Sequence[LiveColumn], rows: Iterable[RowTuple]
) -> str:
    """A JSON array of the rows; those asked for with all their `stored` columns are ready-made."""
    names = {item.column for item in items if not item.alias}
    system = [name for name in SYSTEM_FIELDS if name in names]
    untouched = {column.name for column in live if column.origin == "stored"}
    whole = len(names) == len(items) and names.difference(SYSTEM_FIELDS) == untouched == set(stored)
    if whole and not system:
        texts: Iterable[str] = [row[3] for row in rows]
    elif whole:
        picks = [(f'"{name}":"', SYSTEM_FIELDS.index(name)) for name in system]
        texts = [_with_system_fields(row, picks) for row in rows]
    else:
        by_name = {column.name: column for column in live}
        texts = [body_of(_picked(row, items, by_name)) for row in rows]
    return "[" + "\n,".join(texts) + "]\n"


def _with_system_fields(row: RowTuple, picks: Sequence[tuple[str, int]]) -> str:
    """The ready-made JSON text with system fields in front; a record always has its key, so it is never empty."""
    return "{" + "".join(f'{start}{row[index]}",' for start, index in picks) + row[3][1:]


def _picked(row: RowTuple, items: Sequence[Selected], live: Mapping[str, LiveColumn]) -> dict[str, object]:
    record = dict(zip(SYSTEM_FIELDS, row, strict=False)) | json.loads(row[3])
    values = {output_name(item): _shown(record, str(item.column), live) for item in items}
    return {name: value for name, value in values.items() if value is not None}


def _shown(record: Mapping[str, object], name: str, live: Mapping[str, LiveColumn]) -> object:
    column = live.get(name)
    if column is None or column.origin == "stored":
        return record.get(name)
    return ADDED_VALUES[column.type] if column.origin == "added" else _retyped(column.type, record.get(name))


def _retyped(kind: str, value: object) -> object:
    """The value after a change of the column's type; what does not fit becomes empty, as in Socrata."""
    if kind == "number":
        return value if isinstance(value, str) and NUMBER.fullmatch(value) else None
    if kind == "text" and value is not None:
        return value if isinstance(value, str) else json.dumps(value)
    return None


def aggregate_answer(items: Sequence[Selected], selected: Sequence[Sql], rows: Iterable[Sequence[object]]) -> Answer:
    types = tuple(part.type for part in selected)
    texts = []
    for row in rows:
        shown = {
            name: bool(value) if kind == "boolean" else str(value)
            for name, kind, value in zip(output_names(items), types, row, strict=True)
            if value is not None
        }
        texts.append(body_of(shown))
    return Answer(output_names(items), types, "[" + "\n,".join(texts) + "]\n")
