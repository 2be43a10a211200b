"""Two releases of the world's airports one after the other, against a comparison made in plain Python."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from connectors.models import Connector
from connectors.records import ReadRequest
from connectors.sandbox.airports import COLUMNS, Airport, previous_release, read_airports
from syncjobs.models import Change, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from tests.streams.conftest import counts, run

Airports = dict[str, dict[str, Any]]


@pytest.fixture
def file(settings: LazySettings) -> Iterator[Path]:
    path = Path(settings.SYNCDECK_DATA_DIR) / "airports.sqlite3"
    yield path
    for one in path.parent.glob(f"{path.name}*"):
        one.unlink()


def publish(file: Path, release: Iterable[Airport]) -> Airports:
    """Put a release in the place of what the source has; the release by code."""
    rows = {str(airport["icao"]): dict(airport) for airport in release}
    connection = sqlite3.connect(file)
    with connection:
        names = ", ".join(f"{name} TEXT" for name in COLUMNS)
        connection.execute(f"CREATE TABLE IF NOT EXISTS airports ({names}, PRIMARY KEY (icao))")
        connection.execute("DELETE FROM airports")
        marks = ", ".join("?" for _ in COLUMNS)
        values = ([airport[name] for name in COLUMNS] for airport in rows.values())
        connection.executemany(f"INSERT INTO airports VALUES ({marks})", values)  # noqa: S608 - names of our own
    connection.close()
    return rows


def make_type(file: Path, target: str, mode: str) -> SyncJobType:
    save_connector(connector_from_shape({"slug": "source", "kind": "sqlite", "config": {"path": file.name}}))
    stream = {"source": "airports", "target": "airports", "key": ["icao"], "mode": mode, "batch_size": 7000}
    shape = {"slug": "airports", "source_connector": "source", "target_connector": target}
    return save_job_type(job_type_from_shape(shape | {"config": {"streams": [stream]}}), actor="test")


def at_target(slug: str) -> Airports:
    target = Connector.objects.get(slug=slug).open()
    try:
        pages = list(target.read(ReadRequest("airports", key=("icao",))))
    finally:
        target.close()
    rows = [dict(zip(page.names, row, strict=True)) for page in pages for row in page.rows]
    return {row["icao"]: row for row in rows}


@pytest.mark.parametrize("mode", ["upsert", "mirror"])
def test_second_release_makes_exactly_the_changes_that_an_independent_comparison_finds(
    file: Path, target: str, mode: str
) -> None:
    before = publish(file, previous_release(read_airports()))
    job_type = make_type(file, target, mode)
    first = run(job_type)
    assert counts(first) == {"read": len(before), "inserted": len(before)}, first.failure
    after = publish(file, read_airports())
    new, gone = after.keys() - before.keys(), before.keys() - after.keys()
    differing = {code for code in after.keys() & before.keys() if after[code] != before[code]}
    assert min(map(len, (new, gone, differing))) > 10
    job = run(job_type)
    expected = {"inserted": len(new), "updated": len(differing), "deleted": len(gone) * (mode == "mirror")}
    assert {name: job.counts[name] for name in expected} == expected
    kept: dict[str, dict[str, Any]] = {"insert": {}, "update": {}, "delete": {}}
    for change in Change.objects.filter(job=job):
        kept[change.operation][change.key["icao"]] = change.fields
    assert kept["insert"].keys() == new
    assert kept["update"] == {
        code: {name: [before[code][name], value] for name, value in after[code].items() if value != before[code][name]}
        for code in differing
    }
    left = {code: before[code] for code in gone}
    if mode == "mirror":
        old = {code: {name: pair[0] for name, pair in fields.items()} for code, fields in kept["delete"].items()}
        assert old == {code: {name: value for name, value in row.items() if value} for code, row in left.items()}
        left = {}
    assert at_target(target) == after | left
