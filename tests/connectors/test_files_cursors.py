"""Files read by a cursor where it is hard: many files, values that are none, broken lines, changes in between."""

from __future__ import annotations

import gzip
import tracemalloc
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors import files_sorting
from connectors.errors import Interrupted, SyncError, TransientError
from connectors.files import FilesConnector
from connectors.records import Batch, CursorRequest, ReadRequest
from connectors.surroundings import Interruption, Surroundings
from tests.connectors.sql_systems import allow_files_below
from tests.connectors.test_files_writing import limited_files


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder `drop` in the data directory of the test."""
    allow_files_below(tmp_path, monkeypatch)
    (tmp_path / "drop").mkdir()
    return tmp_path / "drop"


def read(stream: str, cursor: CursorRequest, config: dict[str, Any] | None = None, **request: Any) -> list[Batch]:
    whole = {"root": "drop", "format": "csv"} | (config or {})
    with closing(FilesConnector("drop", whole, {})) as connector:
        return list(connector.read(ReadRequest(stream, cursor=cursor, **request)))


def rows(batches: list[Batch]) -> list[Any]:
    return [row for batch in batches for row in batch.rows]


def refusal(stream: str, cursor: CursorRequest, **request: Any) -> SyncError:
    with pytest.raises(SyncError) as caught:
        read(stream, cursor, **request)
    return caught.value


def test_numbers_are_in_order_by_value_over_all_files_and_batches_go_on_between_equal_ones(root: Path) -> None:
    (root / "b.csv").write_text("id,size\n1,10\n2,9.5\n3,\n4,1e1\n")
    (root / "a.csv").write_text("size,id\n9007199254740993.5,5\n-1,6\n10.0,7\n9007199254740993.4,8\n")
    request: dict[str, Any] = {
        "columns": ("id",),
        "batch_size": 2,
        "config": {"columns": {"*.csv": {"size": "decimal"}}},
    }
    batches = read("*.csv", CursorRequest("size"), **request)
    assert [row[0] for row in rows(batches)] == ["6", "2", "7", "1", "4", "8", "5"]
    assert [batch.highest for batch in batches] == ["9.5", "10", "9007199254740993.4", "9007199254740993.5"]
    for number, batch in enumerate(batches, 1):
        again = read("*.csv", CursorRequest("size"), position=batch.position, **request)
        assert rows(again) == rows(batches)[2 * number :]
    assert rows(read("*.csv", CursorRequest("size", "10"), **request))[:3] == [("7",), ("1",), ("4",)]
    assert len(rows(read("*.csv", CursorRequest("size", "10", is_inclusive=False), **request))) == 2
    assert batches[0].where is not None
    assert [batches[0].where(place) for place in (0, 1)] == ["a.csv, line 3", "b.csv, line 3"]


def test_values_of_no_time_come_last_and_do_not_count(root: Path) -> None:
    lines = ["id,seen", "1,soon", "2,2026-01-02T00:00:00+02:00", "3,2026-01-01T23:00:00Z", "4,0001-01-01", "5"]
    (root / "a.csv").write_text("\n".join(lines))
    request: dict[str, Any] = {"config": {"columns": {"a": {"seen": "datetime"}}}, "sets_aside": True}
    (batch,) = read("a", CursorRequest("seen"), **request)
    assert [row[0] for row in batch.rows] == ["4", "2", "3", "1", None]
    assert batch.highest == "2026-01-01T23:00:00Z"
    assert (batch.unread[4].text, batch.where and batch.where(4)) == ("5", "a.csv, line 6")
    later = read("a", CursorRequest("seen", "2026-01-01T22:30:00Z"), batch_size=1, **request)
    assert [row[0] for row in rows(later)] == ["3", "1", None], "what nobody can order is always read"
    assert [one.highest for one in later] == ["2026-01-01T23:00:00Z", None, None]
    again = read("a", CursorRequest("seen", "2026-01-01T22:30:00Z"), position=later[1].position, **request)
    assert rows(again) == [(None, None)]
    error = refusal("a", CursorRequest("seen"), config=request["config"])
    assert (error.code, error.message.startswith("a.csv, line 6")) == ("broken_record", True)


def test_packed_and_nested_records_are_given_as_they_are(root: Path) -> None:
    lines = b'{"n":2,"tags":["\xc3\xbc",{"a":null}],"price":12345678901234567890.5}\n{"n":1,"tags":null}\n'
    (root / "a.jsonl.gz").write_bytes(gzip.compress(lines))
    found = rows(read("a.jsonl.gz", CursorRequest("n"), {"format": "jsonl"}))
    assert found == [(1, None, None), (2, ["ü", {"a": None}], "12345678901234567890.5")]
    table = pa.table({"n": [2, 1], "raw": [b"\xff", None], "price": [Decimal("1.50"), None], "ok": [True, None]})
    pq.write_table(table, root / "a.parquet")
    found = rows(read("a", CursorRequest("n"), {"format": "parquet"}))
    assert found == [(1, None, None, None), (2, "/w==", "1.50", True)], "in forms that their types decode"


def test_file_that_changed_between_two_batches_is_noticed(root: Path) -> None:
    (root / "a.csv").write_text("id\n2\n1\n3\n")
    position = read("a", CursorRequest("id"), batch_size=1)[0].position
    (root / "a.csv").write_text("id\n2\n1\n3\n0\n")
    assert refusal("a", CursorRequest("id"), position=position).code == "file_changed"
    assert refusal("a", CursorRequest("id"), position={"files": 1}).code == "bad_position"


def write_many(path: Path, number: int, width: int) -> None:
    with path.open("w") as file:
        file.write("id,text\n")
        file.writelines(f"{one:06},{'x' * width}\n" for one in range(number, 0, -1))


def test_memory_does_not_grow_with_what_is_sorted(root: Path) -> None:
    write_many(root / "a.csv", 10_000, 2_000)
    connector = FilesConnector("drop", {"root": "drop", "format": "csv"}, {})
    tracemalloc.start()
    try:
        batches = connector.read(ReadRequest("a", cursor=CursorRequest("id"), batch_size=100))
        assert next(batches).rows[0][0] == "000001"
        assert sum(len(batch.rows) for batch in batches) == 9_900
        assert tracemalloc.get_traced_memory()[1] < 5 * 1024 * 1024, "the file has 20 MB"
    finally:
        tracemalloc.stop()
        connector.close()


def test_sorting_says_when_there_is_no_room_for_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_sorting, "CACHE_KIB", 64)
    write_many(root / "a.csv", 1_000, 2_000)
    with limited_files(100_000), pytest.raises(TransientError, match="sorting the records by their cursor") as caught:
        read("a", CursorRequest("id"))
    assert (caught.value.code, "TMPDIR" in caught.value.hint) == ("disk_full", True)


def test_reading_in_order_can_be_interrupted(root: Path) -> None:
    write_many(root / "a.csv", 3_000, 1)
    interruption = Interruption()
    connector = FilesConnector("drop", {"root": "drop", "format": "csv"}, {}, Surroundings(interruption))
    interruption.request("pause")
    with pytest.raises(Interrupted, match="pause"):
        list(connector.read(ReadRequest("a", cursor=CursorRequest("id"))))
    connector.close()
