"""Kind files as a source: names, formats, types, positions, and files that are broken or change."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors import files_lines, files_reading
from connectors.errors import ConfigError, DataError, Interrupted, SyncError
from connectors.files import FilesConnector
from connectors.records import Filter, ReadRequest
from connectors.surroundings import Interruption, Surroundings
from tests.connectors.sql_batches import read_rows
from tests.connectors.sql_systems import allow_files_below

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
        opened.append(FilesConnector("drop", {"root": "drop", "format": "csv", **config}, {}))
        return opened[-1]

    yield make
    for connector in opened:
        connector.close()


def types_of(connector: FilesConnector, stream: str) -> dict[str, str]:
    return {field.name: field.type for field in connector.schema(stream).fields}


def refusal(connector: FilesConnector, stream: str, **options: Any) -> SyncError:
    """The error of reading everything."""
    with pytest.raises(SyncError) as caught:
        read_rows(connector, stream, **options)
    return caught.value


# 1. Names.


def test_streams_are_the_files_of_the_format_below_the_root(connect: Open, root: Path) -> None:
    (root / "2024").mkdir()
    (root / ".hidden").mkdir()
    for name in ("b.csv", "a.csv", "2024/jan.csv", "old.csv.gz", "notes.txt", ".x.csv", ".hidden/y.csv"):
        (root / name).write_text("id\n1\n")
    listed = connect().streams()
    assert [info.name for info in listed] == ["2024/jan", "a", "b", "old.csv.gz"]
    assert listed[0].label == "2024/jan.csv"
    assert read_rows(connect(), "2024/jan") == read_rows(connect(), "2024/jan.csv") == [("1",)]
    assert read_rows(connect(), "notes.txt") == [("1",)], "another ending is read when it is named"


def test_folder_of_the_same_name_does_not_hide_a_file(connect: Open, root: Path) -> None:
    (root / "a").mkdir()
    (root / "a.csv").write_text("id\n1\n")
    assert read_rows(connect(), "a") == [("1",)]


def test_pattern_reads_all_its_files_in_sorted_order_whatever_the_order_of_columns(connect: Open, root: Path) -> None:
    (root / "2024").mkdir()
    (root / "2024" / "b.csv").write_text("name,id\nBea,2\n")
    (root / "2024" / "a.csv").write_text("id,name\n1,Ada\n")
    (root / "c.csv").write_text("other\n3\n")
    assert read_rows(connect(), "2024/*.csv") == [("1", "Ada"), ("2", "Bea")]
    assert connect().count("2024/*.csv") == 2


def test_files_of_a_pattern_with_other_columns_are_named(connect: Open, root: Path) -> None:
    (root / "a.csv").write_text("id,name\n1,Ada\n")
    (root / "b.csv").write_text("id,title\n2,Bea\n")
    with pytest.raises(DataError, match=r"b\.csv has the columns id, title, but a\.csv has id, name") as caught:
        connect().schema("*.csv")
    assert caught.value.code == "column_mismatch"


def test_missing_file_and_empty_pattern_name_what_there_is(connect: Open, root: Path) -> None:
    (root / "airports.csv").write_text("id\n")
    for stream in ("towns", "towns*", "**x"):
        with pytest.raises(ConfigError, match="it has: airports") as caught:
            connect().schema(stream)
        assert caught.value.code == "stream_not_found"


@pytest.mark.parametrize(
    "stream",
    [
        "../outside.csv",
        "sub/../../outside.csv",
        "/etc/passwd",
        "link.csv",
        "link-folder/outside.csv",
        ".syncdeck/x.sqlite3",
        "\\\\server\\share",
        "nul\0.csv",
        "..",
        "../*.csv",
        "fifo.csv",
        " ",
    ],
)
def test_stream_outside_the_root_is_refused(connect: Open, root: Path, stream: str) -> None:
    (root.parent / "outside.csv").write_text("secret\n")
    (root / "link.csv").symlink_to(root.parent / "outside.csv")
    (root / "link-folder").symlink_to(root.parent)
    os.mkfifo(root / "fifo.csv")
    with pytest.raises(ConfigError) as caught:
        connect().schema(stream)
    assert caught.value.code in ("outside_root", "stream_not_found")
    assert "secret" not in str(caught.value)
    assert connect().streams() == []


def test_links_out_of_the_root_are_no_part_of_a_pattern(connect: Open, root: Path) -> None:
    (root.parent / "outside.csv").write_text("id\nsecret\n")
    (root / "link.csv").symlink_to(root.parent / "outside.csv")
    (root / "a.csv").write_text("id\n1\n")
    assert read_rows(connect(), "*.csv") == [("1",)]


def test_root_outside_of_the_allowed_folders_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        FilesConnector.check_config({"root": "/etc", "format": "csv"})
    assert caught.value.code == "outside_root"


# 2. CSV.


def test_empty_cell_is_null_and_quoted_empty_cell_is_text(connect: Open, root: Path) -> None:
    (root / "a.csv").write_text('a,b,c\n,"",x\n"","a,"",b",\n"say ""hi""","","x\ny"\n')
    assert read_rows(connect(), "a") == [(None, "", "x"), ("", 'a,",b', None), ('say "hi"', "", "x\ny")]


def test_other_texts_may_mean_null_unless_they_are_quoted(connect: Open, root: Path) -> None:
    (root / "a.csv").write_text('a,b,c\nNULL,"NULL",\n')
    assert read_rows(connect(null_text="NULL"), "a") == [(None, "NULL", "")]


def test_delimiter_quote_and_encoding_are_heeded(connect: Open, root: Path) -> None:
    (root / "a.csv").write_bytes("name;town\n'Müller; Söhne';Köln\n".encode("iso-8859-1"))
    connector = connect(delimiter="semicolon", quote="'", encoding="iso-8859-1")
    assert read_rows(connector, "a") == [("Müller; Söhne", "Köln")]


def test_byte_order_mark_windows_line_ends_and_empty_lines_do_not_matter(connect: Open, root: Path) -> None:
    (root / "a.csv").write_bytes(b'\xef\xbb\xbfid,name\r\n1,"two\r\nlines"\r\n\r\n2,x')
    assert read_rows(connect(), "a") == [("1", "two\r\nlines"), ("2", "x")]


def test_empty_line_of_a_single_column_is_a_record_without_value(connect: Open, root: Path) -> None:
    (root / "a.csv").write_text('tag\na\n\n""\n')
    assert read_rows(connect(), "a") == [("a",), (None,), ("",)]


def test_columns_without_header_are_numbered(connect: Open, root: Path) -> None:
    (root / "a.csv").write_text("1,Ada\n2,Bea\n")
    connector = connect(header=False)
    assert list(types_of(connector, "a")) == ["column_1", "column_2"]
    assert read_rows(connector, "a", batch_size=1) == [("1", "Ada"), ("2", "Bea")]


def test_types_are_text_unless_declared_or_inferred(connect: Open, root: Path) -> None:
    header = "code,whole,part,flag,day,moment,local,mixed\n"
    row = "00123,7,1.50,true,2026-11-23,2026-11-23T02:30:00Z,2026-11-23 02:30:00,1\n"
    (root / "a.csv").write_text(header + row + ",2,3,false,,,,x\n")
    assert set(types_of(connect(), "a").values()) == {"text"}
    inferred = types_of(connect(infer_types=True), "a")
    assert list(inferred.values()) == ["text", "bigint", "decimal", "boolean", "date", "datetime", "text", "text"]
    declared = connect(columns={"a": {"whole": "integer", "day": "date"}})
    assert (types_of(declared, "a")["whole"], types_of(declared, "a")["part"]) == ("integer", "text")
    with pytest.raises(DataError, match="'mayor'"):
        connect(columns={"a": {"mayor": "text"}}).schema("a")


@pytest.mark.parametrize(
    ("content", "line", "what", "reason"),
    [
        (b"", None, "file", "no header line"),
        (b"a,a\n1,2\n", 1, "file", "'a' twice"),
        (b"a,,c\n1,2,3\n", 1, "file", "column 2 of the header has no name"),
        (b"a,\xff\n1,2\n", 1, "file", "no utf-8 at byte 3"),
        (b"a,b\n1,2\n3\n", 3, "record", "there are 1 cells where the header has 2"),
        (b"a,b\n1,2\n3,4,5\n", 3, "record", "there are 3 cells"),
        (b'a,b\n1,2\n3,"open\n4,5\n', 3, "file", "no CSV"),
        (b'a,b\n1,"x"y\n', 2, "record", "no CSV"),
        (b"a,b\n1,2\n\xff,4\n", 3, "record", "no utf-8 at byte 1"),
        ("a,b\n1,2\n".encode("utf-16"), 1, "file", "UTF-16"),
        (b"a,b\r1,2\r", 1, "file", "no CSV"),
    ],
)
def test_broken_file_is_named_with_its_line(
    connect: Open, root: Path, content: bytes, line: int | None, what: str, reason: str
) -> None:
    (root / "a.csv").write_bytes(content)
    error = refusal(connect(), "a")
    assert (type(error), error.code) == (DataError, f"broken_{what}")
    assert reason in error.message
    assert error.message.startswith("a.csv is" if line is None else f"a.csv, line {line}:")


def test_quote_that_is_never_closed_ends_within_bounds(
    connect: Open, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files_lines, "LONGEST_RECORD", 10_000)
    (root / "a.csv").write_text('a,b\n1,"open\n' + "2,x\n" * 10_000)
    error = refusal(connect(), "a")
    assert "a.csv, line 2: the record is over" in error.message
    assert "quote" in error.message


def test_number_of_a_broken_record_is_known_after_multi_line_ones(connect: Open, root: Path) -> None:
    (root / "a.csv").write_text('a,b\n1,"x\ny\nz"\n2\n')
    assert "line 5:" in refusal(connect(), "a").message


# 3. JSON Lines.


def test_json_lines_keep_numbers_exact(connect: Open, root: Path) -> None:
    lines = [
        '{"id": 1, "big": 9007199254740993, "huge": 123456789012345678901234567890, "price": 0.10}',
        '{"id": 2, "price": 12345678901234567890.123456789, "tags": ["a", {"b": 0.5}], "mixed": 1}',
        "",
        '{"id": 3, "ok": true, "name": "", "mixed": "x", "tags": null}',
    ]
    (root / "a.jsonl").write_text("\n".join(lines))
    connector = connect(format="jsonl")
    assert types_of(connector, "a") == {
        "id": "bigint",
        "big": "bigint",
        "huge": "decimal",
        "price": "decimal",
        "tags": "json",
        "mixed": "json",
        "ok": "boolean",
        "name": "text",
    }
    rows = read_rows(connector, "a")
    assert rows[0][:4] == (1, 9007199254740993, 123456789012345678901234567890, Decimal("0.10"))
    assert rows[1][3:6] == (Decimal("12345678901234567890.123456789"), ["a", {"b": 0.5}], 1)
    assert rows[2][4:] == (None, '"x"', True, "")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"id": 1', "no JSON"),
        ("[1]", "no object"),
        ('{"id": NaN}', "NaN"),
        ('{"id": ' + "1" * 5000 + "}", "no JSON"),
        ("[" * 100_000, "no JSON"),
    ],
    ids=["cut", "list", "NaN", "long", "deep"],
)
def test_broken_json_line_is_named(connect: Open, root: Path, line: str, reason: str) -> None:
    (root / "a.jsonl").write_text('{"id": 1}\n' + line + "\n")
    error = refusal(connect(format="jsonl"), "a")
    assert error.message.startswith("a.jsonl, line 2:")
    assert reason in error.message


def test_property_that_comes_late_is_not_dropped_in_silence(connect: Open, root: Path) -> None:
    (root / "a.jsonl").write_text('{"id": 1}\n' * 1_000 + '{"id": 2, "late": 1}\n')
    error = refusal(connect(format="jsonl"), "a")
    assert "line 1001" in error.message
    assert "late" in error.message
    declared = connect(format="jsonl", columns={"a": {"late": "integer"}})
    assert read_rows(declared, "a", columns=("late",))[-1] == (1,)


# 4. Packed files.


def test_packed_file_is_read_and_resumed(connect: Open, root: Path) -> None:
    (root / "a.csv.gz").write_bytes(gzip.compress(b"id\n" + b"".join(b"%d\n" % number for number in range(100))))
    batches = list(connect().read(ReadRequest("a.csv.gz", batch_size=30)))
    assert [len(batch.rows) for batch in batches] == [30, 30, 30, 10]
    assert read_rows(connect(), "a.csv.gz", position=batches[1].position)[0] == ("60",)


def test_cut_or_false_packed_file_is_named(connect: Open, root: Path) -> None:
    packed = gzip.compress(os.urandom(50_000).hex(" ").replace(" ", "\n").encode())
    (root / "cut.csv.gz").write_bytes(b"" + packed[: len(packed) // 2])
    (root / "false.csv.gz").write_bytes(b"id\n1\n")
    assert "ends too early" in refusal(connect(header=False), "cut.csv.gz").message
    error = refusal(connect(), "false.csv.gz")
    assert (error.code, "false.csv.gz, line 1" in error.message) == ("broken_file", True)


# 5. Positions, sizes, filters.


def test_reading_goes_on_in_the_right_file_of_a_pattern(connect: Open, root: Path) -> None:
    for name in "abc":
        (root / f"{name}.csv").write_text("id\n" + "".join(f'"{name}\n{number}"\n' for number in range(5)))
    request = ReadRequest("*.csv", batch_size=4)
    batches = list(connect().read(request))
    everything = [row for batch in batches for row in batch.rows]
    assert len(everything) == 15
    for number, batch in enumerate(batches, 1):
        rest = [row for later in connect().read(replace(request, position=batch.position)) for row in later.rows]
        assert rest == everything[number * 4 :]


def test_line_numbers_go_on_after_a_resume(connect: Open, root: Path) -> None:
    (root / "a.csv").write_text("a,b\n1,2\n3,4\n5\n")
    first = next(iter(connect().read(ReadRequest("a", batch_size=1))))
    assert "line 4:" in refusal(connect(), "a", position=first.position).message


@pytest.mark.parametrize("how", ["grown", "same size", "replaced", "one more file"])
def test_file_that_changed_before_the_resume_is_noticed(connect: Open, root: Path, how: str) -> None:
    path = root / "a.csv"
    path.write_text("id\n1\n2\n3\n")
    position = next(iter(connect().read(ReadRequest("*.csv", batch_size=1)))).position
    seen = path.stat()
    if how == "grown":
        path.write_text("id\n1\n2\n3\n4\n")
    elif how == "same size":
        path.write_text("id\n7\n8\n9\n")
        os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    elif how == "replaced":
        path.unlink()
        path.write_text("id\n1\n")
    else:
        (root / "0.csv").write_text("id\n0\n")
    error = refusal(connect(), "*.csv", position=position)
    assert (error.code, "Restart" in error.hint) == ("file_changed", True)


def test_file_that_grows_while_it_is_read_is_noticed(connect: Open, root: Path) -> None:
    path = root / "a.csv"
    path.write_text("id\n" + "1\n" * 10)
    batches = connect().read(ReadRequest("a", batch_size=5))
    next(batches)
    with path.open("a") as file:
        file.write("2\n")
    with pytest.raises(DataError, match="changed while it was read"):
        list(batches)


@pytest.mark.parametrize("position", [5, {}, {"file": "a.csv", "offset": "x"}, [1]])
def test_position_of_something_else_is_refused(connect: Open, root: Path, position: Any) -> None:
    (root / "a.csv").write_text("id\n1\n")
    assert refusal(connect(), "a", position=position).code == "bad_position"


def test_batches_are_bounded_by_bytes_too(connect: Open, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_reading, "BATCH_BYTES", 1_000)
    (root / "a.csv").write_text("id,text\n" + "".join(f"{number},{'x' * 90}\n" for number in range(100)))
    batches = list(connect().read(ReadRequest("a")))
    assert all(len(batch.rows) <= 11 for batch in batches)
    assert sum(len(batch.rows) for batch in batches) == 100
    assert sum(batch.byte_count for batch in batches) == (root / "a.csv").stat().st_size


def test_value_that_no_filter_can_judge_is_named_with_its_line(connect: Open, root: Path) -> None:
    (root / "a.csv").write_text("id,size\n1,2\n2,many\n")
    connector = connect(columns={"a": {"size": "integer"}})
    error = refusal(connector, "a", filters=(Filter("size", "gt", 1),))
    assert error.message == "a.csv, line 3: no filter can judge it: the value 'many' of size is not a number"
    assert read_rows(connector, "a") == [("1", "2"), ("2", "many")], "without a filter the mapping judges it"


@pytest.mark.parametrize(
    "item",
    [
        Filter("id", "regex", "("),
        Filter("id", "like", "x\\"),
        Filter("id", "almost", 1),  # type: ignore[arg-type]
        Filter("data", "lt", "{}"),
        Filter("id", "in", ["1"] * 10_001),
    ],
    ids=lambda item: f"{item.operator} {item.field}",
)
def test_filter_that_makes_no_sense_is_refused(connect: Open, root: Path, item: Filter) -> None:
    (root / "a.csv").write_text("id,data\n1,{}\n")
    error = refusal(connect(columns={"a": {"data": "json"}}), "a", filters=(item,))
    assert (error.code, item.field in error.message) == ("bad_filter", True)


def test_like_and_regex_judge_texts_as_sql_kinds_do(connect: Open, root: Path) -> None:
    (root / "a.csv").write_text('id\n"a%b\nc"\naxb\n.\n""\n')
    found = {
        pattern: [row[0] for row in read_rows(connect(), "a", filters=(Filter("id", "like", pattern),))]
        for pattern in ("a\\%%", "a_b", ".", "")
    }
    assert found == {"a\\%%": ["a%b\nc"], "a_b": ["axb"], ".": ["."], "": [""]}
    assert connect().count("a", (Filter("id", "regex", "^a.b$"),)) == 1


def test_long_reading_can_be_interrupted(root: Path) -> None:
    (root / "a.csv").write_text("id\n" + "1\n" * 5_000)
    interruption = Interruption()
    connector = FilesConnector("drop", {"root": "drop", "format": "csv"}, {}, Surroundings(interruption))
    batches = connector.read(ReadRequest("a", batch_size=500))
    next(batches)
    interruption.request("pause")
    with pytest.raises(Interrupted, match="pause"):
        list(batches)


# 6. Testing.


def test_connection_test_of_a_missing_folder_says_that_it_will_be_made(root: Path) -> None:
    steps = list(FilesConnector("new", {"root": "new", "format": "csv"}, {}).check())
    assert all(step.ok for step in steps)
    assert "does not exist yet" in steps[0].message
    assert [step.name for step in steps] == ["folder", "read one record", "write rights", "free space"]
    assert not (root.parent / "new").exists()


def test_connection_test_shows_a_broken_file_and_a_file_for_a_folder(connect: Open, root: Path) -> None:
    (root / "a.csv").write_text("a,a\n")
    failed = [step for step in connect().check() if not step.ok]
    assert [(step.name, "line 1" in step.message) for step in failed] == [("read one record", True)]
    (step,) = FilesConnector("x", {"root": "drop/a.csv", "format": "csv"}, {}).check()
    assert (step.name, step.ok, "not a folder" in step.message) == ("folder", False, True)


def test_null_text_that_cannot_be_told_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        FilesConnector.check_config({"root": "drop", "format": "csv", "null_text": ","})
    assert caught.value.code == "bad_format"
