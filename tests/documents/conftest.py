"""A target of a few records on SQLite or PostgreSQL, and jobs that were really claimed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from connectors.base import Connector, TargetCheckpoint, WriteRequest
from connectors.models import Connector as ConnectorRow
from connectors.records import Field, decode_value
from syncjobs.lifecycle import claim_job
from syncjobs.models import SyncJob
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.running import RunningJob
from tests.connectors.sql_systems import postgres_config
from tests.lifecycle.factories import JobFactory, JobTypeFactory

FIELDS = (
    Field("code", "text", nullable=False),
    Field("name", "text"),
    Field("price", "decimal"),
    Field("seen", "datetime"),
    Field("data", "json"),
    Field("ssn", "text"),
)
ITEM = ("C1", "Ann", "10.50", "2026-11-01T08:00:00Z", {"tags": ["a"]}, "078-05-1120")
PEOPLE_FIELDS = (Field("crash", "text"), Field("person", "integer"), Field("age", "integer"))

Take = Callable[..., RunningJob]


@pytest.fixture(params=["sqlite", "postgresql"])
def erp(request: pytest.FixtureRequest, settings: LazySettings, transactional_db: None) -> Iterator[Connector]:
    """The saved connector `erp`, opened: two items (key code), three people (keys crash and person)."""
    shape: dict[str, Any] = {"slug": "erp", "kind": "sqlite", "config": {"path": "erp.sqlite3"}}
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        config, credentials = postgres_config(server, request.getfixturevalue("postgres_url"))
        config["sslmode"] = "disable"
        shape = {"slug": "erp", "kind": "postgres", "config": config, "credentials": credentials}
    save_connector(connector_from_shape(shape))
    connector = ConnectorRow.objects.get(slug="erp").open()
    fill(connector, "items", FIELDS, ("code",), [ITEM, ("C2", *[None] * 5)])
    fill(connector, "people", PEOPLE_FIELDS, ("crash", "person"), [("a", 1, 10), ("a", 2, 20), ("b", 1, 30)])
    yield connector
    connector.close()
    for path in Path(settings.SYNCDECK_DATA_DIR).glob("erp.sqlite3*"):
        path.unlink()


def fill(
    connector: Connector, stream: str, fields: tuple[Field, ...], key: tuple[str, ...], rows: list[tuple[Any, ...]]
) -> None:
    """Put records into a table, which is made if it is missing. Without a key they are appended."""
    writer = connector.writer(WriteRequest(stream, fields, key, "upsert" if key else "append"))
    writer.prepare()
    writer.begin("fill", 1)
    types = [field.type for field in fields]
    writer.stage([tuple(map(decode_value, types, row)) for row in rows])
    writer.compare()
    writer.write()
    writer.commit(TargetCheckpoint(1, None, {}))
    writer.rollback()


@pytest.fixture
def take() -> Take:
    """Makes a job, or takes one that was lost, and claims it as a worker does; arguments are columns of the job."""

    def claim(job: SyncJob | None = None, **columns: Any) -> RunningJob:
        if job is None:
            snapshot = {"config": {"masked_fields": ["ssn"]}}
            job_type = JobTypeFactory.create(source_connector=None, target_connector=None)
            job = JobFactory.create(job_type=job_type, config_snapshot=snapshot, **columns)
        dispatch_id = uuid.uuid4()
        SyncJob.objects.filter(pk=job.pk).update(status="queued", dispatch_id=dispatch_id)
        claimed = claim_job(job.pk, dispatch_id, "worker@test")
        assert claimed is not None
        return RunningJob(claimed)

    return claim
