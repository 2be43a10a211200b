"""Plans and reversals with Syncdeck's own rows on PostgreSQL, whose JSON spells numbers and texts in its own way."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings

from syncjobs.models import Change, SyncJob, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, run_job_type, save_job_type
from syncjobs.operations.jobs import run_queued_job_here
from syncjobs.operations.plans import apply_plan, approve_plan
from syncjobs.operations.reverting import reversals_of, revert_job
from syncjobs.operations.state_checks import find_breaches
from syncjobs.statuses import Trigger

COLUMNS = "id INTEGER PRIMARY KEY, exact DECIMAL_TEXT, measured REAL, large BIGINT, raw BLOB, doc JSON_TEXT, note TEXT"
OLD = ["(1, '1.50', 1.0, 9007199254740993, x'00ff', '{\"a\":[1.5],\"b\":null}', 'back\\slash u0000 \\u0000 ä😀')"]
OLD += ["(2, '0.10', 1e300, -1, NULL, '\"text\"', '')", "(9, '-0.00', -0.5, 0, x'', '[]', NULL)"]
NEW = ["(1, '1.5000001', 1e-7, 9007199254740992, x'', '{\"a\":null}', 'new')", "(2, '0.10', 2.5, -1, NULL, '0', '')"]
NEW += ["(3, '12345678901234567890.5', 3.0, 3, x'01', '{}', 'third')"]


@pytest.fixture
def file(rows_on_postgresql: None, settings: LazySettings) -> Iterator[Path]:
    path = Path(settings.SYNCDECK_DATA_DIR) / "numbers.sqlite3"
    with sqlite3.connect(path) as session:
        for table, rows in (("source", NEW), ("copy", OLD)):
            session.execute(f"CREATE TABLE {table} ({COLUMNS})")
            session.execute(f"INSERT INTO {table} VALUES {', '.join(rows)}")  # noqa: S608 - values of our own
    session.close()
    yield path
    for one in path.parent.glob(f"{path.name}*"):
        one.unlink()


@pytest.fixture
def job_type(file: Path) -> SyncJobType:
    save_connector(connector_from_shape({"slug": "numbers", "kind": "sqlite", "config": {"path": file.name}}))
    stream = {"source": "source", "target": "copy", "key": ["id"], "mode": "mirror"}
    shape = {"slug": "numbers", "source_connector": "numbers", "target_connector": "numbers"}
    return save_job_type(job_type_from_shape(shape | {"config": {"streams": [stream]}}), actor="test")


def run_here(job: SyncJob) -> SyncJob:
    return run_queued_job_here(job, on_wait=pytest.fail)


def content(file: Path, table: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(file) as session:
        rows = session.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()  # noqa: S608 - names of our own
    session.close()
    return rows


def test_values_of_every_kind_are_applied_and_brought_back_byte_for_byte(job_type: SyncJobType, file: Path) -> None:
    before = content(file, "copy")
    planned = run_here(run_job_type(job_type, trigger=Trigger.CLI, actor="test", dry_run=True))
    assert planned.diff_summary == {"inserted": 1, "updated": 2, "deleted": 1}, planned.failure
    approve_plan(planned.pk, actor="ann")
    job = run_here(apply_plan(planned.pk, trigger=Trigger.CLI, actor="ann"))
    assert (job.diff_summary, job.counts["skipped"]) == (planned.diff_summary, 0), job.failure
    assert content(file, "copy") == content(file, "source")
    reverted = run_here(revert_job(job.pk, actor="ann"))
    assert reverted.counts["skipped"] == 0, reverted.failure
    assert content(file, "copy") == before
    assert reversals_of(job) == [reverted.pk]
    assert Change.objects.filter(job=reverted).count() == 4
    assert list(find_breaches()) == []
