"""Plans and reversals with a CSV file as their target."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings

from syncjobs.models import Conflict
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.plans import apply_plan, approve_plan
from syncjobs.operations.reverting import revert_job
from syncjobs.statuses import Trigger
from tests.streams.conftest import counts, run, run_here
from tests.streams.people import People


@pytest.fixture
def exports(settings: LazySettings, transactional_db: None) -> Iterator[Path]:
    """The folder of a saved connector `exports`."""
    folder = Path(settings.SYNCDECK_DATA_DIR) / "exports"
    save_connector(
        connector_from_shape({"slug": "exports", "kind": "files", "config": {"root": "exports", "format": "csv"}})
    )
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def people(exports: Path) -> Iterator[People]:
    made = People(exports.parent, "exports")
    yield made
    made.remove()


def test_file_is_changed_by_a_plan_and_brought_back_by_a_reversal(people: People, exports: Path) -> None:
    people.add(*range(6))
    job_type = people.job_type(mode="mirror", target="people.csv")
    run(job_type)
    file = exports / "people.csv"
    first = file.read_bytes()
    people.drop(5)
    people.add(1, 2, note="Changed")
    people.add(9)
    planned = run(job_type, dry_run=True)
    assert file.read_bytes() == first
    approve_plan(planned.pk, actor="ann")
    file.write_bytes(first.replace(b"Person 2", b"Foreign"))
    job = run_here(apply_plan(planned.pk, trigger=Trigger.CLI, actor="ann"))
    assert counts(job) == {"read": 3, "inserted": 1, "updated": 1, "deleted": 1, "skipped": 1}, job.failure
    assert Conflict.objects.get(job=job).fields == {"note": ["Person 2", "Foreign"]}
    assert b"Changed" in file.read_bytes()
    assert counts(run_here(revert_job(job.pk, actor="ann"))) == {"read": 2, "inserted": 1, "updated": 1, "deleted": 1}
    assert sorted(file.read_bytes().splitlines()) == sorted(first.replace(b"Person 2", b"Foreign").splitlines())
