"""Awkward values through real stream syncs: database → file → database, in each format, and back exactly."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from django.conf import LazySettings

from connectors.models import Connector
from connectors.records import ReadRequest, decode_value
from connectors.testing_samples import TYPED_FIELDS, TYPED_ROWS
from syncjobs.diffs import MASK
from syncjobs.models import Change, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type
from tests.connectors.sql_batches import Row, upsert, write_batch
from tests.streams.conftest import counts, run

MakeType = Callable[..., SyncJobType]
NAMES = tuple(field.name for field in TYPED_FIELDS)


@pytest.fixture
def data(settings: LazySettings) -> Iterator[Path]:
    """The folder `files` in the data directory, empty."""
    folder = Path(settings.SYNCDECK_DATA_DIR) / "files"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(params=["csv", "jsonl", "parquet"])
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


def typed_rows(slug: str, stream: str, names: tuple[str, ...] = NAMES) -> list[Row]:
    """All records by id, decoded by the schema of the connector."""
    connector = Connector.objects.get(slug=slug).open()
    try:
        types = {field.name: field.type for field in connector.schema(stream).fields}
        rows = [
            tuple(decode_value(types[name], value) for name, value in zip(batch.names, row, strict=True))
            for batch in connector.read(ReadRequest(stream, columns=names))
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
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        edited = pc.replace_substring(table["a_text"], "Zürich", "Basel")
        pq.write_table(table.set_column(table.column_names.index("a_text"), "a_text", edited), path)
    else:
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
    assert "id=2 (items.csv, line 3): size value 'many' is not a number" in job.failure["message"]


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


BROKEN = {
    "csv": b'id,note,size\n1,a,5\n2,b\n3,"c"d,7\n4,\xff\xfe,8\n5,e,many\n6,f,9\n',
    "jsonl": b'{"id":1,"note":"a","size":5}\n{"id":2,\n[3]\n{"id":4,"note":"\xff\xfe","size":8}\n'
    b'{"id":5,"note":"e","size":"many"}\n{"id":6,"note":"f","size":9}\n',
}
REASONS = {
    "csv": ["there are 2 cells where the header has 3", "the line is no CSV", "is no utf-8 at byte 3"],
    "jsonl": ["the line is no JSON", "the line is JSON, but no object", "is no utf-8 at byte 17"],
}


@pytest.fixture(params=["csv", "jsonl"])
def broken(request: pytest.FixtureRequest, data: Path, transactional_db: None) -> Path:
    """A file in which the second, third and fourth record cannot be read, and the size of the fifth is none."""
    columns = {"items": {"id": "integer", "size": "integer"}}
    config = {"root": "files", "format": request.param, "columns": columns}
    save_connector(connector_from_shape({"slug": "files", "kind": "files", "config": config}))
    path = data / f"items.{request.param}"
    path.write_bytes(BROKEN[request.param])
    return path


@pytest.mark.parametrize("batch_size", [1, 100])
def test_broken_records_are_set_aside_with_file_and_line(
    broken: Path, target: str, sync: MakeType, batch_size: int
) -> None:
    job_type = sync("files", target, on_reject={"policy": "quarantine"}, batch_size=batch_size)
    job = run(job_type)
    assert (job.status, counts(job)) == ("finished", {"read": 6, "inserted": 2, "rejected": 4}), job.failure
    rejects = sorted(job.rejects.all(), key=lambda one: one.message[-2:])
    first = 1 if broken.suffix == ".jsonl" else 2
    assert [one.message.rpartition("(")[2] for one in rejects] == [
        f"{broken.name}, line {first + n})" for n in range(1, 5)
    ]
    for reject, reason in zip(rejects, REASONS[broken.suffix[1:]], strict=False):
        assert (reject.code, reject.key, reject.is_whole) == ("broken_record", {}, False)
        assert reject.message.startswith(reason)
    lines = BROKEN[broken.suffix[1:]].decode("utf-8", "backslashreplace").splitlines(keepends=True)
    assert [json.loads(one.record)["unread"] for one in rejects[:3]] == lines[first : first + 3]
    assert (rejects[3].code, rejects[3].key) == ("wrong_type", {"id": 5})
    assert sorted(row[0] for row in typed_rows(target, "items", ("id",))) == [1, 6]
    again = run(job_type)
    assert counts(again) == {"read": 6, "unchanged": 2, "rejected": 4}, again.failure


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_broken_record_stops_a_job_that_sets_nothing_aside(broken: Path, target: str, sync: MakeType) -> None:
    job = run(sync("files", target, batch_size=1))
    assert (job.status, job.counts["inserted"]) == ("error", 1)
    assert job.failure is not None
    line = 2 if broken.suffix == ".jsonl" else 3
    assert job.failure["code"] == "broken_record"
    assert job.failure["message"].startswith(f"{broken.name}, line {line}: {REASONS[broken.suffix[1:]][0]}")


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_mirror_deletes_nothing_while_a_record_cannot_be_read(broken: Path, target: str, sync: MakeType) -> None:
    names = ("id", "note", "size")
    whole = (b",".join(b"%d" % number for _ in names) + b"\n" for number in range(1, 7))
    good = b"".join([b"id,note,size\n", *whole])
    if broken.suffix == ".jsonl":
        good = b"".join(b'{"id":%d,"note":"","size":1}\n' % number for number in range(1, 7))
    broken.write_bytes(good)
    job_type = sync("files", target, mode="mirror", on_reject={"policy": "quarantine"})
    assert counts(run(job_type))["inserted"] == 6
    broken.write_bytes(BROKEN[broken.suffix[1:]])
    job = run(job_type)
    assert (job.status, job.counts["deleted"]) == ("error", 0)
    assert job.failure is not None
    assert job.failure["code"] == "broken_record"
    assert len(typed_rows(target, "items", ("id",))) == 6


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_quote_that_stays_open_ends_the_job_even_where_records_are_set_aside(
    data: Path, target: str, sync: MakeType, transactional_db: None
) -> None:
    (data / "items.csv").write_text('id,note\n1,a\n2,"b\n3,c\n')
    config = {"root": "files", "format": "csv"}
    save_connector(connector_from_shape({"slug": "files", "kind": "files", "config": config}))
    job = run(sync("files", target, on_reject={"policy": "quarantine"}, batch_size=1))
    assert (job.status, counts(job)) == ("error", {"read": 1, "inserted": 1})
    assert job.failure is not None
    assert (job.failure["code"], "items.csv, line 3" in job.failure["message"]) == ("broken_file", True)


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_texts_of_broken_records_are_hidden_where_fields_are_masked(broken: Path, target: str, sync: MakeType) -> None:
    job_type = sync("files", target, on_reject={"policy": "quarantine"})
    job_type.config["masked_fields"] = ["note"]
    job_type.save()
    job = run(job_type)
    unread = [one for one in job.rejects.all() if one.code == "broken_record"]
    assert {one.record for one in unread} == {json.dumps({"unread": MASK}, separators=(",", ":"))}
    assert all("masked" in one.message for one in unread)


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
@pytest.mark.parametrize("mode", ["upsert", "append"])
def test_incremental_run_reads_only_lines_beyond_the_cursor_wherever_they_stand(
    data: Path, target: str, sync: MakeType, transactional_db: None, mode: str
) -> None:
    lines = [f"{number},2026-01-01T00:{number % 60:02}:00Z" for number in range(50)]
    (data / "items.csv").write_text("\n".join(["id,seen", *reversed(lines)]))
    config = {"root": "files", "format": "csv", "columns": {"items": {"id": "integer", "seen": "datetime"}}}
    save_connector(connector_from_shape({"slug": "files", "kind": "files", "config": config}))
    cursor = {"field": "seen", "overlap_seconds": 120}
    job_type = sync("files", target, extent="incremental", cursor=cursor, mode=mode, batch_size=7)
    assert counts(run(job_type)) == {"read": 50, "inserted": 50}
    later = ["50,2026-01-01T00:50:00Z", "51,2026-01-01T00:51:00Z"]
    (data / "items.csv").write_text("\n".join(["id,seen", later[0], *reversed(lines), "52,", later[1]]))
    job = run(job_type)
    read_again = 3 if mode == "upsert" else 0  # within the overlap, which an append would add twice
    expected = {"read": 2 + read_again, "inserted": 2, "unchanged": read_again}
    assert counts(job) == {name: number for name, number in expected.items() if number}, job.failure
    assert [row[0] for row in typed_rows(target, "items", ("id",))] == list(range(52))
    assert job.checkpoint["highest"] == "2026-01-01T00:51:00Z"


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
