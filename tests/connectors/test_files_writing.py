"""Kind files as a target: what lies in the file, other people's changes, and faults between commit and file."""

from __future__ import annotations

import datetime as dt
import errno
import resource
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors import files_writer
from connectors.base import Comparison, StreamWriter, TargetCheckpoint, WriteRequest
from connectors.errors import ConfigError, DataError, SyncError, TransientError
from connectors.files import FilesConnector
from connectors.files_errors import translated
from connectors.records import Field
from connectors.surroundings import Surroundings
from tests.connectors.sql_batches import Row, read_rows, refusal, upsert, write_batch
from tests.connectors.sql_systems import allow_files_below

Open = Callable[..., FilesConnector]
NOTES = (Field("id", "integer"), Field("note", "text"))
REQUEST = upsert("notes", NOTES, ("id",))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder `out` in the data directory of the test, which is not there yet."""
    allow_files_below(tmp_path, monkeypatch)
    return tmp_path / "out"


@pytest.fixture
def said() -> list[str]:
    """What operators were told."""
    return []


@pytest.fixture
def connect(root: Path, said: list[str]) -> Iterator[Open]:
    opened: list[FilesConnector] = []
    surroundings = Surroundings(notify=lambda _level, message: said.append(message))

    def make(**config: Any) -> FilesConnector:
        opened.append(FilesConnector("out", {"root": "out", "format": "csv", **config}, {}, surroundings))
        return opened[-1]

    yield make
    for connector in opened:
        connector.close()


def written_batch(connector: FilesConnector, request: WriteRequest, rows: Sequence[Row]) -> StreamWriter:
    """A writer that has yet to commit."""
    writer = connector.writer(request)
    writer.prepare()
    writer.begin("job", 1)
    writer.stage(rows)
    writer.compare()
    writer.write()
    return writer


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# 1. What lies in the file.


def test_csv_quotes_texts_only_so_that_null_and_empty_stay_apart(connect: Open, root: Path) -> None:
    fields = (
        *NOTES,
        Field("price", "decimal"),
        Field("at", "datetime"),
        Field("ok", "boolean"),
        Field("data", "json"),
        Field("raw", "binary"),
    )
    moment = dt.datetime(2026, 7, 1, 12, 30, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    rows: list[Row] = [
        (1, "", Decimal("1.50"), moment, True, {"a": "ü"}, b"\0\xff"),
        (2, None, None, None, False, "x", b""),
        (3, 'say "hi",\n🛬', Decimal("-0.10"), None, None, [], None),
    ]
    write_batch(connect(), upsert("notes", fields, ("id",)), rows)
    assert (root / "notes.csv").read_text() == (
        '"id","note","price","at","ok","data","raw"\n'
        '1,"",1.50,2026-07-01T10:30:00Z,true,"{""a"":""ü""}",AP8=\n'
        '2,,,,false,"""x""",""\n'
        '3,"say ""hi"",\n🛬",-0.10,,,[],\n'
    )
    assert names_in(root) == [".syncdeck", "notes.csv"]


def test_json_lines_hold_big_numbers_as_texts(connect: Open, root: Path) -> None:
    fields = (*NOTES, Field("price", "decimal"), Field("big", "bigint"), Field("data", "json"))
    rows: list[Row] = [(1, "", Decimal("1.50"), 2**53 + 1, {"a": [1, None]}), (2, None, None, 5, "text")]
    write_batch(connect(format="jsonl"), upsert("notes", fields, ("id",)), rows)
    assert (root / "notes.jsonl").read_text() == (
        '{"id":1,"note":"","price":"1.50","big":"9007199254740993","data":{"a":[1,null]}}\n'
        '{"id":2,"note":null,"price":null,"big":5,"data":"text"}\n'
    )


def test_other_delimiters_and_null_texts_come_back_as_they_were(connect: Open, root: Path) -> None:
    connector = connect(delimiter="tab", quote="'", null_text="NULL")
    rows: list[Row] = [(1, "NULL"), (2, None), (3, ""), (4, "it's\ta tab")]
    write_batch(connector, REQUEST, rows)
    assert (root / "notes.csv").read_text() == "'id'\t'note'\n1\t'NULL'\n2\tNULL\n3\t''\n4\t'it''s\ta tab'\n"
    assert [row[1] for row in read_rows(connector, "notes")] == [row[1] for row in rows]


def test_records_keep_their_order_and_updates_their_place(connect: Open, root: Path) -> None:
    write_batch(connect(), REQUEST, [(3, "c"), (1, "a"), (2, "b")])
    write_batch(connect(), REQUEST, [(1, "A"), (9, "new")])
    assert (root / "notes.csv").read_text() == '"id","note"\n3,"c"\n1,"A"\n2,"b"\n9,"new"\n'


def test_name_with_and_without_ending_is_one_file(connect: Open, root: Path) -> None:
    write_batch(connect(), upsert("2024/notes", NOTES, ("id",)), [(1, "a")])
    found, _ = write_batch(connect(), upsert("2024/notes.csv", NOTES, ("id",)), [(1, "a"), (2, "b")])
    assert found == Comparison(1, 0, 1, 0, 0)
    (root / "link.csv").symlink_to(root / "2024" / "notes.csv")
    for stream in ("2024//notes", "link"):
        assert write_batch(connect(), upsert(stream, NOTES, ("id",)), [(2, "b")])[0].unchanged == 1
    assert names_in(root / "2024") == ["notes.csv"]
    assert len([name for name in names_in(root / ".syncdeck") if name.endswith(".sqlite3")]) == 1


def test_batch_that_changes_nothing_leaves_the_file_alone(connect: Open, root: Path) -> None:
    write_batch(connect(), REQUEST, [(1, "a")])
    before = (root / "notes.csv").stat()
    write_batch(connect(), REQUEST, [(1, "a")])
    after = (root / "notes.csv").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_rights_of_the_file_are_kept(connect: Open, root: Path) -> None:
    write_batch(connect(), REQUEST, [(1, "a")])
    (root / "notes.csv").chmod(0o640)
    write_batch(connect(), REQUEST, [(1, "b")])
    assert (root / "notes.csv").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("stream", "config", "reason"),
    [
        ("2024/*.csv", {}, "pattern"),
        ("notes.csv.gz", {}, "packed"),
        ("SQLite_notes", {}, "SQLite"),
        ("_syncdeck_checkpoint", {}, "Syncdeck"),
        ("notes", {"header": False}, "header"),
        ("notes", {"encoding": "iso-8859-1"}, "utf-8"),
    ],
)
def test_what_can_only_be_read_is_refused(connect: Open, stream: str, config: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        connect(**config).writer(upsert(stream, NOTES, ("id",)))
    assert caught.value.code == "cannot_write"


def test_target_outside_the_root_is_refused(connect: Open, root: Path) -> None:
    root.mkdir()
    (root / "link.csv").symlink_to(root.parent / "elsewhere.csv")
    for stream in ("../notes", "/tmp/notes", ".syncdeck/notes", "link"):  # noqa: S108 - refused
        with pytest.raises(ConfigError) as caught:
            connect().writer(upsert(stream, NOTES, ("id",)))
        assert caught.value.code == "outside_root"


# 2. Files of others.


def test_file_that_was_there_is_compared_as_it_is(connect: Open, root: Path) -> None:
    root.mkdir()
    (root / "notes.csv").write_text("\ufeffid;extra;note\n1;x;a\n2;;\n3;y;\n", "utf-8")
    connector = connect(delimiter="semicolon")
    found, changes = write_batch(connector, REQUEST, [(1, "a"), (2, "two"), (4, "new")])
    assert found == Comparison(1, 1, 1, 0, 0)
    assert changes[0].fields == {"note": [None, "two"]}
    assert (root / "notes.csv").read_text() == '"id";"extra";"note"\n1;"x";"a"\n2;;"two"\n3;"y";\n4;;"new"\n'


def test_value_of_another_type_in_the_file_is_kept_until_it_is_written(connect: Open, root: Path) -> None:
    root.mkdir()
    (root / "notes.csv").write_text("id,size\n1,many\n2,07\n")
    request = upsert("notes", (Field("id", "integer"), Field("size", "integer")), ("id",))
    found, changes = write_batch(connect(), request, [(2, 7), (3, 8)])
    assert (found.inserted, found.unchanged) == (1, 1)
    assert (root / "notes.csv").read_text() == '"id","size"\n1,many\n2,7\n3,8\n'
    _, changes = write_batch(connect(), request, [(1, 5)])
    assert changes[0].fields == {"size": ["many", 5]}


@pytest.mark.parametrize("text", ["12345678901234567890", "1.50", "1e400"])
def test_number_that_the_type_cannot_hold_is_named_and_not_rounded(connect: Open, root: Path, text: str) -> None:
    root.mkdir()
    (root / "notes.csv").write_text(f"id,size\n1,5\n2,{text}\n")
    request = upsert("notes", (Field("id", "integer"), Field("size", "integer")), ("id",))
    error = refusal(connect(), request, [(1, 6)])
    assert error.message.startswith(f"notes.csv, line 3: the value '{text}' of size is")
    assert (root / "notes.csv").read_text() == f"id,size\n1,5\n2,{text}\n"


def test_change_by_somebody_else_is_compared_with_and_kept(connect: Open, root: Path) -> None:
    connector = connect()
    write_batch(connector, REQUEST, [(1, "a"), (2, "b"), (3, "c")])
    (root / "notes.csv").write_text('"id","note","by"\n1,"theirs","Ada"\n3,"c",\n')
    found, changes = write_batch(connector, REQUEST, [(1, "a"), (2, "b"), (3, "c")])
    assert found == Comparison(1, 1, 1, 0, 0)
    assert changes[0].fields == {"note": ["theirs", "a"]}
    assert (root / "notes.csv").read_text() == '"id","note","by"\n1,"a","Ada"\n3,"c",\n2,"b",\n'
    assert connector.schema("notes").key == ("id",)


def test_copied_back_file_of_ours_is_not_taken_for_foreign(connect: Open, root: Path) -> None:
    write_batch(connect(), REQUEST, [(1, "a")])
    content = (root / "notes.csv").read_bytes()
    (root / "notes.csv").unlink()
    (root / "notes.csv").write_bytes(content)
    assert write_batch(connect(), REQUEST, [(1, "a")])[0].unchanged == 1


def test_removed_column_is_named(connect: Open, root: Path) -> None:
    write_batch(connect(), REQUEST, [(1, "a")])
    (root / "notes.csv").write_text("id\n1\n")
    error = refusal(connect(), REQUEST, [(1, "a")])
    assert (error.code, "note" in error.message) == ("column_mismatch", True)


def test_key_that_comes_twice_or_is_missing_in_the_file_is_named(connect: Open, root: Path) -> None:
    write_batch(connect(), REQUEST, [(1, "a")])
    for content in ("id,note\n1,a\n7,b\n7,c\n", "id,note\n,a\n"):
        (root / "notes.csv").write_text(content)
        error = refusal(connect(), REQUEST, [(1, "x")])
        assert (error.code, "notes.csv" in error.message) == ("key_not_unique", True)
        assert ("id=7" in error.message) == ("7" in content)
        assert (root / "notes.csv").read_text() == content


def test_removed_file_is_made_anew(connect: Open, root: Path) -> None:
    write_batch(connect(), REQUEST, [(1, "a"), (2, "b")])
    (root / "notes.csv").unlink()
    assert write_batch(connect(), REQUEST, [(1, "a")])[0].inserted == 1
    assert (root / "notes.csv").read_text() == '"id","note"\n1,"a"\n'
    (root / "notes.csv").unlink()
    error = refusal(connect(), upsert("notes", NOTES, ("id",), create=False), [(1, "a")])
    assert error.code == "stream_not_found"
    assert not (root / "notes.csv").exists()


def test_change_in_the_middle_of_a_batch_is_not_overwritten(connect: Open, root: Path) -> None:
    write_batch(connect(), REQUEST, [(1, "a")])
    writer = written_batch(connect(), REQUEST, [(2, "b")])
    (root / "notes.csv").write_text('id,note\n5,"theirs"\n')
    with pytest.raises(TransientError) as caught:
        writer.commit(TargetCheckpoint(1, None, {}))
    assert caught.value.code == "file_busy"
    writer.rollback()
    assert (root / "notes.csv").read_text() == 'id,note\n5,"theirs"\n'
    write_batch(connect(), REQUEST, [(2, "b")])
    assert (root / "notes.csv").read_text() == '"id","note"\n5,"theirs"\n2,"b"\n'


def test_empty_json_lines_file_gets_the_fields_that_are_written(connect: Open, root: Path) -> None:
    root.mkdir()
    (root / "notes.jsonl").touch()
    connector = connect(format="jsonl")
    assert write_batch(connector, REQUEST, [(1, "a")])[0].inserted == 1
    assert (root / "notes.jsonl").read_text() == '{"id":1,"note":"a"}\n'


@pytest.mark.parametrize("has_copy", [False, True])
def test_dry_run_compares_with_a_foreign_file_and_touches_nothing(connect: Open, root: Path, has_copy: bool) -> None:
    root.mkdir()
    if has_copy:
        write_batch(connect(), REQUEST, [(1, "old")])
    (root / "notes.csv").write_text("id,note\n1,a\n2,b\n")
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    writer = connect().writer(upsert("notes", NOTES, ("id",), dry_run=True))
    assert writer.prepare() is False
    for _ in range(2):
        writer.begin("dry", 1)
        writer.stage([(1, "a"), (2, "B"), (3, "c")])
        assert writer.compare() == Comparison(1, 1, 1, 0, 0)
        writer.rollback()
    after = {path: path.stat().st_mtime_ns for path in before}
    assert after == before
    assert (root / ".syncdeck").exists() == has_copy


# 3. Between commit and file.


@contextmanager
def folder_away(folder: Path) -> Iterator[None]:
    """The folder is gone for a while, as when a network drive drops."""
    aside = folder.with_name("aside")
    folder.rename(aside)
    yield
    aside.rename(folder)


def break_between_commit_and_file(connect: Open, root: Path) -> None:
    """The batch is committed in the copy, and the file cannot be written."""
    write_batch(connect(), upsert("sub/notes", NOTES, ("id",)), [(1, "a")])
    connector = connect()
    writer = written_batch(connector, upsert("sub/notes", NOTES, ("id",)), [(1, "A"), (2, "b")])
    with folder_away(root / "sub"):
        with pytest.raises(SyncError):
            writer.commit(TargetCheckpoint(2, None, {}))
        connector.close()
    assert (root / "sub" / "notes.csv").read_text() == '"id","note"\n1,"a"\n'


def test_file_that_a_crash_left_behind_is_brought_up_to_date_by_the_next_beginning(
    connect: Open, root: Path, said: list[str]
) -> None:
    break_between_commit_and_file(connect, root)
    writer = connect().writer(upsert("sub/notes", NOTES, ("id",)))
    writer.prepare()
    assert (root / "sub" / "notes.csv").read_text() == '"id","note"\n1,"A"\n2,"b"\n'
    found = writer.begin("job", 1)
    assert found is not None
    assert found.batch_no == 2, "the batch counts, and is not written again"
    writer.rollback()
    assert any("next run" in message for message in said)


def test_foreign_change_after_such_a_crash_is_a_conflict_that_loses_nothing(connect: Open, root: Path) -> None:
    break_between_commit_and_file(connect, root)
    path = root / "sub" / "notes.csv"
    path.write_text('id,note\n9,"theirs"\n')
    request = upsert("sub/notes", NOTES, ("id",))
    error = refusal(connect(), request, [(3, "c")])
    assert (type(error), error.code) == (DataError, "file_conflict")
    assert path.read_text() == 'id,note\n9,"theirs"\n'
    path.rename(path.with_suffix(".bak"))
    write_batch(connect(), request, [(3, "c")])
    assert path.read_text() == '"id","note"\n1,"A"\n2,"b"\n3,"c"\n'


def test_large_file_is_written_now_and_then_and_at_the_end(
    connect: Open, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files_writer, "QUICK_SECONDS", -1.0)
    monkeypatch.setattr(files_writer, "PAUSE_FACTOR", 1e9)
    path = root / "notes.csv"
    for ending in ("finish", "close"):
        path.unlink(missing_ok=True)
        connector = connect()
        writer = connector.writer(REQUEST)
        writer.prepare()
        for number in range(3):
            writer.begin(ending, 1)
            writer.stage([(number, "x")])
            writer.compare()
            writer.write()
            writer.commit(TargetCheckpoint(number + 1, None, {}))
        assert path.read_text() == '"id","note"\n', "put off"
        writer.finish() if ending == "finish" else connector.close()
        assert path.read_text() == '"id","note"\n0,"x"\n1,"x"\n2,"x"\n'


def test_no_space_left_names_the_disk_and_leaves_the_old_file_whole(
    connect: Open, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_batch(connect(), REQUEST, [(1, "a")])
    monkeypatch.setattr(files_writer, "QUICK_SECONDS", -1.0)
    monkeypatch.setattr(files_writer, "PAUSE_FACTOR", 1e9)
    writer = written_batch(connect(), REQUEST, [(number, "x" * 100) for number in range(2, 500)])
    writer.commit(TargetCheckpoint(2, None, {}))
    with limited_files(20_000), pytest.raises(TransientError, match="no space left on /") as caught:
        writer.finish()
    assert caught.value.code == "disk_full"
    assert (root / "notes.csv").read_text() == '"id","note"\n1,"a"\n'
    assert names_in(root) == [".syncdeck", "notes.csv"]
    writer.finish()
    assert connect().count("notes") == 499


@contextmanager
def limited_files(size: int) -> Iterator[None]:
    """No file of this process may grow beyond that size, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_system_errors_say_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    full = translated(OSError(errno.ENOSPC, "No space left on device"), path, "notes.csv")
    assert (full.code, full.retryable) == ("disk_full", True)
    assert full.message.startswith("notes.csv: no space left on /")
    assert translated(PermissionError(errno.EACCES, "no"), path, "notes.csv").code == "no_permission"
    assert translated(FileNotFoundError(errno.ENOENT, "no"), path, "notes.csv").code == "stream_not_found"
    assert translated(OSError(errno.EIO, "Input/output error"), path, "notes.csv").retryable


def test_writers_of_one_file_wait_for_each_other_and_lose_nothing(connect: Open, root: Path) -> None:
    write_batch(connect(), REQUEST, [])
    failures: list[BaseException] = []

    def write(first: int) -> None:
        connector = connect()
        try:
            for number in range(first, first + 10):
                writer = connector.writer(REQUEST)
                writer.begin(f"job {first}", 1)
                writer.stage([(number, "x")])
                writer.compare()
                writer.write()
                writer.commit(TargetCheckpoint(number, None, {}))
        except BaseException as error:  # shown by the test
            failures.append(error)

    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    expected = {first + number for first in (0, 100, 200) for number in range(10)}
    assert {row[0] for row in read_rows(connect(), "notes")} == {str(number) for number in expected}


def test_append_adds_rows_without_a_key(connect: Open, root: Path) -> None:
    request = WriteRequest("log", NOTES, (), "append")
    for _ in range(2):
        write_batch(connect(), request, [(1, "a"), (1, "a")])
    assert (root / "log.csv").read_text() == '"id","note"\n' + '1,"a"\n' * 4
