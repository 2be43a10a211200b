"""What is particular to kind sqlite: files, foreign tables, storage forms and SQLite's own errors."""
# ruff: noqa: S608 - the statements put together here are the tests' own.

import datetime as dt
import hashlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors import paths, sqlite_session
from connectors.base import WriteRequest
from connectors.errors import ConfigError, DataError, Interrupted, SyncError, TransientError
from connectors.records import Field, Filter, OversizedValue, ReadRequest
from connectors.sqlite import SQLiteConnector
from connectors.surroundings import Interruption, Surroundings
from tests.connectors.sql_batches import read_rows, refusal, upsert, write_batch
from tests.connectors.sql_systems import allow_files_below

Execute = Callable[..., list[Any]]
NOTES = (Field("id", "integer"), Field("note", "text"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data directory of the test."""
    allow_files_below(tmp_path, monkeypatch)
    return tmp_path


@pytest.fixture
def warehouse(folder: Path) -> Iterator[SQLiteConnector]:
    """A connector to a file that does not exist yet."""
    connector = SQLiteConnector("warehouse", {"path": "warehouse.sqlite3"}, {})
    yield connector
    connector.close()


@pytest.fixture
def execute(folder: Path) -> Execute:
    """Runs statements on the file as another program would."""

    def run(*statements: str) -> list[Any]:
        with closing(sqlite3.connect(folder / "warehouse.sqlite3")) as connection:
            for statement in statements:
                rows = connection.execute(statement).fetchall()
            connection.commit()
        return rows

    return run


# 1. Files.


def test_missing_file_has_no_streams_and_is_not_created_by_looking(warehouse: SQLiteConnector, folder: Path) -> None:
    assert warehouse.streams() == []
    with pytest.raises(ConfigError, match="no table or view 'airports'") as raised:
        warehouse.schema("airports")
    assert raised.value.code == "stream_not_found"
    assert list(folder.iterdir()) == []


def test_missing_file_that_must_exist_is_named(folder: Path) -> None:
    connector = SQLiteConnector("warehouse", {"path": "warehouse.sqlite3", "must_exist": True}, {})
    with pytest.raises(ConfigError, match=r"warehouse: the file warehouse.sqlite3 does not exist"):
        connector.streams()
    assert refusal(connector, upsert("notes", NOTES, ("id",)), []).code == "file_not_found"
    step = next(iter(connector.check()))
    assert (step.name, step.ok) == ("path", False)
    assert list(folder.iterdir()) == []


def test_file_that_is_no_database_is_named(warehouse: SQLiteConnector, folder: Path) -> None:
    (folder / "warehouse.sqlite3").write_text("This is not a database, but it is long enough to be read as one." * 20)
    with pytest.raises(ConfigError, match=r"warehouse.sqlite3 is not an SQLite database"):
        warehouse.streams()
    assert refusal(warehouse, upsert("notes", NOTES, ("id",)), []).code == "not_a_database"
    assert [(step.name, step.ok) for step in warehouse.check()] == [("path", True), ("open", False)]


def test_missing_folder_is_named(folder: Path) -> None:
    connector = SQLiteConnector("warehouse", {"path": "missing/warehouse.sqlite3"}, {})
    error = refusal(connector, upsert("notes", NOTES, ("id",)), [])
    assert isinstance(error, ConfigError)
    assert error.message == "warehouse: notes: cannot open missing/warehouse.sqlite3"
    assert [step.name for step in connector.check() if not step.ok] == ["write rights"]


def test_files_of_syncdeck_itself_and_outside_the_roots_are_refused(folder: Path) -> None:
    paths.configure(folder, reserved=[folder / "syncdeck.sqlite3"])
    for path in ("syncdeck.sqlite3", "./x/../syncdeck.sqlite3", "../elsewhere.sqlite3"):
        with pytest.raises(ConfigError):
            SQLiteConnector.check_config({"path": path})
        with pytest.raises(ConfigError):
            SQLiteConnector("own", {"path": path}, {}).streams()


def test_database_locked_by_another_program_is_a_transient_error(
    warehouse: SQLiteConnector, execute: Execute, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, note TEXT)")
    monkeypatch.setattr(sqlite_session, "PATIENCE_SECONDS", 1.0)
    with closing(sqlite3.connect(folder / "warehouse.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        error = refusal(warehouse, upsert("notes", NOTES, ("id",)), [(1, "a")])
        other.execute("ROLLBACK")
    assert isinstance(error, TransientError)
    assert error.code == "locked"
    assert write_batch(warehouse, upsert("notes", NOTES, ("id",)), [(1, "a")])[0].inserted == 1


def test_lock_that_ends_in_time_is_waited_for(warehouse: SQLiteConnector, execute: Execute, folder: Path) -> None:
    execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, note TEXT)")
    other = sqlite3.connect(folder / "warehouse.sqlite3", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")

    def let_go() -> None:
        other.execute("COMMIT")
        other.close()

    release = threading.Timer(1.5, let_go)
    release.start()
    assert write_batch(warehouse, upsert("notes", NOTES, ("id",)), [(1, "a")])[0].inserted == 1
    release.join()


def test_dry_run_leaves_every_byte_of_the_file(warehouse: SQLiteConnector, folder: Path) -> None:
    write_batch(warehouse, upsert("notes", NOTES, ("id",)), [(1, "a"), (2, "b")])
    warehouse.close()
    before = hashlib.sha256((folder / "warehouse.sqlite3").read_bytes()).hexdigest()
    found, _ = write_batch(warehouse, upsert("notes", NOTES, ("id",), dry_run=True), [(1, "x"), (3, "c")])
    warehouse.close()
    assert (found.inserted, found.updated) == (1, 1)
    assert hashlib.sha256((folder / "warehouse.sqlite3").read_bytes()).hexdigest() == before


def test_dry_run_into_a_missing_file_leaves_it_missing(warehouse: SQLiteConnector, folder: Path) -> None:
    assert write_batch(warehouse, upsert("notes", NOTES, ("id",), dry_run=True), [(1, "x")])[0].inserted == 1
    assert list(folder.iterdir()) == []


# 2. Ends on request.

ENDLESS = (
    "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) AS s FROM n"
)


def test_long_statement_ends_when_asked_to(warehouse: SQLiteConnector, execute: Execute) -> None:
    execute(ENDLESS)
    interruption = Interruption()
    connector = SQLiteConnector("warehouse", warehouse.config, {}, Surroundings(interruption))
    threading.Timer(0.5, interruption.request, ["canceled by Ada"]).start()
    started = time.monotonic()
    with pytest.raises(Interrupted, match="canceled by Ada"):
        read_rows(connector, "endless")
    assert time.monotonic() - started < 5
    connector.close()


def test_waiting_for_a_lock_ends_when_asked_to(warehouse: SQLiteConnector, execute: Execute, folder: Path) -> None:
    execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, note TEXT)")
    interruption = Interruption()
    connector = SQLiteConnector("warehouse", warehouse.config, {}, Surroundings(interruption))
    with closing(sqlite3.connect(folder / "warehouse.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.5, interruption.request, ["paused"]).start()
        started = time.monotonic()
        with pytest.raises(Interrupted):
            write_batch(connector, upsert("notes", NOTES, ("id",)), [(1, "a")])
        assert time.monotonic() - started < 5
        other.execute("ROLLBACK")
    connector.close()


# 3. Tables that others made.


def test_declared_types_of_other_programs_are_understood(warehouse: SQLiteConnector, execute: Execute) -> None:
    execute(
        "CREATE TABLE foreign_table (a INTEGER PRIMARY KEY, b VARCHAR(10) NOT NULL, c DECIMAL(10,2), d TIMESTAMP,"
        " e BOOL, f DOUBLE PRECISION, g, h BLOB, i date, j JSON, k UNSIGNED BIG INT, l whatever)"
    )
    schema = warehouse.schema("foreign_table")
    assert [field.type for field in schema.fields] == [
        *("bigint", "text", "decimal", "datetime", "boolean", "float"),
        *("text", "binary", "date", "json", "bigint", "text"),
    ]
    assert [field.name for field in schema.fields if not field.nullable] == ["a", "b"]


def test_values_that_do_not_fit_their_declared_type_come_as_they_are(
    warehouse: SQLiteConnector, execute: Execute
) -> None:
    execute(
        "CREATE TABLE odd (id INTEGER PRIMARY KEY, day DATE, flag BOOLEAN, amount DECIMAL, data JSON)",
        "INSERT INTO odd VALUES (1, '2026-02-30', 'maybe', 'lots', '{'), (2, '2026-02-28', 1, 1.5, '{\"a\": 1}')",
    )
    assert read_rows(warehouse, "odd") == [
        (1, "2026-02-30", "maybe", "lots", "{"),
        (2, dt.date(2026, 2, 28), True, Decimal("1.5"), {"a": 1}),
    ]


def test_text_that_is_no_utf8_is_read_so_that_mapping_can_refuse_it(
    warehouse: SQLiteConnector, execute: Execute
) -> None:
    execute("CREATE TABLE odd (id INTEGER PRIMARY KEY, note TEXT)", "INSERT INTO odd VALUES (1, CAST(x'FF41' AS TEXT))")
    assert read_rows(warehouse, "odd") == [(1, "\udcffA")]


def test_records_of_other_programs_that_mean_the_same_are_unchanged(
    warehouse: SQLiteConnector, execute: Execute
) -> None:
    execute(
        "CREATE TABLE prices (id INTEGER PRIMARY KEY, price NUMERIC(10,2), at DATETIME, data JSON, ok BOOLEAN)",
        "INSERT INTO prices VALUES (1, 1.50, '2026-01-02T03:04:05Z', '{ \"a\" : 1 }', 'true')",
    )
    fields = warehouse.schema("prices").fields
    same = (1, Decimal("1.5"), dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC), {"a": 1}, True)
    assert write_batch(warehouse, upsert("prices", fields, ("id",)), [same])[0].unchanged == 1
    other = (1, Decimal("1.51"), *same[2:])
    _, changes = write_batch(warehouse, upsert("prices", fields, ("id",)), [other])
    assert changes[0].fields == {"price": ["1.5", "1.51"]}


@pytest.mark.parametrize(
    ("declaration", "key"),
    [
        ("CREATE TABLE items (code TEXT, part INTEGER, note TEXT)", ("code",)),
        ("CREATE TABLE items (code TEXT, part INTEGER, note TEXT)", ()),
        ("CREATE TABLE items (rowid TEXT, oid TEXT, code TEXT, part INTEGER, note TEXT)", ("code",)),
        (
            "CREATE TABLE items (code TEXT COLLATE NOCASE, part INTEGER, note TEXT, UNIQUE (code, part))",
            ("code", "part"),
        ),
        ("CREATE TABLE items (code TEXT, part INTEGER, note TEXT PRIMARY KEY) WITHOUT ROWID", ("code",)),
        ("CREATE TABLE base (code TEXT, part INTEGER, note TEXT); CREATE VIEW items AS SELECT * FROM base", ("code",)),
    ],
)
def test_keys_that_are_empty_or_repeated_lose_no_record_at_a_page_edge(
    warehouse: SQLiteConnector, execute: Execute, declaration: str, key: tuple[str, ...]
) -> None:
    table = "base" if "VIEW" in declaration else "items"
    notes = [f"note {number}" for number in range(60)]
    rows = ", ".join(
        f"({'NULL' if number % 3 == 0 else repr(chr(97 + number % 2) if number % 4 else 'A')}, {number % 7}, '{note}')"
        for number, note in enumerate(notes)
    )
    execute(*declaration.split("; "), f"INSERT OR IGNORE INTO {table} (code, part, note) VALUES {rows}")
    expected = sorted(note for (note,) in execute("SELECT note FROM items"))
    assert len(expected) > 20
    batches = list(warehouse.read(ReadRequest("items", columns=("note",), key=key, batch_size=4)))
    assert sorted(note for batch in batches for (note,) in batch.rows) == expected
    for number, batch in enumerate(batches):
        request = ReadRequest("items", columns=("note",), key=key, batch_size=4, position=batch.position)
        rest = [note for later in warehouse.read(request) for (note,) in later.rows]
        assert rest == [note for later in batches[number + 1 :] for (note,) in later.rows]


def test_regex_filter_works_and_a_broken_one_is_refused(warehouse: SQLiteConnector, execute: Execute) -> None:
    execute(
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, note TEXT)",
        "INSERT INTO notes VALUES (1, 'abc'), (2, 'xbc'), (3, NULL)",
    )
    assert warehouse.count("notes", (Filter("note", "regex", "^[a-c]+$"),)) == 1
    with pytest.raises(ConfigError, match="regular expression"):
        warehouse.count("notes", (Filter("note", "regex", "("),))


def test_position_of_another_key_is_refused(warehouse: SQLiteConnector, execute: Execute) -> None:
    execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, note TEXT)")
    with pytest.raises(ConfigError, match="position"):
        read_rows(warehouse, "notes", key=("note",), position=[1])


# 4. What is stored.


def test_created_table_keeps_nullability_key_and_readable_exact_values(
    warehouse: SQLiteConnector, execute: Execute
) -> None:
    fields = (
        Field("code", "text"),
        Field("price", "decimal", nullable=False),
        Field("at", "datetime"),
        Field("ok", "boolean"),
        Field("size", "decimal"),
    )
    at = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    write_batch(warehouse, upsert("prices", fields, ("code",)), [("a", Decimal("12.50"), at, True, None)])
    assert execute("SELECT * FROM prices") == [("a", "12.50", "2026-01-02 02:04:05", 1, None)]
    assert execute("SELECT at < datetime('now'), typeof(price) FROM prices") == [(1, "text")]
    schema = warehouse.schema("prices")
    assert schema.key == ("code",)
    assert [field.name for field in schema.fields if not field.nullable] == ["code", "price"]


def test_decimal_keys_meet_whatever_their_zeros(warehouse: SQLiteConnector) -> None:
    fields = (Field("amount", "decimal"), Field("note", "text"))
    write_batch(warehouse, upsert("amounts", fields, ("amount",)), [(Decimal("1.50"), "a"), (Decimal("100"), "b")])
    found, _ = write_batch(
        warehouse, upsert("amounts", fields, ("amount",)), [(Decimal("1.5"), "a"), (Decimal("1E+2"), "b")]
    )
    assert found.unchanged == 2


def test_checkpoints_of_long_ago_go(warehouse: SQLiteConnector, execute: Execute) -> None:
    request = upsert("notes", NOTES, ("id",))
    write_batch(warehouse, request, [(1, "a")])
    execute(
        "INSERT INTO _syncdeck_checkpoint SELECT 'old', stream, 1, NULL, '{}', 1, datetime('now', '-91 days')"
        " FROM _syncdeck_checkpoint"
    )
    write_batch(warehouse, request, [(1, "a")])
    assert execute("SELECT job_token FROM _syncdeck_checkpoint") == [("job",)]


def test_target_without_a_unique_key_is_warned_about(warehouse: SQLiteConnector, execute: Execute) -> None:
    execute("CREATE TABLE notes (id INTEGER, note TEXT)")
    said: list[str] = []
    surroundings = Surroundings(notify=lambda level, message: said.append(f"{level} {message}"))
    connector = SQLiteConnector("warehouse", warehouse.config, {}, surroundings)
    assert write_batch(connector, upsert("notes", NOTES, ("id",)), [(1, "a")])[0].inserted == 1
    assert write_batch(connector, upsert("notes", NOTES, ("id",)), [(1, "a")])[0].unchanged == 1
    assert said[0].startswith("WARNING notes: no unique index covers the key id")
    connector.close()


# 5. Records that the target refuses.


@pytest.mark.parametrize(
    ("declaration", "code", "text"),
    [
        ("note TEXT UNIQUE", "unique", "notes: record id=7 repeats note"),
        ("note TEXT CHECK (note <> 'taken')", "check", "notes: record id=7 breaks the target's check constraint"),
        ("note TEXT REFERENCES words (word)", "foreign_key", "notes: record id=7 refers to a record"),
        ("note TEXT, must TEXT NOT NULL", "not_null", "notes: record id=1 has no must, which the target requires"),
    ],
)
def test_refused_record_is_named_with_its_constraint(
    warehouse: SQLiteConnector, execute: Execute, declaration: str, code: str, text: str
) -> None:
    execute(
        "CREATE TABLE words (word TEXT PRIMARY KEY)",
        *(f"INSERT INTO words VALUES ('free {number}')" for number in range(1, 30)),
        f"CREATE TABLE notes (id INTEGER PRIMARY KEY, {declaration})",
    )
    if code == "unique":
        execute("INSERT INTO notes VALUES (1000, 'taken')")
    rows = [(number, "taken" if number == 7 else f"free {number}") for number in range(1, 30)]
    error = refusal(warehouse, upsert("notes", NOTES, ("id",)), rows)
    assert isinstance(error, DataError)
    assert error.code == code
    assert error.message.startswith(text)
    assert error.hint
    assert execute("SELECT count(*) FROM notes WHERE id < 1000") == [(0,)]


def test_record_that_others_refer_to_is_named_and_stays(warehouse: SQLiteConnector, execute: Execute) -> None:
    execute(
        "CREATE TABLE words (word TEXT PRIMARY KEY)",
        "INSERT INTO words VALUES ('free'), ('taken')",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, note TEXT REFERENCES words (word))",
        "INSERT INTO notes VALUES (1, 'taken')",
    )
    request = WriteRequest("words", (Field("word", "text"),), ("word",), "delete", create=False)
    error = refusal(warehouse, request, [("free",), ("taken",)])
    assert isinstance(error, DataError)
    assert (error.code, error.message) == (
        "still_referenced",
        "words: record word=taken is still referred to by another record",
    )
    assert execute("SELECT count(*) FROM words") == [(2,)]


def test_records_without_a_row_number_are_deleted_by_their_key(warehouse: SQLiteConnector, execute: Execute) -> None:
    execute(
        "CREATE TABLE pairs (a TEXT COLLATE NOCASE, b INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID",
        "INSERT INTO pairs VALUES ('x', 1), ('X', 2), ('y', 1)",
    )
    fields = (Field("a", "text"), Field("b", "integer"))
    found, _ = write_batch(
        warehouse, WriteRequest("pairs", fields, ("a", "b"), "delete", create=False), [("X", 1), ("y", 2)]
    )
    assert (found.deleted, found.skipped) == (1, 1)
    assert execute("SELECT a, b FROM pairs") == [("X", 2), ("y", 1)]


def test_refused_update_is_named_too(warehouse: SQLiteConnector, execute: Execute) -> None:
    execute(
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, note TEXT CHECK (length(note) < 5))",
        "INSERT INTO notes VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    )
    error = refusal(warehouse, upsert("notes", NOTES, ("id",)), [(1, "x"), (2, "too long"), (3, "y"), (4, "z")])
    assert error.message.startswith("notes: record id=2 breaks")
    assert execute("SELECT group_concat(note) FROM notes") == [("a,b,c",)]


@pytest.mark.parametrize(
    ("field_type", "value"),
    [("float", float("nan")), ("bigint", 2**63), ("text", "half \ud800"), ("json", float("inf"))],
)
def test_value_that_sqlite_cannot_keep_is_named(warehouse: SQLiteConnector, field_type: Any, value: Any) -> None:
    fields = (Field("id", "integer"), Field("value", field_type))
    error = refusal(warehouse, upsert("notes", fields, ("id",)), [(1, None), (2, value)])
    assert isinstance(error, DataError)
    assert error.code == "invalid_value"
    assert "notes: record id=2 has a value in value" in error.message


def test_target_that_leaves_records_out_silently_is_an_error(warehouse: SQLiteConnector, execute: Execute) -> None:
    execute(
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, note TEXT)",
        "CREATE TRIGGER choosy BEFORE INSERT ON notes WHEN NEW.id = 2 BEGIN SELECT RAISE(IGNORE); END",
    )
    error = refusal(warehouse, upsert("notes", NOTES, ("id",)), [(1, "a"), (2, "b")])
    assert (error.code, execute("SELECT count(*) FROM notes")) == ("rows_not_written", [(0,)])


def test_computed_columns_and_views_are_refused_as_targets(warehouse: SQLiteConnector, execute: Execute) -> None:
    execute(
        "CREATE TABLE base (id INTEGER PRIMARY KEY, note TEXT AS ('n' || id))",
        "CREATE VIEW notes AS SELECT * FROM base",
    )
    codes = [refusal(warehouse, upsert(stream, NOTES, ("id",)), [(1, "a")]).code for stream in ("base", "notes")]
    assert codes == ["column_mismatch", "read_only"]


def test_columns_that_differ_only_in_case_are_refused_when_a_table_is_created(warehouse: SQLiteConnector) -> None:
    fields = (Field("id", "integer"), Field("Id", "text"))
    error = refusal(warehouse, upsert("notes", fields, ("id",)), [(1, "a")])
    assert isinstance(error, SyncError)
    assert "Id" in error.message


@pytest.mark.parametrize(
    ("key", "order"),
    [("id", ("id",)), ("name COLLATE NOCASE", ("name",)), ("", ("name", "id")), ("", ()), ("id DESC", ("id",))],
)
def test_value_that_is_too_large_stays_in_the_file_and_its_size_is_told(
    warehouse: SQLiteConnector, execute: Execute, key: str, order: tuple[str, ...]
) -> None:
    execute("CREATE TABLE notes (id INTEGER, name TEXT COLLATE NOCASE, note TEXT, extra JSON_TEXT, data BLOB)")
    if key:
        execute(f"CREATE UNIQUE INDEX by_key ON notes ({key})")
    values = "n, char(96 + n, 64 + n), 'äb', '[1]', x'00ff'"
    execute(f"INSERT INTO notes SELECT {values} FROM (SELECT value AS n FROM json_each('[1,2,3,4,5,6]'))")
    execute("UPDATE notes SET note = 'ää' || note WHERE id = 2", "UPDATE notes SET note = 'äaa' WHERE id = 3")
    execute("UPDATE notes SET extra = '[1, 2]' WHERE id = 4", "UPDATE notes SET data = x'0001020304' WHERE id = 5")
    request = ReadRequest("notes", key=order, batch_size=2, largest_value=4)
    rows = sorted(row for batch in warehouse.read(request) for row in batch.rows)
    large = {row[0]: [len(one) for one in row if isinstance(one, OversizedValue)] for row in rows}
    assert large == {1: [], 2: [7], 3: [], 4: [6], 5: [5], 6: []}
    assert [row[2] for row in rows if row[0] != 2] == ["äb", "äaa", "äb", "äb", "äb"]
    assert rows[0] == (1, "aA", "äb", [1] if isinstance(rows[0][3], list) else "[1]", b"\0\xff")
