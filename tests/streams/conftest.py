"""A SODA source of a few records, a target on SQLite or PostgreSQL, and the job type between them, run right here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings

from connectors.asides import AsideWriter
from connectors.base import WriteRequest
from connectors.models import Connector
from connectors.records import ReadRequest
from connectors.sandbox.datasets import DatasetSpec, four_by_four
from connectors.sandbox.server import RunningSandbox, running_sandbox
from syncjobs.models import SyncJob, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, run_job_type, save_job_type
from syncjobs.operations.jobs import run_queued_job_here
from syncjobs.statuses import Trigger
from tests.streams.people import People, SQLAtTarget, at_target
from tests.streams.things import Things

COLUMNS = {"code": "text", "name": "text", "size": "number", "seen": "calendar_date"}
RECORDS: list[dict[str, object]] = [
    {"code": f"C{number:03d}", "name": f"Name {number}", "size": f"{number}.5", "seen": "2026-11-01T08:00:00.000"}
    for number in range(25)
]
STREAM: dict[str, Any] = {"source": "items", "target": "items", "key": ["code"], "mode": "upsert", "extent": "full"}


@pytest.fixture
def source(tmp_path: Path) -> Iterator[RunningSandbox]:
    dataset = DatasetSpec(key=("code",), columns=COLUMNS, rows=RECORDS)
    with running_sandbox(tmp_path / "source.sqlite3", datasets={"items": dataset, "more": dataset}) as sandbox:
        yield sandbox


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, settings: LazySettings, transactional_db: None) -> Iterator[str]:
    """The slug of a saved target connector whose database is empty."""
    shape: dict[str, Any] = {"slug": "target", "kind": "sqlite", "config": {"path": "items.sqlite3"}}
    if request.param == "postgresql":
        url = urlsplit(request.getfixturevalue("postgres_url"))
        config = {"host": url.hostname, "port": url.port, "user": url.username, "dbname": url.path.strip("/")}
        config |= {"sslmode": "disable", "schema": "public"}
        shape = {"slug": "target", "kind": "postgres", "config": config, "credentials": {"password": url.password}}
    save_connector(connector_from_shape(shape))
    yield "target"
    for path in Path(settings.SYNCDECK_DATA_DIR).glob("items.sqlite3*"):
        path.unlink()


@pytest.fixture
def items(source: RunningSandbox, target: str) -> Callable[..., SyncJobType]:
    """Makes the type `items`; arguments are further keys of its stream, `type_` further columns of the type."""
    datasets = {name: four_by_four(name) for name in ("items", "more")}
    config = {"base_url": source.url.rstrip("/"), "datasets": datasets}
    save_connector(connector_from_shape({"slug": "source", "kind": "soda", "config": config}))

    def make(type_: dict[str, Any] | None = None, **stream: Any) -> SyncJobType:
        shape = {
            "slug": "items",
            "name": "Items",
            "source_connector": "source",
            "target_connector": target,
            "max_retries": 0,
            "config": {"streams": [STREAM | stream]},
        }
        return save_job_type(job_type_from_shape(shape | (type_ or {})), actor="test")

    return make


@pytest.fixture
def people(target: str, settings: LazySettings) -> Iterator[People]:
    """An empty source table `people` beside the target."""
    made = People(Path(settings.SYNCDECK_DATA_DIR), target)
    yield made
    made.remove()


@pytest.fixture
def things(target: str, settings: LazySettings) -> Iterator[Things]:
    """A source table `things` of two records beside the target."""
    made = Things(Path(settings.SYNCDECK_DATA_DIR), target)
    yield made
    made.remove()


@pytest.fixture
def sql_at_target(target: str, settings: LazySettings) -> SQLAtTarget:
    return at_target(Connector.objects.get(slug=target), Path(settings.SYNCDECK_DATA_DIR))


def run(job_type: SyncJobType, **options: Any) -> SyncJob:
    """Run a job of the type in this process, as `sync run --inline` does."""
    job = run_job_type(job_type, trigger=Trigger.CLI, actor="test", **options)
    return run_here(job)


def run_here(job: SyncJob) -> SyncJob:
    """Run a queued job in this process."""
    return run_queued_job_here(job, on_wait=pytest.fail)


def counts(job: SyncJob) -> dict[str, int]:
    """The job's counts that are not zero."""
    return {name: number for name, number in job.counts.items() if number}


def rows_of(job_type: SyncJobType, key: str = "code") -> dict[str, dict[str, Any]]:
    """The rows of the target table `items` by their key."""
    assert job_type.target_connector is not None
    target = job_type.target_connector.open()
    try:
        pages = list(target.read(ReadRequest("items", key=(key,))))
    finally:
        target.close()
    rows = [dict(zip(page.names, row, strict=True)) for page in pages for row in page.rows]
    return {row[key]: row for row in rows}


def asides_at(slug: str) -> list[str]:
    """The tables that jobs keep beside the targets of a connector."""
    target = Connector.objects.get(slug=slug).open()
    try:
        writer = target.writer(WriteRequest("items", (), (), "append"))
        assert isinstance(writer, AsideWriter)
        return [aside.name for aside in writer.asides()]
    finally:
        target.close()
