"""A source table of people in an SQLite file, with whatever a test wants to be wrong, and SQL at the target."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psycopg

from connectors.models import Connector
from connectors.records import ReadRequest
from syncjobs.models import SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type

SQLAtTarget = Callable[[str], None]
COLUMNS = ("id", "email", "age", "boss", "note")
MAPPING = [
    {"to": "id", "from": "id", "type": "bigint"},
    {"to": "email", "from": "email", "type": "text"},
    {"to": "age", "from": "age", "type": "integer"},
    {"to": "boss", "from": "boss", "type": "bigint"},
    {"to": "note", "from": "note", "type": "text"},
]
STREAM: dict[str, Any] = {"source": "people", "target": "people", "key": ["id"], "mode": "upsert"}


class People:
    """The source's table and the job type that copies it to the target."""

    def __init__(self, directory: Path, target: str) -> None:
        self.path = directory / "people.sqlite3"
        self.target = target
        self._run("CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, age TEXT, boss INTEGER, note TEXT)")
        save_connector(connector_from_shape({"slug": "source", "kind": "sqlite", "config": {"path": self.path.name}}))

    def add(self, *ids: int, **values: Any) -> None:
        """Add or replace people; what is not given is as usual."""
        self.put([(one, f"{one}@example.org", "40", None, f"Person {one}") for one in ids])
        for name, value in values.items():
            self._run_many(f"UPDATE people SET {name} = ? WHERE id = ?", [(value, one) for one in ids])  # noqa: S608

    def put(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._run_many("INSERT OR REPLACE INTO people VALUES (?, ?, ?, ?, ?)", rows)

    def drop(self, *ids: int) -> None:
        self._run_many("DELETE FROM people WHERE id = ?", [(one,) for one in ids])

    def keyless(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Make a view of the source with these rows; it has nothing to order by."""
        self._run("CREATE TABLE behind (age TEXT, note TEXT)")
        self._run("CREATE VIEW keyless AS SELECT age, note FROM behind")
        self._run_many("INSERT INTO behind VALUES (?, ?)", rows)

    def view(self, name: str) -> None:
        """A view of all people."""
        self._run(f"CREATE VIEW {name} AS SELECT * FROM people")  # noqa: S608

    def remove(self) -> None:
        for path in self.path.parent.glob(f"{self.path.name}*"):
            path.unlink()

    def _run(self, statement: str) -> None:
        self._run_many(statement, [()])

    def _run_many(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        connection = sqlite3.connect(self.path)
        with connection:
            connection.executemany(statement, rows)
        connection.close()

    def job_type(self, type_: dict[str, Any] | None = None, **stream: Any) -> SyncJobType:
        """A new type `people`; arguments are further keys of its stream, `type_` further columns of the type."""
        shape = {
            "slug": "people",
            "name": "People",
            "source_connector": "source",
            "target_connector": self.target,
            "max_retries": 0,
            "config": {"streams": [STREAM | {"mapping": MAPPING, "on_reject": {"policy": "quarantine"}} | stream]},
        }
        return save_job_type(job_type_from_shape(shape | (type_ or {})), actor="test")


def at_target(connector: Connector, data_dir: Path) -> SQLAtTarget:
    """Runs SQL at a target of tests/streams/conftest.py, by its own driver."""

    def run_there(statement: str) -> None:
        if connector.kind == "sqlite":
            file = sqlite3.connect(data_dir / connector.config["path"])
            with file:
                file.execute(statement)
            file.close()
            return
        config = connector.config
        password = connector.credentials.reveal()["password"]
        with psycopg.connect(
            host=config["host"], port=config["port"], user=config["user"], dbname=config["dbname"], password=password
        ) as session:
            session.execute(statement.encode())

    return run_there


def people_at(connector: Connector) -> dict[int, dict[str, Any]]:
    """The rows of the target table by id; none where there is no table."""
    target = connector.open()
    try:
        if "people" not in [stream.name for stream in target.streams()]:
            return {}
        pages = list(target.read(ReadRequest("people", key=("id",))))
    finally:
        target.close()
    rows = [dict(zip(page.names, row, strict=True)) for page in pages for row in page.rows]
    return {row["id"]: row for row in rows}
