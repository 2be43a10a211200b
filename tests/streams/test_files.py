"""Awkward values through real stream syncs: database → file → database, in both formats, and back exactly."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from connectors.models import Connector
from connectors.records import ReadRequest, decode_value
from connectors.testing_samples import TYPED_FIELDS, TYPED_ROWS
from syncjobs.models import Change, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from tests.connectors.sql_batches import Row, upsert, write_batch
from tests.streams.conftest import counts, run

MakeType = Callable[..., SyncJobType]


@pytest.fixture
def data(settings: LazySettings) -> Iterator[Path]:
    """The folder `files` in the data directory, empty."""
    folder = Path(settings.SYNCDECK_DATA_DIR) / "files"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(params=["csv", "jsonl"])
def files(request: pytest.FixtureRequest, data: Path, transactional_db: None) -> Connector:
    """A connector to the folder."""
    config = {"root": "files", "format": request.param}
    return save_connector(connector_from_shape({"slug": "files", "kind": "files", "config": config}))


@pytest.fixture
def sync() -> MakeType:
    """Makes a type between two connectors over one stream."""

    def make(source: str, target: str, /, **stream: Any) -> SyncJobType:
        whole = {"source": "items", "target": "items", "key": ["id"], "mode": "upsert", "extent": "full"} | stream
        shape = {
            "slug": f"type-{SyncJobType.objects.count()}",
            "source_connector": source,
            "target_connector": target,
            "max_retries": 0,
            "config": {"streams": [whole]},
        }
        return save_job_type(job_type_from_shape(shape), actor="test")

    return make


def typed_rows(slug: str, stream: str) -> list[Row]:
    """All records by id, decoded by the schema of the connector."""
    connector = Connector.objects.get(slug=slug).open()
    try:
        types = {field.name: field.type for field in connector.schema(stream).fields}
        rows = [
            tuple(decode_value(types[name], value) for name, value in zip(batch.names, row, strict=True))
            for batch in connector.read(ReadRequest(stream, columns=tuple(field.name for field in TYPED_FIELDS)))
            for row in batch.rows
        ]
    finally:
        connector.close()
    return sorted(rows, key=lambda row: int(row[0]))


def fill(slug: str, rows: list[Row]) -> None:
    connector = Connector.objects.get(slug=slug).open()
    write_batch(connector, upsert("items", TYPED_FIELDS, ("id",)), rows)
    connector.close()


def test_every_type_goes_into_a_file_and_back_exactly(files: Connector, target: str, sync: MakeType) -> None:
    fill(target, TYPED_ROWS)
    out = run(sync(target, "files", target="sub/items"))
    assert (out.status, counts(out)) == ("finished", {"read": 4, "inserted": 4}), out.failure
    assert typed_rows("files", "sub/items") == TYPED_ROWS
    back = run(sync("files", target, source="sub/items", target="copies"))
    assert (back.status, counts(back)) == ("finished", {"read": 4, "inserted": 4}), back.failure
    assert typed_rows(target, "copies") == TYPED_ROWS
    again = run(sync("files", target, source="sub/items", target="items"))
    assert counts(again) == {"read": 4, "unchanged": 4}, again.failure


def test_changes_are_told_field_by_field_and_unchanged_files_stay(
    files: Connector, data: Path, target: str, sync: MakeType
) -> None:
    fill(target, TYPED_ROWS)
    job_type = sync(target, "files", batch_size=3)
    run(job_type)
    path = next(path for path in data.iterdir() if path.is_file())
    before = path.stat()
    assert counts(run(job_type)) == {"read": 4, "unchanged": 4}
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    fill(target, [(3, "now a text", *[None] * 10), (5, *[None] * 11)])
    job = run(job_type)
    assert counts(job) == {"read": 5, "inserted": 1, "updated": 1, "unchanged": 3}, job.failure
    assert Change.objects.get(job=job, operation="update").fields == {"a_text": [None, "now a text"]}
    assert path.stat().st_size > before.st_size


def test_file_that_somebody_edited_is_read_as_it_is_now(
    files: Connector, data: Path, target: str, sync: MakeType
) -> None:
    fill(target, TYPED_ROWS)
    run(sync(target, "files"))
    path = next(path for path in data.iterdir() if path.is_file())
    path.write_text(path.read_text().replace("Zürich", "Basel"))
    job = run(sync("files", target))
    assert counts(job) == {"read": 4, "updated": 1, "unchanged": 3}, job.failure
    (change,) = Change.objects.filter(job=job)
    assert change.fields["a_text"] == ["Zürich 🛬 \u202eright to left", "Basel 🛬 \u202eright to left"]


def test_dry_run_into_a_file_makes_none(files: Connector, data: Path, target: str, sync: MakeType) -> None:
    fill(target, TYPED_ROWS)
    job = run(sync(target, "files"), dry_run=True)
    assert (job.status, counts(job)) == ("finished", {"read": 4, "inserted": 4}), job.failure
    assert list(data.iterdir()) == []


def test_values_that_do_not_fit_end_in_error_naming_record_and_field(
    data: Path, target: str, sync: MakeType, transactional_db: None
) -> None:
    (data / "items.csv").write_text("id,size\n1,5\n2,many\n")
    config = {"root": "files", "format": "csv", "columns": {"items": {"id": "integer", "size": "integer"}}}
    save_connector(connector_from_shape({"slug": "files", "kind": "files", "config": config}))
    job = run(sync("files", target))
    assert job.status == "error"
    assert job.failure is not None
    assert "id=2: size value 'many' is not a number" in job.failure["message"]


def test_broken_file_ends_in_error_and_earlier_batches_stay(
    data: Path, target: str, sync: MakeType, transactional_db: None
) -> None:
    (data / "items.csv").write_text("id,note\n1,a\n2,b\n3\n")
    config = {"root": "files", "format": "csv"}
    save_connector(connector_from_shape({"slug": "files", "kind": "files", "config": config}))
    job = run(sync("files", target, batch_size=2))
    assert (job.status, job.counts["inserted"]) == ("error", 2)
    assert job.failure is not None
    assert job.failure["message"].startswith("items.csv, line 4: there are 1 cells where the header has 2")


def test_mirror_into_a_file_deletes_what_the_source_lost(
    files: Connector, data: Path, target: str, sync: MakeType
) -> None:
    fill(target, TYPED_ROWS)
    run(sync(target, "files"))
    source = Connector.objects.get(slug=target).open()
    request = upsert("items", TYPED_FIELDS, ("id",))
    write_batch(source, replace(request, mode="delete", create=False), [(2, *[None] * 11)])
    source.close()
    job = run(sync(target, "files", mode="mirror"))
    assert (job.status, counts(job)["deleted"]) == ("finished", 1), job.failure
    assert [row[0] for row in typed_rows("files", "items")] == [1, 3, 4]
