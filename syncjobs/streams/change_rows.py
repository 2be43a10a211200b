"""Writes record changes by the quickest way that each database has, in short transactions. The ORM is too slow here."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any

from django.db import connection, transaction

from connectors.base import KeptChange
from syncjobs.diffs import MASK
from syncjobs.fingerprints import key_hash
from syncjobs.models import Change, JobBatch

CHUNK = 5_000  # rows of one transaction; heartbeats of others must not wait long on SQLite
ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")  # and not the letters after an escaped backslash
ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
COLUMNS = ("job_id", "batch_id", "stream", "key", "key_hash", "operation", "fields")


def save_changes(batch: JobBatch, changes: Iterable[KeptChange], masked: Collection[str] = ()) -> int:
    """Store the changes of an open batch; returns how many. They count only once the batch is committed.

    Of fields in `masked` they tell that they differ, and never how; then none may be rendered.
    """
    rows = (_row(batch, change, masked) for change in changes)
    saved = 0
    while chunk := list(islice(rows, CHUNK)):
        with transaction.atomic():
            _insert(chunk)
        saved += len(chunk)
    return saved


def drop_changes(batch: JobBatch) -> None:
    """Remove what an open batch has stored, in short transactions."""
    mine = Change.objects.filter(job_id=batch.job_id, batch_id=batch.pk).order_by("id")
    while ids := list(mine.values_list("pk", flat=True)[:CHUNK]):
        Change.objects.filter(pk__in=ids)._raw_delete(using=connection.alias)


def _row(batch: JobBatch, change: KeptChange, masked: Collection[str]) -> tuple[Any, ...]:
    key, fields = change.key, change.fields
    if masked and not isinstance(fields, str):
        key = {name: MASK if name in masked else value for name, value in key.items()}
        fields = {name: [_masked(one) for one in pair] if name in masked else pair for name, pair in fields.items()}
    return (
        batch.job_id,
        batch.pk,
        batch.stream,
        _json(key),
        key_hash(change.key),
        change.operation,
        fields if isinstance(fields, str) else _json(fields),
    )


def _masked(value: Any) -> str | None:
    return None if value is None else MASK


def _json(value: Any) -> str:
    # PostgreSQL's jsonb refuses NUL; a replacement character is shown instead.
    text = ENCODER.encode(value)
    return ESCAPED_NUL.sub("\\1\ufffd", text) if "\\u0000" in text else text


def _insert(rows: list[tuple[Any, ...]]) -> None:
    quote = connection.ops.quote_name
    table, columns = quote(Change._meta.db_table), ", ".join(quote(name) for name in COLUMNS)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        places = ", ".join(["%s"] * len(COLUMNS))
        cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", rows)  # noqa: S608 - names are ours
