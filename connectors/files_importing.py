"""Takes a file that somebody else has written into the working copy's table. Writes no file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from connectors.errors import DataError
from connectors.field_types import decode_for_target
from connectors.files_places import Place
from connectors.files_records import OpenRecords, Row, unreadable
from connectors.files_settings import FileFormat
from connectors.files_streams import StreamFiles, look_at
from connectors.files_texts import Types
from connectors.files_values import copied
from connectors.records import TYPES, Field, FieldType, Unread, key_text
from connectors.sql_tables import create_table
from connectors.sql_text import Column, SQLText, Table, joined, quote, sql
from connectors.sqlite_catalog import affinity_of, find_table
from connectors.sqlite_session import ROWS_AT_ONCE, Session

KEPT_AS_NUMBER: tuple[FieldType, ...] = ("integer", "bigint", "float", "boolean")


class Unkept(Exception):
    """A number that is none of its column's type: SQLite would take it for another number."""


@dataclass(frozen=True, slots=True)
class TargetFile:
    """A file to be written, with what belongs to it."""

    stream: str
    place: Place
    copy: Path
    lock: Path
    file_format: FileFormat
    declared: Types


def import_file(session: Session, target: TargetFile, fields: Sequence[Field], key: tuple[str, ...]) -> None:
    """Make the copy's table anew from the file, in the open transaction.

    `fields` and `key` are hints for what neither the file nor an earlier table says. Raises DataError `broken_file`, or
    `key_not_unique` for a record that the table's key does not allow.
    """
    old = find_table(session, target.stream)
    known: Types = {column.name: column.field.type for column in old.columns} if old else {}
    hints: Types = {field.name: field.type for field in fields}
    place, file_format = target.place, target.file_format
    files = look_at(target.stream, [place], file_format, target.declared, known, hints)
    names = {field.name for field in files.fields}
    wanted = old.key if old and old.key else key
    table = _table_for(files, wanted if names.issuperset(wanted) else ())
    session.execute(sql("DROP TABLE IF EXISTS {table}", table=table.sql))
    session.execute(create_table(table, [SQLText(TYPES[column.field.type].sqlite) for column in table.columns]))
    with files.open(place) as opened:
        rows = _readable(opened)
        try:
            while part := [_stored(files.fields, table.key, row) for row in islice(rows, ROWS_AT_ONCE)]:
                _insert(session, target, table, part)
        except Unkept as error:
            hint = "Mend it, or declare another type for it."
            raise DataError("broken_record", f"{opened.place}: {error}", hint=hint) from None


def _readable(opened: OpenRecords) -> Iterator[Row]:
    for record in opened.records(0, 0):
        if isinstance(record, Unread):
            raise unreadable(opened.place, record)
        yield record


def _insert(session: Session, target: TargetFile, table: Table, rows: list[Row]) -> None:
    query = sql("INSERT INTO {table} VALUES ({marks})", table=table.sql, marks=joined(sql("?") for _ in table.columns))
    session.execute(sql("SAVEPOINT syncdeck_part"))
    try:
        session.execute_many(query, rows)
    except DataError:
        session.execute(sql("ROLLBACK TO SAVEPOINT syncdeck_part"))
        _insert_each(session, target, table, query, rows)
    session.execute(sql("RELEASE SAVEPOINT syncdeck_part"))


def _insert_each(session: Session, target: TargetFile, table: Table, query: SQLText, rows: list[Row]) -> None:
    """The record that does not fit gets a name this way."""
    for row in rows:
        named = dict(zip(table.names, row, strict=True))
        try:
            session.execute(query, row, record=key_text({name: named[name] for name in table.key}))
        except DataError as error:
            raise DataError(
                "key_not_unique",
                f"{target.place.name} was changed by somebody else and cannot be taken in: {error.message}",
                hint="Mend this record in the file, then run again.",
            ) from error


def _table_for(files: StreamFiles, key: tuple[str, ...]) -> Table:
    columns = tuple(Column(field, affinity_of(TYPES[field.type].sqlite)) for field in files.fields)
    return Table(files.stream, quote(files.stream), columns, key)


def _stored(fields: Sequence[Field], key: tuple[str, ...], row: Row) -> Row:
    return tuple(_stored_value(field, value, field.name in key) for field, value in zip(fields, row, strict=True))


def _stored_value(field: Field, value: Any, in_key: bool) -> Any:
    """As the copy keeps values; one that is none of its type stays the text that it is."""
    if value is None:
        return None
    store = copied(field.type, in_key=in_key)
    try:
        decoded = decode_for_target(field.type, value)
        return store(decoded) if store else decoded
    except ValueError as error:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        if field.type in KEPT_AS_NUMBER and _is_number(text):
            raise Unkept(f"the value {text[:80]!r} of {field.name} {error}") from None
        return text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
