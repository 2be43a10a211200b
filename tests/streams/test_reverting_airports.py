"""Two releases of the world's airports: undoing the second brings the first back, byte for byte; a plan makes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import LazySettings

from connectors.models import Connector
from connectors.sandbox.airports import previous_release, read_airports
from syncjobs.models import SyncJobType
from syncjobs.operations.plans import apply_plan, approve_plan
from syncjobs.operations.reverting import revert_job
from syncjobs.statuses import Trigger
from tests.streams.conftest import counts, run, run_here
from tests.streams.test_modes_airports import make_type, publish


@pytest.fixture
def file(settings: LazySettings) -> Iterator[Path]:
    path = Path(settings.SYNCDECK_DATA_DIR) / "airports.sqlite3"
    yield path
    for one in path.parent.glob(f"{path.name}*"):
        one.unlink()


@pytest.fixture
def updated(file: Path, target: str) -> SyncJobType:
    """A mirror that has loaded the older release; its source holds the newer one."""
    publish(file, previous_release(read_airports()))
    job_type = make_type(file, target, "mirror")
    run(job_type)
    publish(file, read_airports())
    return job_type


def content(slug: str, directory: Path) -> list[str]:
    """Each row of the target as its own system spells it."""
    connector = Connector.objects.get(slug=slug)
    if connector.kind == "sqlite":
        with sqlite3.connect(directory / connector.config["path"]) as session:
            rows = session.execute("SELECT * FROM airports ORDER BY icao").fetchall()
        session.close()
        return [repr(row) for row in rows]
    config, password = connector.config, connector.credentials.reveal()["password"]
    with psycopg.connect(
        host=config["host"], port=config["port"], user=config["user"], dbname=config["dbname"], password=password
    ) as postgres:
        return [text for (text,) in postgres.execute('SELECT t::text FROM airports AS t ORDER BY icao COLLATE "C"')]


def test_reverting_the_second_release_brings_back_the_first_byte_for_byte(
    updated: SyncJobType, target: str, settings: LazySettings
) -> None:
    directory = Path(settings.SYNCDECK_DATA_DIR)
    first = content(target, directory)
    second = run(updated)
    newer = content(target, directory)
    assert newer != first
    job = run_here(revert_job(second.pk, actor="ann"))
    assert (job.status, job.counts["skipped"]) == ("finished", 0), job.failure
    assert job.diff_summary == {
        "inserted": second.counts["deleted"],
        "updated": second.counts["updated"],
        "deleted": second.counts["inserted"],
    }
    assert content(target, directory) == first
    run_here(revert_job(job.pk, actor="ann"))
    assert content(target, directory) == newer


def test_plan_of_the_second_release_writes_what_a_run_writes(
    updated: SyncJobType, target: str, settings: LazySettings
) -> None:
    directory = Path(settings.SYNCDECK_DATA_DIR)
    planned = run(updated, dry_run=True)
    approve_plan(planned.pk, actor="ann")
    job = run_here(apply_plan(planned.pk, trigger=Trigger.CLI, actor="ann"))
    assert job.diff_summary == planned.diff_summary, job.failure
    applied = content(target, directory)
    run_here(revert_job(job.pk, actor="ann"))
    run(updated)
    assert content(target, directory) == applied
    assert counts(run(updated)).keys() == {"read", "unchanged"}
