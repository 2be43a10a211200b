"""The SQLite tables of the sandbox's file: making them, and writing only what differs. What to write is the store's."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter

from connectors.sandbox.datasets import DatasetSpec, StoredValue, body_of, stored_value
from connectors.sandbox.errors import SandboxError

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS datasets (name TEXT PRIMARY KEY, shape TEXT NOT NULL, rows_updated_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS overlay (dataset TEXT, id TEXT, body TEXT, PRIMARY KEY (dataset, id));
"""

Shown = Mapping[str, object]


@dataclass(frozen=True)
class ChangeCounts:
    inserted: int = 0
    updated: int = 0
    deleted: int = 0


def table_of(spec: DatasetSpec) -> str:
    """The quoted table name; a spec's names are checked to be plain words when it is taken in."""
    return f'"rows_{spec.name}"'


def column_of(name: str) -> str:
    return f'"c_{name}"'


def prepare_table(connection: sqlite3.Connection, spec: DatasetSpec, moment: str) -> None:
    """Makes the dataset's table, anew when its columns or key are not those of the file."""
    shape = body_of({"columns": dict(spec.columns), "key": spec.key})
    found = connection.execute("SELECT shape FROM datasets WHERE name = ?", (spec.name,)).fetchone()
    if found and found[0] == shape:
        return
    # Columns have no declared type: values are compared as the types they are stored in.
    columns = ", ".join(column_of(name) for name in spec.columns)
    connection.execute(f"DROP TABLE IF EXISTS {table_of(spec)}")
    connection.execute(
        f"CREATE TABLE {table_of(spec)} (id TEXT PRIMARY KEY, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,"
        f" body TEXT NOT NULL, {columns})"
    )
    connection.execute("INSERT OR REPLACE INTO datasets VALUES (?, ?, ?)", (spec.name, shape, moment))


def existing_bodies(connection: sqlite3.Connection, spec: DatasetSpec) -> dict[str, str]:
    return dict(connection.execute(f"SELECT id, body FROM {table_of(spec)}"))  # noqa: S608 - a checked name


def existing_body(connection: sqlite3.Connection, spec: DatasetSpec, row_id: str) -> str | None:
    query = f"SELECT body FROM {table_of(spec)} WHERE id = ?"  # noqa: S608 - a checked name
    found = connection.execute(query, (row_id,)).fetchone()
    return str(found[0]) if found else None


def overlay_bodies(connection: sqlite3.Connection, spec: DatasetSpec) -> dict[str, str | None]:
    """Records changed by hand; None stands for a removed one."""
    return dict(connection.execute("SELECT id, body FROM overlay WHERE dataset = ?", (spec.name,)))


def write_difference(
    connection: sqlite3.Connection,
    spec: DatasetSpec,
    existing: Mapping[str, str],
    wanted: Iterable[tuple[str, Shown]],
    moment: str,
) -> ChangeCounts:
    """Makes the `existing` records (id to body) the `wanted` ones, stamping with `moment` only those that differ."""
    seen: set[str] = set()
    writes: list[tuple[StoredValue, ...]] = []
    for row_id, shown in wanted:
        if row_id in seen:
            raise SandboxError(f"Dataset {spec.name}: two records have the key {_key_text(spec, shown)}.")
        seen.add(row_id)
        body = body_of(shown)
        if existing.get(row_id) != body:
            values = (stored_value(kind, shown.get(name)) for name, kind in spec.columns.items())
            writes.append((row_id, moment, moment, body, *values))
    removed = existing.keys() - seen
    inserted = len([write for write in writes if str(write[0]) not in existing])
    _write(connection, spec, writes, removed, moment)
    return ChangeCounts(inserted, len(writes) - inserted, len(removed))


def _write(
    connection: sqlite3.Connection,
    spec: DatasetSpec,
    writes: list[tuple[StoredValue, ...]],
    removed: Iterable[str],
    moment: str,
) -> None:
    names = ["id", "created_at", "updated_at", "body", *map(column_of, spec.columns)]
    kept = ", ".join(f"{name} = excluded.{name}" for name in names if name not in ("id", "created_at"))
    marks = ", ".join("?" * len(names))
    upsert = (
        f"INSERT INTO {table_of(spec)} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - checked names
        f" ON CONFLICT (id) DO UPDATE SET {kept}"
    )
    # In the order of the identifiers, so that pages by `:id` lie together on the disk.
    connection.executemany(upsert, sorted(writes, key=itemgetter(0)))
    delete = f"DELETE FROM {table_of(spec)} WHERE id = ?"  # noqa: S608 - a checked name
    gone = connection.executemany(delete, [(row_id,) for row_id in removed]).rowcount
    if writes or gone > 0:
        connection.execute("UPDATE datasets SET rows_updated_at = ? WHERE name = ?", (moment, spec.name))


def _key_text(spec: DatasetSpec, shown: Shown) -> str:
    return json.dumps({field: shown[field] for field in spec.key}, ensure_ascii=False)
