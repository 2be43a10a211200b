"""Parquet files of kind files: types of other people's files, positions, memory, and what is written."""

from __future__ import annotations

import datetime as dt
import random
import sys
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors import files_parquet, files_writer
from connectors.base import TargetCheckpoint
from connectors.errors import ConfigError, DataError, SyncError, TransientError
from connectors.files import FilesConnector
from connectors.files_formats import parquet
from connectors.records import Field, Filter, ReadRequest
from connectors.testing_samples import HOSTILE_NAMES
from tests.connectors.sql_batches import read_rows, upsert, write_batch
from tests.connectors.sql_systems import allow_files_below
from tests.connectors.test_files_writing import limited_files, names_in, written_batch

Open = Callable[..., FilesConnector]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder `drop` in the data directory of the test."""
    allow_files_below(tmp_path, monkeypatch)
    (tmp_path / "drop").mkdir()
    return tmp_path / "drop"


@pytest.fixture
def connect(root: Path) -> Iterator[Open]:
    opened: list[FilesConnector] = []

    def make(**config: Any) -> FilesConnector:
        opened.append(FilesConnector("drop", {"root": "drop", "format": "parquet", **config}, {}))
        return opened[-1]

    yield make
    for connector in opened:
        connector.close()


def refusal(connector: FilesConnector, stream: str, **options: Any) -> SyncError:
    with pytest.raises(SyncError) as caught:
        read_rows(connector, stream, **options)
    return caught.value


# 1. Types.

MOMENT = dt.datetime(2026, 7, 1, 10, 30, 15, 123456, tzinfo=dt.UTC)
NAIVE = MOMENT.replace(tzinfo=None)
FOREIGN: list[tuple[pa.DataType, Any, str, Any]] = [
    (pa.int8(), -128, "integer", -128),
    (pa.uint16(), 65535, "integer", 65535),
    (pa.uint32(), 2**32 - 1, "bigint", 2**32 - 1),
    (pa.int64(), 2**63 - 1, "bigint", 2**63 - 1),
    (pa.uint64(), 2**64 - 1, "decimal", 2**64 - 1),
    (pa.float32(), 0.5, "float", 0.5),
    (pa.float64(), 0.1, "float", 0.1),
    (pa.decimal128(38, 10), Decimal("1234567890.0123456789"), "decimal", Decimal("1234567890.0123456789")),
    (pa.large_string(), "ü🛬", "text", "ü🛬"),
    (pa.dictionary(pa.int32(), pa.string()), "again", "text", "again"),
    (pa.date64(), dt.date(2024, 2, 29), "date", dt.date(2024, 2, 29)),
    (pa.timestamp("s"), NAIVE.replace(microsecond=0), "datetime", MOMENT.replace(microsecond=0)),
    (
        pa.timestamp("ms", tz="America/Chicago"),
        MOMENT.replace(microsecond=0),
        "datetime",
        MOMENT.replace(microsecond=0),
    ),
    (pa.timestamp("us"), NAIVE, "datetime", MOMENT),
    (pa.time32("s"), dt.time(23, 59, 59), "text", "23:59:59"),
    (pa.time64("us"), dt.time(1, 2, 3, 4), "text", "01:02:03.000004"),
    (pa.binary(3), b"\0\1\2", "binary", b"\0\1\2"),
    (pa.large_binary(), b"", "binary", b""),
    (pa.uuid(), uuid.UUID(int=1), "uuid", uuid.UUID(int=1)),
    (pa.list_(pa.int32()), [1, None], "json", [1, None]),
    (
        pa.struct({"a": pa.decimal128(4, 2), "b": pa.date32()}),
        {"a": Decimal("1.50"), "b": NAIVE.date()},
        "json",
        {"a": "1.50", "b": "2026-07-01"},
    ),
    (pa.map_(pa.string(), pa.binary()), [("k", b"\xff")], "json", {"k": "/w=="}),
    (pa.map_(pa.int32(), pa.bool_()), [(1, True)], "json", [[1, True]]),
    (pa.list_(pa.timestamp("us", tz="UTC")), [MOMENT], "json", ["2026-07-01T10:30:15.123456Z"]),
    (pa.null(), None, "text", None),
]


def array_of(kind: pa.DataType, values: list[Any]) -> pa.Array:
    if kind == pa.uuid():
        stored = pa.array([value and value.bytes for value in values], pa.binary(16))
        return pa.ExtensionArray.from_storage(kind, stored)
    return pa.array(values, kind)


def test_types_of_other_peoples_files_become_ours_with_their_values(connect: Open, root: Path) -> None:
    names = [f"c{place}" for place in range(len(FOREIGN))]
    columns = [array_of(kind, [value, None]) for kind, value, _, _ in FOREIGN]
    pq.write_table(pa.table(columns, names=names), root / "a.parquet")
    schema = connect().schema("a")
    assert [field.type for field in schema.fields] == [one[2] for one in FOREIGN]
    first, second = read_rows(connect(), "a")
    for (kind, _, _, expected), found in zip(FOREIGN, first, strict=True):
        assert found == expected, kind
    assert set(second) == {None}


def test_nanoseconds_are_cut_and_times_beyond_python_stay_texts(connect: Open, root: Path) -> None:
    nanoseconds = pa.array([1_500, 1, None], pa.int64()).cast(pa.timestamp("ns", tz="UTC"))
    seconds = pa.array([1, 2**40, None], pa.int64()).cast(pa.timestamp("s"))
    days = pa.array([0, 2**30, None], pa.int32()).cast(pa.date32())
    pq.write_table(pa.table([nanoseconds, seconds, days], names=["n", "s", "d"]), root / "a.parquet")
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    first, second, third = read_rows(connect(), "a")
    assert first == (epoch.replace(microsecond=1), epoch.replace(second=1), epoch.date())
    assert second[0] == epoch
    assert all(isinstance(value, str) for value in second[1:]), "mapping refuses them by the record's name"
    assert third == (None, None, None)


def test_required_columns_are_not_nullable_and_declared_types_count(connect: Open, root: Path) -> None:
    fields = [pa.field("id", pa.int32(), nullable=False), pa.field("data", pa.string())]
    pq.write_table(pa.table([[1], ['{"a":1}']], schema=pa.schema(fields)), root / "a.parquet")
    assert [field.nullable for field in connect().schema("a").fields] == [False, True]
    declared = connect(columns={"a": {"data": "json"}})
    assert [field.type for field in declared.schema("a").fields] == ["integer", "json"]
    with pytest.raises(DataError, match="'mayor'"):
        connect(columns={"a": {"mayor": "text"}}).schema("a")


# 2. Positions, columns, memory.


@pytest.fixture
def numbers(root: Path) -> Path:
    """One hundred records in row groups of seven."""
    path = root / "numbers.parquet"
    pq.write_table(pa.table({"n": range(100), "text": [f"t{n}" for n in range(100)]}), path, row_group_size=7)
    return path


@pytest.mark.parametrize("batch_size", [1, 7, 10, 1000])
def test_reading_goes_on_behind_any_batch(connect: Open, numbers: Path, root: Path, batch_size: int) -> None:
    pq.write_table(pa.table({"n": range(100, 103), "text": ["x"] * 3}), root / "z.parquet")
    request = ReadRequest("*.parquet", batch_size=batch_size)
    batches = list(connect().read(request))
    everything = [row for batch in batches for row in batch.rows]
    assert [row[0] for row in everything] == list(range(103))
    for number, batch in enumerate(batches[:20], 1):
        rest = read_rows(connect(), "*.parquet", position=batch.position)
        assert rest == everything[number * batch_size :]
    last = batches[-1]
    assert last.where is not None
    assert last.where(len(last.rows) - 1) == "z.parquet, record 3"


def test_file_that_changed_before_the_resume_is_noticed(connect: Open, numbers: Path) -> None:
    position = next(iter(connect().read(ReadRequest("numbers", batch_size=10)))).position
    pq.write_table(pa.table({"n": [1], "text": ["x"]}), numbers)
    assert refusal(connect(), "numbers", position=position).code == "file_changed"


def test_only_wanted_columns_are_read_whatever_their_names(connect: Open, root: Path) -> None:
    names = [*HOSTILE_NAMES, "dotted", "dotted.name", "list.element"]
    pq.write_table(pa.table([[place] for place in range(len(names))], names=names), root / "a.parquet")
    assert read_rows(connect(), "a") == [tuple(range(len(names)))]
    for place, name in enumerate(names):
        assert read_rows(connect(), "a", columns=(name,)) == [(place,)]
    assert read_rows(connect(), "a", columns=("dotted.name", "dotted")) == [(len(names) - 2, len(names) - 3)]
    wanted = Filter("dotted", "eq", len(names) - 3)
    assert read_rows(connect(), "a", columns=("select",), filters=(wanted,)) == [(2,)]
    assert connect().count("a") == connect().count("a", (wanted,)) == 1


def test_memory_stays_flat_however_large_a_row_group_is(connect: Open, root: Path) -> None:
    letters = random.Random(1)  # noqa: S311 - only so that nothing compresses
    texts = [letters.randbytes(2_000) for _ in range(20_000)]
    pq.write_table(pa.table({"n": range(20_000), "raw": texts}), root / "a.parquet", use_dictionary=False)
    del texts
    before, most, count = pa.total_allocated_bytes(), 0, 0
    for batch in connect().read(ReadRequest("a", batch_size=500)):
        count += len(batch.rows)
        most = max(most, pa.total_allocated_bytes() - before)
    assert count == 20_000
    assert most < 20 * 1024 * 1024, "the row group has 40 MB"


def test_huge_value_ends_the_reading(connect: Open, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_parquet, "LONGEST_RECORD", 1024 * 1024)
    texts = ["x"] * 5_000 + ["x" * 4 * 1024 * 1024] + ["x"] * 5_000
    pq.write_table(pa.table({"n": range(10_001), "text": texts}), root / "a.parquet")
    error = refusal(connect(), "a")
    assert (error.code, error.message) == ("broken_file", "a.parquet: the value of text in record 5001 is over 1 MiB")


@pytest.mark.parametrize("content", ["empty", "text", "cut", "torn"])
def test_file_that_is_no_parquet_is_named(connect: Open, root: Path, numbers: Path, content: str) -> None:
    data = numbers.read_bytes()
    spoiled = {"empty": b"", "text": b"id\n1\n", "cut": data[:-100], "torn": data[:4] + b"\xff" * 200 + data[204:]}
    (root / "a.parquet").write_bytes(spoiled[content])
    error = refusal(connect(), "a")
    assert (type(error), error.code) == (DataError, "broken_file")
    assert error.message.startswith("a.parquet: it cannot be read as Parquet")


def test_columns_without_a_name_of_their_own_are_refused(connect: Open, root: Path) -> None:
    pq.write_table(pa.table([[1], [2]], names=["a", "a"]), root / "a.parquet")
    assert "column 2 has no name of its own" in refusal(connect(), "a").message
    pq.write_table(pa.table([[1]], names=["b"]), root / "b.parquet")
    pq.write_table(pa.table([["1"]], names=["b"]), root / "c.parquet")
    error = refusal(connect(), "[bc].parquet")
    assert error.message == "c.parquet has the columns b (text), but b.parquet has b (bigint)"


# 3. Writing.


def test_columns_are_written_with_types_of_their_own(connect: Open, root: Path) -> None:
    fields = (
        Field("id", "integer", nullable=False),
        Field("price", "decimal"),
        Field("at", "datetime"),
        Field("day", "date"),
        Field("ok", "boolean"),
        Field("data", "json"),
        Field("raw", "binary"),
        Field("key", "uuid"),
    )
    row = (1, Decimal("1.50"), MOMENT, NAIVE.date(), True, {"a": [1, None]}, b"\0\xff", uuid.UUID(int=7))
    write_batch(connect(), upsert("notes", fields, ("id",)), [row, (2, *[None] * 7)])
    table = pq.read_table(root / "notes.parquet")
    kinds = [pa.int32(), pa.decimal128(38, 2), pa.timestamp("us", "UTC"), pa.date32(), pa.bool_()]
    assert table.schema.types == [*kinds, pa.json_(pa.string()), pa.binary(), pa.uuid()]
    assert [field.nullable for field in table.schema] == [False, *[True] * 7]
    first, second = table.to_pylist()
    assert tuple(first.values()) == (*row[:5], '{"a":[1,null]}', *row[6:])
    assert set(second.values()) == {2, None}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("12345678901234567890123456789012345678", pa.decimal128(38, 0)),
        ("0." + "1" * 40, pa.decimal256(76, 40)),
        ("1" * 70 + "." + "1" * 20, pa.string()),
        ("-1E+300", pa.string()),
    ],
)
def test_decimals_of_any_size_come_back_exactly(connect: Open, root: Path, value: str, kind: pa.DataType) -> None:
    fields = (Field("id", "integer", nullable=False), Field("number", "decimal"))
    number = Decimal(value)
    write_batch(connect(), upsert("notes", fields, ("id",)), [(1, number), (2, None)])
    assert pq.read_schema(root / "notes.parquet").field("number").type == kind
    (root / "notes.parquet").rename(root / "moved.parquet")  # away from what is known of it
    assert connect().schema("moved").fields[1].type == "decimal"
    assert [Decimal(row[1]) for row in read_rows(connect(), "moved", columns=("id", "number")) if row[1]] == [number]


def test_written_file_notices_a_single_byte_that_turned(connect: Open, root: Path) -> None:
    request = upsert("notes", (Field("id", "integer"), Field("note", "text")), ("id",))
    write_batch(connect(), request, [(number, "the same text, again and again") for number in range(100)])
    data = bytearray((root / "notes.parquet").read_bytes())
    data[data.index(b"again")] ^= 1
    (root / "moved.parquet").write_bytes(data)
    assert "CRC checksum verification failed" in refusal(connect(), "moved").message


def test_unchanged_file_is_not_written_again(connect: Open, root: Path) -> None:
    request = upsert("notes", (Field("id", "integer"), Field("note", "text")), ("id",))
    write_batch(connect(), request, [(1, "a")])
    before = (root / "notes.parquet").stat()
    found, _ = write_batch(connect(), request, [(1, "a")])
    assert found.unchanged == 1
    assert (root / "notes.parquet").stat() == before


def test_file_of_somebody_else_is_taken_in_before_it_is_written(connect: Open, root: Path) -> None:
    pq.write_table(pa.table({"id": [1, 2], "tags": [[1, 2], None]}), root / "notes.parquet")
    request = upsert("notes", (Field("id", "integer"), Field("tags", "json")), ("id",))
    found, changes = write_batch(connect(), request, [(1, [1, 2]), (2, [3])])
    assert (found.unchanged, found.updated) == (1, 1)
    assert changes[0].fields == {"tags": [None, [3]]}
    assert [row[1] for row in read_rows(connect(), "notes")] == ["[1,2]", "[3]"]


def test_no_space_left_names_the_disk_and_leaves_the_old_file_whole(
    connect: Open, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = upsert("notes", (Field("id", "integer"), Field("raw", "binary")), ("id",))
    write_batch(connect(), request, [(1, b"a")])
    before = (root / "notes.parquet").read_bytes()
    monkeypatch.setattr(files_writer, "QUICK_SECONDS", -1.0)
    monkeypatch.setattr(files_writer, "PAUSE_FACTOR", 1e9)
    letters = random.Random(1)  # noqa: S311 - only so that nothing compresses
    writer = written_batch(connect(), request, [(number, letters.randbytes(1_000)) for number in range(2, 100)])
    writer.commit(TargetCheckpoint(2, None, {}))
    with limited_files(20_000), pytest.raises(TransientError, match="no space left on /") as caught:
        writer.finish()
    assert caught.value.code == "disk_full"
    assert (root / "notes.parquet").read_bytes() == before
    assert names_in(root) == [".syncdeck", "notes.parquet"]


# 4. Without the extra.


def test_without_the_extra_the_format_is_listed_with_the_line_that_adds_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [one for one in sys.modules if one.startswith(("pyarrow", "connectors.files_parquet"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    parquet.cache_clear()
    line = "pip install 'syncdeck[parquet]'"
    format_setting = FilesConnector.spec()["config"]["properties"]["format"]
    assert "parquet" in format_setting["enum"]
    assert line in format_setting["description"]
    with pytest.raises(ConfigError) as caught:
        FilesConnector.check_config({"root": "drop", "format": "parquet"})
    assert (caught.value.code, line in caught.value.hint) == ("format_not_usable", True)
    FilesConnector.check_config({"root": "drop", "format": "csv"})
