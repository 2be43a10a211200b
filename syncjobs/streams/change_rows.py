"""Writes record changes by the quickest way that each database has. The ORM is too slow here."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import Any

from django.db import connection, transaction

from connectors.base import KeptChange, RecordChange, RenderedChange
from syncjobs.diffs import MASK
from syncjobs.fingerprints import canonical_hash, key_hash
from syncjobs.models import Change, JobBatch, SyncJob

CHUNK = 5_000  # rows of one transaction on SQLite, where heartbeats of others must not wait long
LINES = 200  # that are sent at once
MOST_LENGTH = 8 * 1024**2  # characters of these
ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")  # and not the letters after an escaped backslash
ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
COLUMNS = ("job_id", "batch_id", "stream", "key", "key_hash", "operation", "fields")
ESCAPES = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}  # of COPY; the backslash comes first
Row = tuple[str, int, str, str]


def save_changes(batch: JobBatch, changes: Iterable[KeptChange], masked: Collection[str] = ()) -> int:
    """Store the changes of an open batch; returns how many. They count only once the batch is committed.

    Of fields in `masked` they tell that they differ, and never how; then none may be rendered.
    """
    rows = (_rendered(change) if isinstance(change, RenderedChange) else _row(change, masked) for change in changes)
    return _copy(batch, rows) if connection.vendor == "postgresql" else _insert(batch, rows)


def drop_changes(batch: JobBatch) -> None:
    """Remove what an open batch has stored, in short transactions."""
    mine = Change.objects.filter(job_id=batch.job_id, batch_id=batch.pk).order_by("id")
    while ids := list(mine.values_list("pk", flat=True)[:CHUNK]):
        Change.objects.filter(pk__in=ids)._raw_delete(using=connection.alias)


def _row(change: RecordChange, masked: Collection[str]) -> Row:
    key, fields = change.key, change.fields
    if masked:
        key = {name: MASK if name in masked else value for name, value in key.items()}
        fields = {name: [_masked(one) for one in pair] if name in masked else pair for name, pair in fields.items()}
    return (
        _without_nul(ENCODER.encode(key)),
        key_hash(change.key),
        change.operation,
        _without_nul(ENCODER.encode(fields)),
    )


def _rendered(change: RenderedChange) -> Row:
    return change.key, canonical_hash(change.key), change.operation, _without_nul(change.fields)


def _masked(value: Any) -> str | None:
    return None if value is None else MASK


def _without_nul(text: str) -> str:
    """PostgreSQL's jsonb refuses NUL; a replacement character is shown instead."""
    return ESCAPED_NUL.sub("\\1\ufffd", text) if "\\u0000" in text else text


def _copy(batch: JobBatch, rows: Iterator[Row]) -> int:
    """All rows by one COPY: the database stores some while the next are made."""
    if (first := next(rows, None)) is None:
        return 0
    rows, saved = chain([first], rows), 0
    table, columns = _target(COLUMNS)
    begin = f"{batch.job_id}\t{batch.pk}\t{_escaped(batch.stream)}"
    query = f"COPY {table} ({columns}) FROM STDIN"
    with transaction.atomic(), connection.cursor() as cursor:
        with cursor.copy(query) as copy:
            while chunk := _some(rows, LINES):
                copy.write("".join(_lines(begin, chunk)))
                saved += len(chunk)
        _look_for_job(batch)
    return saved


def _lines(begin: str, rows: list[Row]) -> list[str]:
    texts = "".join([f"{key}{fields}" for key, _, _, fields in rows])
    if any(sign in texts for sign in ESCAPES):
        rows = [(_escaped(key), number, operation, _escaped(fields)) for key, number, operation, fields in rows]
    return [f"{begin}\t{key}\t{number}\t{operation}\t{fields}\n" for key, number, operation, fields in rows]


def _escaped(text: str) -> str:
    for sign, escaped in ESCAPES.items():
        if sign in text:
            text = text.replace(sign, escaped)
    return text


def _insert(batch: JobBatch, rows: Iterator[Row]) -> int:
    saved, about = 0, (batch.job_id, batch.pk, batch.stream)
    table, columns = _target(COLUMNS)
    places = ", ".join(["%s"] * len(COLUMNS))
    query = f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608 - the names are ours
    while chunk := [about + row for row in _some(rows, CHUNK)]:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(query, chunk)
            _look_for_job(batch)
        saved += len(chunk)
    return saved


def _some(rows: Iterator[Row], most: int) -> list[Row]:
    """The next of them, fewer where they are large."""
    some, length = [], 0
    for row in rows:
        some.append(row)
        length += len(row[-1])
        if len(some) == most or length > MOST_LENGTH:
            break
    return some


def _look_for_job(batch: JobBatch) -> None:
    """Raise SyncJob.DoesNotExist where it was deleted meanwhile; until the transaction ends it can not be."""
    lock = "FOR KEY SHARE" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM syncjobs_syncjob WHERE id = %s {lock}", [batch.job_id])  # noqa: S608
        if cursor.fetchone() is None:
            raise SyncJob.DoesNotExist(f"job #{batch.job_id} was deleted")


def _target(names: Iterable[str]) -> tuple[str, str]:
    quote = connection.ops.quote_name
    return quote(Change._meta.db_table), ", ".join(map(quote, names))
