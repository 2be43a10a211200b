"""Keeps the sandbox's records in its own SQLite file, so that a restart changes nothing. Knows no HTTP and no SoQL.

A record's `:updated_at` moves only when its content does: loading compares with what is there and writes what differs.
Records changed by hand are kept in an overlay that wins over the release until `reset`.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from connectors.sandbox.datasets import DatasetSpec, Edition, body_of
from connectors.sandbox.errors import SandboxError, invalid_request, missing_dataset, no_such_column
from connectors.sandbox.soql_sql import show_moment
from connectors.sandbox.tables import (
    SCHEMA,
    ChangeCounts,
    Shown,
    existing_bodies,
    existing_body,
    overlay_bodies,
    prepare_table,
    write_difference,
)

RELEASES = ("current", "previous")
BUSY_SECONDS = 20


class Store:
    """The file and its datasets. Reading takes a connection per thread; writing goes through one lock."""

    def __init__(self, path: Path, datasets: Mapping[str, DatasetSpec], today: Callable[[], date]) -> None:
        """Opens or makes the file and loads every dataset. Raises SandboxError when the file cannot be used."""
        self.path = path
        self.datasets = {name: spec.named(name) for name, spec in datasets.items()}
        self._today = today
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self.connect()) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(SCHEMA)
            self._loaded_day = self._load_all()
        except (OSError, sqlite3.Error) as error:
            raise SandboxError(f"The sandbox cannot use the data file {path}: {error}.") from error

    def connect(self) -> sqlite3.Connection:
        """A new connection in autocommit; the caller closes it."""
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def find(self, name: str) -> DatasetSpec:
        """The dataset by its name or four-by-four. Raises SodaError (404)."""
        for spec in self.datasets.values():
            if name in (spec.name, spec.id):
                return spec
        raise missing_dataset(name)

    def rows_updated_at(self, connection: sqlite3.Connection, spec: DatasetSpec) -> datetime:
        (shown,) = connection.execute("SELECT rows_updated_at FROM datasets WHERE name = ?", (spec.name,)).fetchone()
        return datetime.fromisoformat(shown)

    def release(self, connection: sqlite3.Connection) -> str:
        found = connection.execute("SELECT value FROM settings WHERE name = 'release'").fetchone()
        return str(found[0]) if found else RELEASES[0]

    # What changes the records of every dataset

    def switch_release(self, release: str) -> dict[str, ChangeCounts]:
        """Makes the records those of another release, except the ones changed by hand. Raises SodaError (400)."""
        if release not in RELEASES:
            raise invalid_request(f"There is no release {release!r}; choose from {', '.join(RELEASES)}.")
        return self._execute_and_load("INSERT OR REPLACE INTO settings VALUES ('release', ?)", release)

    def reset(self) -> dict[str, ChangeCounts]:
        """Undoes every change made by hand."""
        return self._execute_and_load("DELETE FROM overlay")

    def follow_the_day(self) -> None:
        """Loads the new day's records when the day has changed since the last load."""
        if self._loaded_day != self._today():
            self._loaded_day = self._load_all()

    def _load_all(self) -> date:
        today = self._today()
        with self._writing() as connection:
            self._load(connection, today)
        return today

    def _execute_and_load(self, statement: str, *parameters: str) -> dict[str, ChangeCounts]:
        with self._writing() as connection:
            connection.execute(statement, parameters)
            return self._load(connection, self._today())

    def _load(self, connection: sqlite3.Connection, today: date) -> dict[str, ChangeCounts]:
        edition = Edition(self.release(connection), today)
        moment = _next_moment(connection)
        return {name: _load_dataset(connection, spec, edition, moment) for name, spec in self.datasets.items()}

    # What changes single records

    def change(self, spec: DatasetSpec, upserts: Iterable[object], deletes: Iterable[object]) -> ChangeCounts:
        """Merges values into records (null empties a field), adds and removes records: all or nothing.

        A key in `deletes` is an object of the key fields, or the bare value where the key is one field.
        Raises SodaError (400) for an unknown column, SandboxError for a value its column cannot hold.
        """
        with self._writing() as connection:
            before: dict[str, str] = {}
            wanted: dict[str, Shown | None] = {}
            for values in upserts:
                row = _checked_row(spec, values)
                row_id = _touch(connection, spec, row, before, wanted)
                wanted[row_id] = spec.encode({**(wanted[row_id] or {}), **row})
            for key in deletes:
                row = _checked_row(spec, key if isinstance(key, dict) else {spec.key[0]: key})
                wanted[_touch(connection, spec, row, before, wanted)] = None
            present = [(row_id, shown) for row_id, shown in wanted.items() if shown is not None]
            try:
                _keep_in_overlay(connection, spec, wanted)
                return write_difference(connection, spec, before, present, _next_moment(connection))
            except UnicodeEncodeError as error:
                raise SandboxError(f"Dataset {spec.name}: a text holds half a character (a lone surrogate).") from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, closing(self.connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")


def _load_dataset(connection: sqlite3.Connection, spec: DatasetSpec, edition: Edition, moment: str) -> ChangeCounts:
    prepare_table(connection, spec, moment)
    wanted = _wanted_rows(spec, edition, overlay_bodies(connection, spec))
    return write_difference(connection, spec, existing_bodies(connection, spec), wanted, moment)


def _wanted_rows(spec: DatasetSpec, edition: Edition, overlay: Mapping[str, str | None]) -> Iterator[tuple[str, Shown]]:
    for row in spec.rows_of(edition):
        shown = spec.encode(row)
        row_id = spec.row_id(shown)
        if row_id not in overlay:
            yield row_id, shown
    for row_id, body in overlay.items():
        if body is not None:
            yield row_id, spec.encode(json.loads(body))


def _checked_row(spec: DatasetSpec, values: object) -> Mapping[str, object]:
    if not isinstance(values, Mapping):
        raise invalid_request("A record is an object of column names and values.")
    for name in values:
        if name not in spec.columns:
            raise no_such_column(str(name))
    return values


def _touch(
    connection: sqlite3.Connection,
    spec: DatasetSpec,
    row: Mapping[str, object],
    before: dict[str, str],
    wanted: dict[str, Shown | None],
) -> str:
    """Takes the record's present content into both mappings, once, and returns its identifier."""
    key = {name: row.get(name) for name in spec.key}
    row_id = spec.row_id(spec.encode(key))
    if row_id not in wanted:
        body = existing_body(connection, spec, row_id)
        if body is not None:
            before[row_id] = body
        wanted[row_id] = json.loads(body) if body is not None else None
    return row_id


def _keep_in_overlay(connection: sqlite3.Connection, spec: DatasetSpec, wanted: Mapping[str, Shown | None]) -> None:
    rows = [(spec.name, row_id, None if shown is None else body_of(shown)) for row_id, shown in wanted.items()]
    connection.executemany("INSERT OR REPLACE INTO overlay VALUES (?, ?, ?)", rows)


def _next_moment(connection: sqlite3.Connection) -> str:
    """Now, but after every earlier change, so that a cursor on `:updated_at` never misses one when the clock is set."""
    (latest,) = connection.execute("SELECT max(rows_updated_at) FROM datasets").fetchone()
    now = datetime.now(UTC)
    if latest is not None:
        now = max(now, datetime.fromisoformat(latest) + timedelta(milliseconds=1))
    return show_moment(now)
