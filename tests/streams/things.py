"""A small source table whose columns can be changed at will, the type that copies it, and what is kept of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from connectors.models import Connector
from connectors.records import ReadRequest, StreamSchema
from syncjobs.models import JobLog, SchemaSnapshot, SyncJob, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type

TABLE = "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, size INT)"


class Things:
    """A source table that can be changed at will, and the type that copies it."""

    def __init__(self, directory: Path, target: str) -> None:
        self.path = directory / "things.sqlite3"
        self.target = target
        save_connector(connector_from_shape({"slug": "source", "kind": "sqlite", "config": {"path": self.path.name}}))
        self.sql(TABLE, "INSERT INTO things VALUES (1, 'one', 10), (2, 'two', 20)")

    def sql(self, *statements: str) -> None:
        connection = sqlite3.connect(self.path)
        with connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    def retype(self, size: str, *values: str) -> None:
        """Give the column size another type, and the table these further rows."""
        rows = [f"INSERT INTO things VALUES {value}" for value in values]  # noqa: S608
        self.sql(
            "ALTER TABLE things RENAME TO old",
            TABLE.replace("INT)", f"{size})"),
            "INSERT INTO things SELECT * FROM old",
        )
        self.sql("DROP TABLE old", *rows)

    def job_type(self, policy: dict[str, str] | None = None, **stream: Any) -> SyncJobType:
        shape = {"slug": "things", "name": "Things", "source_connector": "source", "target_connector": self.target}
        streams = [{"source": "things", "target": "things", "key": ["id"], "schema_policy": policy or {}} | stream]
        return save_job_type(
            job_type_from_shape(shape | {"max_retries": 0, "config": {"streams": streams}}), actor="test"
        )

    def at_target(self) -> tuple[StreamSchema, list[dict[str, Any]]]:
        """The target's schema and its rows in the order of their key."""
        target = Connector.objects.get(slug=self.target).open()
        try:
            pages = list(target.read(ReadRequest(self.stream, key=("id",))))
            rows = [dict(zip(page.names, row, strict=True)) for page in pages for row in page.rows]
            return target.schema(self.stream), rows
        finally:
            target.close()

    stream = "things"

    def remove(self) -> None:
        for path in self.path.parent.glob(f"{self.path.name}*"):
            path.unlink()


def set_policy(job_type: SyncJobType, **policy: str) -> None:
    job_type.config["streams"][0]["schema_policy"] = policy
    save_job_type(job_type, actor="test")


def history() -> list[tuple[bool, dict[str, Any]]]:
    """(is accepted, what differed from the one before) of each kept schema, oldest first."""
    return [(row.is_accepted, row.differences) for row in SchemaSnapshot.objects.order_by("id")]


def failure_of(job: SyncJob) -> str:
    """The sentence of a job that ended in error by drift."""
    assert job.failure is not None, job.status
    assert (job.status, job.failure["class"], job.failure["code"]) == ("error", "data", "schema_drift"), job.failure
    message: str = job.failure["message"]
    return message


def warnings_of(job: SyncJob) -> str:
    return " | ".join(JobLog.objects.filter(job=job, level="WARNING").values_list("message", flat=True))
