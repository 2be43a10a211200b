"""NaN and the infinities: exact where the target holds them, in compares, changes, plans and reverts; else rejects."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.conf import LazySettings

from connectors.models import Connector
from syncjobs.models import Change, Reject, SyncJob
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.descriptions import describe_job
from syncjobs.operations.plans import apply_plan, approve_plan
from syncjobs.operations.previews import preview_stream
from syncjobs.operations.reverting import revert_job
from syncjobs.statuses import Trigger
from tests.streams.conftest import counts, run, run_here
from tests.streams.test_straight import Databases, both, job_type, one_by_one, was_copied

__all__ = ["both"]

TABLE = "things (region text, number int, ratio {float}, exact {decimal}, PRIMARY KEY (region, number))"
ROWS = "('r', 1, 0.5, 1.5), ('r', 2, 'NaN', 'NaN'), ('r', 3, 'Infinity', 'inf'), ('r', 4, '-Infinity', '-inf')"
REFUSED: dict[str, dict[str, int]] = {"csv": {}, "parquet": {"exact": 3}, "jsonl": {"ratio": 3, "exact": 3}}


def fill(both: Databases) -> None:
    both.sql(f"CREATE TABLE here.{TABLE.format(float='float8', decimal='numeric')}")
    both.sql(f"INSERT INTO here.things VALUES {ROWS}")  # noqa: S608 - our own words


def changes_of(job: SyncJob) -> dict[int, dict[str, Any]]:
    return {change.key["number"]: change.fields for change in Change.objects.filter(job=job)}


@pytest.mark.parametrize("kind", [job_type, one_by_one])
def test_numbers_that_are_not_finite_arrive_are_equal_change_and_come_back(both: Databases, kind: Any) -> None:
    fill(both)
    both.sql(f"CREATE TABLE there.{TABLE.format(float='real', decimal='numeric')}")
    settings = kind()
    assert counts(run(settings)) == {"read": 4, "inserted": 4}
    loaded = both.things()
    assert loaded == both.things("here")
    assert counts(run(settings)) == {"read": 4, "unchanged": 4}
    both.sql("UPDATE here.things SET ratio = 2, exact = 2 WHERE number = 2")
    both.sql("UPDATE here.things SET ratio = 'NaN', exact = '-Infinity' WHERE number IN (1, 3)")
    job = run(settings)
    assert counts(job) == {"read": 4, "updated": 3, "unchanged": 1}
    assert changes_of(job) == {
        1: {"ratio": [0.5, "NaN"], "exact": ["1.5", "-Infinity"]},
        2: {"ratio": ["NaN", 2], "exact": ["NaN", "2"]},
        3: {"ratio": ["Infinity", "NaN"], "exact": ["Infinity", "-Infinity"]},
    }
    assert counts(run_here(revert_job(job.pk, actor="ann"))) == {"read": 3, "updated": 3}
    assert both.things() == loaded


def test_column_of_floats_with_nan_is_copied_unseen(both: Databases) -> None:
    fill(both)
    both.sql("ALTER TABLE here.things DROP COLUMN exact")
    settings = job_type()
    assert [was_copied(run(settings)) for _ in range(2)] == [True, True]
    assert both.things() == both.things("here")


def test_plan_with_nan_is_applied_exactly(both: Databases) -> None:
    fill(both)
    settings = job_type()
    run(settings)
    both.sql("UPDATE here.things SET ratio = 'NaN', exact = 'NaN'")
    plan = run(settings, dry_run=True)
    assert counts(plan) == {"read": 4, "updated": 3, "unchanged": 1}
    approve_plan(plan.pk, actor="ann")
    assert counts(run_here(apply_plan(plan.pk, trigger=Trigger.CLI, actor="ann"))) == {"read": 3, "updated": 3}
    assert both.things() == both.things("here")


@pytest.mark.parametrize("kind", [job_type, one_by_one])
def test_infinity_that_the_targets_numeric_does_not_hold_is_refused_by_key_and_field(
    both: Databases, kind: Any
) -> None:
    fill(both)
    both.sql(f"CREATE TABLE there.{TABLE.format(float='float8', decimal='numeric(10, 2)')}")
    job = run(kind(on_reject={"policy": "quarantine"}))
    assert counts(job) == {"read": 4, "inserted": 2, "rejected": 2}, job.failure
    found = [(one.key["number"], one.field) for one in Reject.objects.filter(job=job).order_by("id")]
    assert found == [(3, "exact"), (4, "exact")]
    assert both.sql("SELECT number, exact::text FROM there.things ORDER BY 1") == [(1, "1.50"), (2, "NaN")]


@pytest.mark.parametrize("kind", [job_type, one_by_one])
def test_mapping_makes_them_null_and_the_job_counts_them(both: Databases, kind: Any) -> None:
    fill(both)
    mapping: list[dict[str, Any]] = [{"to": name, "from": name} for name in ("region", "number", "ratio", "exact")]
    mapping[2]["transforms"] = [{"op": "finite", "otherwise": "null"}]
    mapping[3]["transforms"] = [{"op": "bounds", "min": 0, "outside": "null"}]
    settings = kind(mapping=mapping)
    job = run(settings)
    assert describe_job(job)["nulled"] == {"ratio": 3, "exact": 2}
    found = both.sql("SELECT ratio, exact::text FROM there.things ORDER BY number")
    assert found == [(0.5, "1.5"), (None, None), (None, "Infinity"), (None, None)]
    assert counts(run(settings)) == {"read": 4, "unchanged": 4}


def test_key_is_never_made_of_nan(both: Databases) -> None:
    both.sql("CREATE TABLE here.things (region text, number float8)", "INSERT INTO here.things VALUES ('r', 'NaN')")
    for kind in (job_type, one_by_one):
        failure = run(kind()).failure or {}
        assert (failure["code"], "number" in failure["message"]) == ("wrong_type", True)


# Files and SQLite.


@pytest.fixture
def folder(settings: LazySettings) -> Path:
    return Path(settings.SYNCDECK_DATA_DIR)


def into(kind: str, folder: Path, both: Databases) -> Any:
    """A type from the table here.things into a target of another kind."""
    shape: dict[str, Any] = {"kind": "files", "config": {"root": "odd", "format": kind}}
    if kind == "sqlite":
        shape = {"kind": "sqlite", "config": {"path": "odd/out.sqlite3"}}
    shutil.rmtree(folder / "odd", ignore_errors=True)
    (folder / "odd").mkdir()
    Connector.objects.get(slug="there").delete()
    save_connector(connector_from_shape({"slug": "there", **shape}))
    return one_by_one(on_reject={"policy": "quarantine"})


@pytest.mark.parametrize("kind", REFUSED)
def test_file_holds_what_its_format_has_words_for(both: Databases, folder: Path, kind: str) -> None:
    refused = REFUSED[kind]
    both.sql("CREATE TABLE here.things (region text, number int, ratio float8, exact numeric)")
    both.sql(f"INSERT INTO here.things VALUES {ROWS}")  # noqa: S608 - our own words
    both.sql("INSERT INTO here.things SELECT 'f', number, ratio, 1 FROM here.things WHERE number > 1")
    both.sql("UPDATE here.things SET region = 'd', ratio = 1 WHERE region = 'r'")
    settings = into(kind, folder, both)
    job = run(settings)
    rejected = sum(refused.values())
    expected = {"read": 7, "inserted": 7 - rejected, "rejected": rejected}
    assert counts(job) == {name: number for name, number in expected.items() if number}, job.failure
    assert {one.field for one in Reject.objects.filter(job=job)} == refused.keys()
    again = counts(run(settings))
    assert (again["unchanged"], "updated" in again) == (7 - rejected, False)


def test_parquet_file_keeps_nan_over_changes_and_other_writers(both: Databases, folder: Path) -> None:
    both.sql("CREATE TABLE here.things (region text, number int, ratio float8)")
    both.sql("INSERT INTO here.things VALUES ('r', 1, 'NaN'), ('r', 2, '-Infinity')")
    settings = into("parquet", folder, both)
    run(settings)
    path = folder / "odd" / "things.parquet"
    ratios = pq.read_table(path).column("ratio")
    assert (ratios.type, str(ratios.to_pylist())) == (pa.float64(), "[nan, -inf]")
    pq.write_table(pq.read_table(path), path)  # by somebody else, so that it is taken in again
    assert counts(run(settings)) == {"read": 2, "unchanged": 2}
    both.sql("UPDATE here.things SET ratio = 1 - number")
    job = run(settings)
    assert changes_of(job) == {1: {"ratio": ["NaN", 0.0]}, 2: {"ratio": ["-Infinity", -1.0]}}
    run_here(revert_job(job.pk, actor="ann"))
    assert str(pq.read_table(path).column("ratio").to_pylist()) == "[nan, -inf]"


def test_sqlite_keeps_infinities_and_refuses_nan_by_key_and_field(both: Databases, folder: Path) -> None:
    both.sql("CREATE TABLE here.things (region text, number int, ratio float8)")
    both.sql("INSERT INTO here.things VALUES ('r', 1, 'NaN'), ('r', 2, '-Infinity')")
    settings = into("sqlite", folder, both)
    job = run(settings)
    assert counts(job) == {"read": 2, "inserted": 1, "rejected": 1}
    reject = Reject.objects.get(job=job)
    assert (reject.key["number"], reject.field, reject.code) == (1, "ratio", "wrong_type")
    with closing(sqlite3.connect(folder / "odd" / "out.sqlite3")) as file:
        assert file.execute("SELECT ratio, typeof(ratio) FROM things").fetchall() == [(float("-inf"), "real")]
    assert counts(run(settings)) == {"read": 2, "unchanged": 1, "rejected": 1}
    assert [record.reject is None for record in preview_stream(settings).records] == [False, True]
