"""What is particular to kind postgres: logging in, foreign types, locks, lost connections and its own errors."""

import datetime as dt
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from connectors import network, postgres, postgres_connecting, postgres_session
from connectors.base import Comparison, TargetCheckpoint
from connectors.errors import ConfigError, DataError, Interrupted, SyncError, TransientError
from connectors.postgres import PostgresConnector
from connectors.postgres_session import SAME_IN_BINARY
from connectors.records import Field, Filter, ReadRequest
from connectors.surroundings import Interruption, Surroundings
from tests.connectors.sql_batches import read_rows, refusal, upsert, write_batch
from tests.connectors.sql_systems import postgres_config
from tests.postgres_server import PostgresServer

NOTES = (Field("id", "integer"), Field("note", "text"))
TO_NOTES = upsert("notes", NOTES, ("id",))
FROM_NOTES = replace(TO_NOTES, mode="delete", create=False)
CREATE_NOTES = "CREATE TABLE notes (id integer PRIMARY KEY, note text)"
Execute = Callable[..., list[Any]]
Connect = Callable[..., PostgresConnector]


@pytest.fixture(autouse=True)
def _allow_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_allowances", ())
    network.configure(["127.0.0.1"])


@pytest.fixture
def execute(postgres_url: str) -> Iterator[Execute]:
    """Runs statements as another program would."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:

        def run(*statements: str) -> list[Any]:
            cursors = [connection.execute(statement.encode()) for statement in statements]
            return cursors[-1].fetchall() if cursors[-1].description else []

        yield run


@pytest.fixture
def connect(postgres_server: PostgresServer, postgres_url: str) -> Iterator[Connect]:
    """Makes connectors to the test's database, with settings changed at will."""
    config, credentials = postgres_config(postgres_server, postgres_url)
    made: list[PostgresConnector] = []

    def make(password: str = "", surroundings: Surroundings | None = None, **changes: Any) -> PostgresConnector:
        secret = {"password": password} if password else credentials
        made.append(PostgresConnector("erp", config | changes, secret, surroundings))
        return made[-1]

    yield make
    for connector in made:
        connector.close()


@pytest.fixture
def erp(connect: Connect) -> PostgresConnector:
    """A connector to the test's database."""
    return connect()


def connect_refusal(connector: PostgresConnector) -> SyncError:
    """The error of connecting."""
    with pytest.raises(SyncError) as raised:
        connector.streams()
    return raised.value


# 1. Getting in.


def test_wrong_password_is_a_config_error_that_shows_no_password(connect: Connect) -> None:
    connector = connect(password="hunter2-but-wrong")
    error = connect_refusal(connector)
    assert isinstance(error, ConfigError)
    assert error.code == "credentials_refused"
    assert connector.address() in error.message
    steps = list(connector.check())
    assert [step.name for step in steps if not step.ok] == ["log in"]
    texts = [error.message, error.hint, str(error.__cause__), *(f"{step.message} {step.fix}" for step in steps)]
    assert not [text for text in texts if "hunter2" in text]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"dbname": "nowhere"}, "database_not_found"),
        ({"user": "nobody"}, "credentials_refused"),
        ({"sslmode": "require"}, "tls_failed"),
        ({"host": "169.254.169.254"}, "address_refused"),
        ({"host": "10.0.0.1"}, "address_refused"),
    ],
)
def test_settings_that_cannot_work_are_config_errors(connect: Connect, changes: dict[str, Any], code: str) -> None:
    error = connect_refusal(connect(**changes))
    assert isinstance(error, ConfigError)
    assert error.code == code
    assert error.hint


@pytest.mark.parametrize(
    ("changes", "is_told"),
    [({"password": "gherkin-8127"}, True), ({"user": "nobody"}, True), ({"dbname": "nowhere"}, False)],
    ids=["password", "user", "database"],
)
def test_refused_credentials_are_told_to_the_surroundings_and_nothing_else_is(
    connect: Connect, changes: dict[str, Any], is_told: bool
) -> None:
    told: list[str] = []
    error = connect_refusal(connect(surroundings=Surroundings(note_refusal=told.append), **changes))
    assert told == [error.message] * is_told


def test_host_that_is_not_allowed_is_refused_when_it_is_typed(connect: Connect) -> None:
    for host in ("169.254.169.254", "10.0.0.1", "::ffff:10.0.0.1"):
        with pytest.raises(ConfigError):
            PostgresConnector.check_config({"host": host})
    PostgresConnector.check_config({"host": "127.0.0.1"})
    network.configure([])
    for host in ("127.0.0.1", "/var/run/postgresql", "localhost"):
        with pytest.raises(ConfigError):
            PostgresConnector.check_config({"host": host})
        assert connect_refusal(connect(host=host)).code == "address_refused"


def test_closed_port_is_transient(connect: Connect) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    connector = connect(port=port)
    error = connect_refusal(connector)
    assert isinstance(error, TransientError)
    assert error.code == "unreachable"
    assert [step.name for step in connector.check() if not step.ok] == ["connect"]


def test_silent_server_is_a_connect_timeout_that_names_the_worker(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres_connecting.NETWORK, "connect_timeout", 2)
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        error = connect_refusal(connect(port=server.getsockname()[1]))
    assert isinstance(error, TransientError)
    assert error.code == "connect_timeout"
    assert socket.gethostname() in error.hint


def test_name_that_can_not_be_sent_is_refused_at_once(connect: Connect) -> None:
    interruption = Interruption()
    alarm = threading.Timer(30, interruption.request, ["it waits for ever"])
    alarm.start()
    try:
        with pytest.raises(SyncError, match="can not be sent"):
            connect(dbname="half a \ud800", surroundings=Surroundings(interruption=interruption)).reader()
    finally:
        alarm.cancel()


def test_waiting_for_a_silent_server_ends_when_asked_to(connect: Connect) -> None:
    interruption = Interruption()
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        connector = connect(port=server.getsockname()[1], surroundings=Surroundings(interruption))
        threading.Timer(0.5, interruption.request, ["canceled"]).start()
        started = time.monotonic()
        with pytest.raises(Interrupted):
            connector.streams()
    assert time.monotonic() - started < 3


def test_connection_test_warns_about_a_superuser_and_notices_missing_rights(connect: Connect, execute: Execute) -> None:
    steps = {step.name: step for step in connect().check()}
    assert list(steps) == [
        *("resolve", "connect", "log in", "TLS", "privileges", "read one record", "write rights", "clock skew")
    ]
    assert all(step.ok for step in steps.values())
    assert "superuser" in steps["privileges"].message
    assert steps["privileges"].fix
    execute("CREATE ROLE reader LOGIN PASSWORD 'only-for-tests'", CREATE_NOTES, "GRANT SELECT ON notes TO reader")
    try:
        reader = connect(user="reader")
        steps = {step.name: step for step in reader.check()}
        assert all(step.ok for step in steps.values())
        assert not steps["privileges"].fix
        assert "creating tables" in steps["write rights"].message
        error = refusal(reader, TO_NOTES, [(1, "a")])
        assert isinstance(error, ConfigError)
        assert error.code == "insufficient_privilege"
    finally:
        execute("DROP OWNED BY reader", "DROP ROLE reader")


def test_reading_sessions_cannot_write(erp: PostgresConnector, execute: Execute) -> None:
    execute(CREATE_NOTES)
    erp.schema("notes")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        erp.reader().connection.execute("INSERT INTO notes VALUES (1, 'a')")


# 2. Tables that others made.

FOREIGN = """
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE DOMAIN price AS numeric(10,2) NOT NULL;
    CREATE TABLE foreign_table (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, small smallint, single real,
        code char(4), name varchar(10), feeling mood, cost price, local_time timestamp, tags text[], data json,
        address inet, span interval, at time, bits bit(3), amount numeric(6,2), shape point);
    INSERT INTO foreign_table VALUES (DEFAULT, 7, 0.1, 'ab', 'name', 'ok', 1.50, '2026-01-02 03:04:05', '{a,b}',
        '{"b": 1,  "a": [2]}', '10.0.0.1', '1 day', '12:30', B'101', 1.10, '(1,2)')
"""


def test_types_of_other_programs_are_read_and_written_back_unchanged(erp: PostgresConnector, execute: Execute) -> None:
    execute(*FOREIGN.strip().split(";\n"))
    schema = erp.schema("foreign_table")
    assert {field.name: field.type for field in schema.fields} == {
        "id": "integer", "small": "integer", "single": "float", "code": "text", "name": "text", "feeling": "text",
        "cost": "decimal", "local_time": "datetime", "tags": "json", "data": "json", "address": "text", "span": "text",
        "at": "text", "bits": "text", "amount": "decimal", "shape": "text",
    }  # fmt: skip
    assert [field.name for field in schema.fields if not field.nullable] == ["id", "cost"]
    (row,) = read_rows(erp, "foreign_table")
    assert row == (
        1, 7, 0.1, "ab  ", "name", "ok", Decimal("1.50"), dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC), ["a", "b"],
        {"b": 1, "a": [2]}, "10.0.0.1", "1 day", "12:30:00", "101", Decimal("1.10"), "(1,2)",
    )  # fmt: skip
    chosen = [field for field in schema.fields if field.name != "tags"]  # an array is not written from JSON
    rows = read_rows(erp, "foreign_table", columns=tuple(field.name for field in chosen))
    request = upsert("foreign_table", chosen, ("id",))
    assert write_batch(erp, request, rows)[0] == Comparison(0, 0, 1, 0, 0)
    changed = (*rows[0][:4], "other", "sad", Decimal("1.505"), *rows[0][7:12], "111", Decimal("1.104"), "(1,3)")
    assert write_batch(erp, request, [changed, (2, *changed[1:])])[1][0].fields == {
        "name": ["name", "other"],
        "feeling": ["ok", "sad"],
        "cost": ["1.50", "1.51"],
        "bits": ["101", "111"],
        "shape": ["(1,2)", "(1,3)"],
    }
    assert erp.count("foreign_table", (Filter("feeling", "eq", "sad"), Filter("address", "eq", "10.0.0.1"))) == 2
    assert erp.count("foreign_table", (Filter("local_time", "le", "2026-01-02T04:04:05+01:00"),)) == 2


def test_times_that_python_does_not_know_come_as_text(erp: PostgresConnector, execute: Execute) -> None:
    execute(
        "CREATE TABLE odd (id integer PRIMARY KEY, at timestamptz, day date, amount numeric, measure float8)",
        "INSERT INTO odd VALUES (1, 'infinity', '4713-01-01 BC', 'NaN', 'NaN'), (2, '2026-01-01Z', '2026-01-01', 1, 1)",
    )
    first, second = read_rows(erp, "odd")
    assert first[1:3] == ("infinity", "4713-01-01 BC")
    assert first[3].is_nan()
    assert second == (2, dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.date(2026, 1, 1), Decimal(1), 1.0)
    keyed = list(erp.read(ReadRequest("odd", key=("day", "measure"), batch_size=1)))
    assert [batch.rows[0][0] for batch in keyed] == [1, 2]
    assert len(read_rows(erp, "odd", key=("day", "measure"), position=keyed[0].position)) == 1
    fields = (Field("id", "integer"), Field("at", "datetime"), Field("measure", "float"))
    _, changes = write_batch(erp, upsert("odd", fields, ("id",)), [(1, second[1], 2.0)])
    assert changes[0].fields == {"at": ["infinity", "2026-01-01T00:00:00Z"], "measure": ["NaN", 2.0]}


ALIKE = {
    "int2": ["-32768", "32767"],
    "int4": ["-2147483648", "2147483647"],
    "oid": ["0", "4294967295"],
    "int8": ["-9223372036854775808", "9223372036854775807"],
    "float8": ["-0", "NaN", "-Infinity", "5e-324", "1.7976931348623157e308", "0.1", "123456789.12345679"],
    "bool": ["true", "false"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"],
    "bytea": ["", "\\x00ff5c78"],
    **{kind: ["", " 'ü' \t\\N ", "\U0001f600"] for kind in ("text", "varchar", "char(9)", "name", "letters")},
    "date": ["0001-01-01", "9999-12-31", "2000-01-01", "1969-12-31"],
    "timestamp": ["0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "1969-12-31 23:59:59.000001"],
    "timestamptz": ["0001-01-01 00:00:00Z", "9999-12-31 23:59:59.999999Z", "2024-02-29 23:59:59.5+05:45"],
    "time": ["12:30:00.000001"],
    "feeling": ["so-so"],
}


def test_values_are_the_same_whichever_format_they_come_in(
    erp: PostgresConnector, execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = ", ".join(f'"{place}" {kind}' for place, kind in enumerate(ALIKE))
    execute("CREATE DOMAIN letters AS varchar(9)", "CREATE TYPE feeling AS ENUM ('so-so')")
    execute(f"CREATE TABLE alike (id serial PRIMARY KEY, {columns})", "INSERT INTO alike DEFAULT VALUES")
    for number in range(max(map(len, ALIKE.values()))):
        values = ", ".join("'" + texts[number % len(texts)].replace("'", "''") + "'" for texts in ALIKE.values())
        execute(f"INSERT INTO alike VALUES (DEFAULT, {values})")  # noqa: S608
    formats: dict[bool, list[Any]] = {False: [], True: []}
    for in_binary, found in formats.items():
        kinds = SAME_IN_BINARY | {"time", "feeling"} if in_binary else set()  # those two are cast to texts
        monkeypatch.setattr(postgres, "SAME_IN_BINARY", kinds)
        found += [(type(value), repr(value)) for row in read_rows(erp, "alike") for value in row]
    assert formats[True] == formats[False]
    assert len(formats[True]) == 8 * (1 + len(ALIKE))


PARTITIONED = (
    "CREATE TABLE items (code text, part integer, note text) PARTITION BY HASH (note);"
    "CREATE TABLE one PARTITION OF items FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
    "CREATE TABLE two PARTITION OF items FOR VALUES WITH (MODULUS 2, REMAINDER 1)"
)


@pytest.mark.parametrize(
    ("declaration", "key"),
    [
        ("CREATE TABLE items (code text, part integer, note text)", ("code",)),
        ("CREATE TABLE items (code text, part integer, note text)", ("part", "code")),
        ("CREATE TABLE items (code text, part integer, note text PRIMARY KEY)", ("code",)),
        ("CREATE TABLE items (code text UNIQUE, part integer, note text)", ("code",)),
        ("CREATE TABLE base (code text, part integer, note text); CREATE VIEW items AS TABLE base", ("code",)),
        (PARTITIONED, ("code",)),
    ],
)  # fmt: skip
def test_keys_that_are_empty_or_repeated_lose_no_record_at_a_page_edge(
    erp: PostgresConnector, execute: Execute, declaration: str, key: tuple[str, ...]
) -> None:
    execute(
        *declaration.split(";"),
        "INSERT INTO items SELECT CASE WHEN n % 3 > 0 THEN chr(97 + n % 4) END, n % 7, 'note ' || n"
        " FROM generate_series(1, 60) AS n ON CONFLICT DO NOTHING",
    )
    expected = sorted(note for (note,) in execute("SELECT note FROM items"))
    assert [info.name for info in erp.streams()][-1] == "items"
    batches = list(erp.read(ReadRequest("items", columns=("note",), key=key, batch_size=4)))
    assert sorted(note for batch in batches for (note,) in batch.rows) == expected
    assert len(batches) > 1
    for number, batch in enumerate(batches):
        request = ReadRequest("items", columns=("note",), key=key, batch_size=4, position=batch.position)
        rest = sorted(note for later in erp.read(request) for (note,) in later.rows)
        assert rest == sorted(note for later in batches[number + 1 :] for (note,) in later.rows)


def test_table_without_any_key_is_read_from_one_snapshot_without_positions(
    erp: PostgresConnector, execute: Execute
) -> None:
    execute("CREATE TABLE log (n integer)", "INSERT INTO log SELECT generate_series(1, 25)")
    notes: list[int] = []
    for batch in erp.read(ReadRequest("log", batch_size=10)):
        assert batch.position is None
        execute("INSERT INTO log SELECT 100")
        assert erp.count("log") > 25
        notes += [n for (n,) in batch.rows]
    assert notes == list(range(1, 26))


def test_keys_that_inheriting_tables_repeat_lose_no_record(erp: PostgresConnector, execute: Execute) -> None:
    execute("CREATE TABLE parent (id int PRIMARY KEY, name text)")
    execute("CREATE TABLE child () INHERITS (parent)")
    execute("INSERT INTO parent SELECT n, 'parent' FROM generate_series(1, 20) AS n")
    execute("INSERT INTO child SELECT n, 'child' FROM generate_series(1, 30) AS n")
    assert erp.schema("parent").key == ()
    assert erp.schema("child").key == ()
    pages = list(erp.read(ReadRequest("parent", key=("id",), batch_size=7)))
    assert sorted(row for page in pages for row in page.rows) == sorted(
        [(n, "parent") for n in range(1, 21)] + [(n, "child") for n in range(1, 31)]
    )


def test_streams_of_other_schemas_are_named_with_the_schema(erp: PostgresConnector, execute: Execute) -> None:
    execute("CREATE SCHEMA sales", "CREATE TABLE sales.notes (id integer PRIMARY KEY, note text)")
    write_batch(erp, upsert("sales.notes", NOTES, ("id",)), [(1, "a")])
    assert read_rows(erp, "sales.notes") == [(1, "a")]
    assert erp.streams() == []
    write_batch(erp, upsert("sales.created", NOTES, ("id",)), [(1, "a")])
    assert execute("SELECT count(*) FROM sales.created") == [(1,)]
    error = refusal(erp, upsert("nowhere.notes", NOTES, ("id",)), [])
    assert (error.code, isinstance(error, ConfigError)) == ("schema_not_found", True)


def test_wrong_patterns_are_refused(erp: PostgresConnector, execute: Execute) -> None:
    execute(CREATE_NOTES, "INSERT INTO notes VALUES (1, 'abc')")
    assert erp.count("notes", (Filter("note", "regex", "^[a-c]+$"), Filter("id", "like", "1%"))) == 1
    for item in (Filter("note", "regex", "("), Filter("note", "like", "ends in \\")):
        with pytest.raises(ConfigError) as raised:
            erp.count("notes", (item,))
        assert raised.value.code == "bad_filter"


# 3. What is created.


def test_created_table_keeps_nullability_key_and_byte_order(erp: PostgresConnector, execute: Execute) -> None:
    fields = (Field("code", "text"), Field("name", "text"), Field("price", "decimal", nullable=False))
    write_batch(erp, upsert("prices", fields, ("code",)), [("b", None, Decimal("1.50"))])
    assert execute(
        "SELECT column_name::text, data_type::text, is_nullable::text, collation_name::text"
        " FROM information_schema.columns WHERE table_name = 'prices' ORDER BY ordinal_position"
    ) == [("code", "text", "NO", "C"), ("name", "text", "YES", None), ("price", "numeric", "NO", None)]
    assert erp.schema("prices").key == ("code",)


def test_name_that_postgres_would_cut_off_is_refused(erp: PostgresConnector) -> None:
    fields = (Field("id", "integer"), Field("ü" * 32, "text"))
    for request in (upsert("notes", fields, ("id",)), upsert("n" * 64, NOTES, ("id",))):
        error = refusal(erp, request, [])
        assert isinstance(error, ConfigError)
        assert "63 bytes" in error.message
    assert erp.streams() == []


def test_several_workers_may_prepare_at_once(connect: Connect) -> None:
    errors: list[Exception] = []

    def prepare(connector: PostgresConnector) -> None:
        try:
            connector.writer(TO_NOTES).prepare()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=prepare, args=(connect(),)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_dry_run_is_held_to_reading_by_the_server(erp: PostgresConnector, execute: Execute) -> None:
    execute("CREATE TABLE notes (id serial PRIMARY KEY, note text)", "INSERT INTO notes (note) VALUES ('a')")
    state = (
        "SELECT (SELECT last_value FROM notes_id_seq), (SELECT string_agg(n::text || xmin || xmax, '') FROM notes AS n)"
    )
    before = execute(
        state,
    )
    found, changes = write_batch(erp, upsert("notes", NOTES, ("id",), dry_run=True), [(1, "b"), (2, "c")])
    assert (found.inserted, found.updated, len(changes)) == (1, 1, 2)
    assert execute(state) == before
    assert execute("SELECT count(*) FROM pg_class WHERE relname LIKE '\\_syncdeck%'") == [(0,)]
    writer = erp.writer(upsert("notes", NOTES, ("id",), dry_run=True))
    writer.begin("job", 1)
    with pytest.raises(SyncError) as raised:
        writer.execute("DELETE FROM notes")  # type: ignore[attr-defined]
    assert raised.value.code == "read_only"
    writer.rollback()


def test_identity_columns_and_partitioned_tables_can_be_written(erp: PostgresConnector, execute: Execute) -> None:
    execute(
        "CREATE TABLE notes (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text) PARTITION BY RANGE (id)",
        "CREATE TABLE low PARTITION OF notes FOR VALUES FROM (0) TO (100)",
        "CREATE TABLE high PARTITION OF notes FOR VALUES FROM (100) TO (200)",
    )
    assert write_batch(erp, TO_NOTES, [(5, "a"), (150, "b")])[0].inserted == 2
    assert write_batch(erp, TO_NOTES, [(5, "x"), (150, "y")])[0].updated == 2
    assert execute("SELECT * FROM high") == [(150, "y")]


def test_records_of_a_partitioned_table_are_deleted_each_by_its_own_key(
    erp: PostgresConnector, execute: Execute
) -> None:
    execute(
        "CREATE TABLE parts (id integer PRIMARY KEY, note text) PARTITION BY LIST (id)",
        "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1)",
        "CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2)",
        "INSERT INTO parts VALUES (1, 'a'), (2, 'b')",
    )
    found, _ = write_batch(erp, replace(FROM_NOTES, stream="parts"), [(1, None)])
    assert found.deleted == 1
    assert execute("SELECT id FROM parts") == [(2,)]


def test_target_without_a_unique_key_is_compared_all_the_same(connect: Connect, execute: Execute) -> None:
    execute("CREATE TABLE notes (id integer, note text)")
    said: list[str] = []
    connector = connect(surroundings=Surroundings(notify=lambda level, message: said.append(f"{level} {message}")))
    rows = [(number, f"note {number}") for number in range(2000)]
    assert write_batch(connector, TO_NOTES, rows)[0].inserted == 2000
    assert write_batch(connector, TO_NOTES, [*rows[1:], (0, "new")])[0] == Comparison(0, 1, 1999, 0, 0)
    assert said[0].startswith("WARNING notes: no unique index covers the key id")


# 4. Records that the target refuses.


@pytest.mark.parametrize(
    ("declaration", "code", "text"),
    [
        ("note text UNIQUE", "unique", "notes: record id=7 repeats note"),
        (
            "note text CONSTRAINT not_taken CHECK (note <> 'taken')",
            "check",
            "notes: record id=7 breaks the target's check constraint not_taken",
        ),
        (
            "note text REFERENCES words",
            "foreign_key",
            "notes: record id=7 refers to a record that the target does not have (foreign key notes_note_fkey)",
        ),
        ("note text REFERENCES words DEFERRABLE INITIALLY DEFERRED", "foreign_key", "notes: record id=7 refers"),
        ("note varchar(4)", "value_too_long", "notes: record id=7 has a text of 5 characters in note, which takes 4"),
        ("note char(4)", "value_too_long", "notes: record id=7 has a text of 5 characters in note, which takes 4"),
        ("note text, must text NOT NULL", "not_null", "notes: record id=1 has no must, which the target requires"),
    ],
)  # fmt: skip
def test_refused_record_is_named_with_its_constraint(
    erp: PostgresConnector, execute: Execute, declaration: str, code: str, text: str
) -> None:
    execute(
        "CREATE TABLE words (word text PRIMARY KEY)",
        "INSERT INTO words SELECT 'n' || n FROM generate_series(1, 30) AS n",
        f"CREATE TABLE notes (id integer PRIMARY KEY, {declaration})",
    )
    if code == "unique":
        execute("INSERT INTO notes VALUES (1000, 'taken')")
    rows = [(number, "taken" if number == 7 else f"n{number}") for number in range(1, 30)]
    error = refusal(erp, TO_NOTES, rows)
    assert isinstance(error, DataError)
    assert error.code == code
    assert error.message.startswith(text)
    assert error.hint
    assert execute("SELECT count(*) FROM notes WHERE id < 1000") == [(0,)]


@pytest.mark.parametrize(
    ("column", "field_type", "value", "code"),
    [
        ("numeric(4,2)", "decimal", Decimal("123.45"), "out_of_range"),
        ("smallint", "integer", 40_000, "out_of_range"),
        ("integer", "text", "many", "invalid_value"),
        ("inet", "text", "nowhere", "invalid_value"),
        ("jsonb", "json", {"a": "nul \0"}, "invalid_value"),
        ("text", "text", "nul \0", "invalid_value"),
        ("bigint", "bigint", 2**63, "invalid_value"),
    ],
)
def test_value_that_does_not_fit_its_column_is_named_with_record_and_field(
    erp: PostgresConnector, execute: Execute, column: str, field_type: Any, value: Any, code: str
) -> None:
    execute(f"CREATE TABLE notes (id integer PRIMARY KEY, value {column})")
    fields = (Field("id", "integer"), Field("value", field_type))
    error = refusal(erp, upsert("notes", fields, ("id",)), [(1, None), (2, None), (3, value), (4, None)])
    assert isinstance(error, DataError)
    assert error.code == code
    assert "notes: record id=3 has a value" in error.message


@pytest.mark.parametrize("deferred", ["", " DEFERRABLE INITIALLY DEFERRED"])
def test_record_that_others_refer_to_is_named_and_stays(
    erp: PostgresConnector, execute: Execute, deferred: str
) -> None:
    execute(
        "CREATE TABLE words (word text PRIMARY KEY)",
        "INSERT INTO words VALUES ('free'), ('taken')",
        f"CREATE TABLE notes (id integer PRIMARY KEY, note text REFERENCES words{deferred})",
        "INSERT INTO notes VALUES (1, 'taken')",
    )
    request = replace(FROM_NOTES, stream="words", fields=(Field("word", "text"),), key=("word",))
    error = refusal(erp, request, [("free",), ("taken",)])
    assert isinstance(error, DataError)
    assert (error.code, error.message) == (
        "still_referenced",
        "words: record word=taken is still referred to by another record",
    )
    assert execute("SELECT count(*) FROM words") == [(2,)]


def test_trigger_that_leaves_records_out_or_raises_is_noticed(erp: PostgresConnector, execute: Execute) -> None:
    execute(
        CREATE_NOTES,
        "CREATE FUNCTION choosy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.id = 2 THEN RETURN NULL; END IF;"
        " IF NEW.id = 5 THEN RAISE EXCEPTION ''no fives''; END IF; RETURN NEW; END'",
        "CREATE TRIGGER choosy BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION choosy()",
    )
    assert refusal(erp, TO_NOTES, [(1, "a"), (2, "b")]).code == "rows_not_written"
    error = refusal(erp, TO_NOTES, [(number, "a") for number in range(3, 10)])
    assert error.message == "notes: record id=5 was refused by a trigger of the target: no fives"
    assert execute("SELECT count(*) FROM notes") == [(0,)]


@pytest.mark.parametrize(
    ("state", "error_class", "code"),
    [
        ("40001", TransientError, "serialization"),
        ("40P01", TransientError, "deadlock"),
        ("53100", TransientError, "disk_full"),
        ("53200", TransientError, "out_of_memory"),
        ("53300", TransientError, "server_busy"),
        ("57P01", TransientError, "connection_lost"),
        ("08006", TransientError, "connection_lost"),
        ("42501", ConfigError, "insufficient_privilege"),
        ("42703", DataError, "column_mismatch"),
        ("42P01", ConfigError, "stream_not_found"),
        ("22P02", DataError, "invalid_value"),
        ("22003", DataError, "out_of_range"),
        ("23502", DataError, "not_null"),
        ("42601", ConfigError, "query_failed"),
    ],
)
def test_each_state_of_the_server_has_its_class_and_code(
    erp: PostgresConnector, execute: Execute, state: str, error_class: type[SyncError], code: str
) -> None:
    execute(
        CREATE_NOTES,
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
        f" 'BEGIN RAISE EXCEPTION ''it failed'' USING ERRCODE = ''{state}''; END'",
        "CREATE TRIGGER fail BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION fail()",
    )
    error = refusal(erp, TO_NOTES, [(1, "a")])
    assert (type(error), error.code) == (error_class, code)
    assert "notes" in error.message


# 5. Others at the same table, lost connections, ends on request.


def test_session_ended_by_the_server_is_transient_and_the_batch_can_be_done_again(
    erp: PostgresConnector, execute: Execute
) -> None:
    writer = erp.writer(TO_NOTES)
    writer.prepare()
    writer.begin("job", 1)
    writer.stage([(1, "a")])
    execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'syncdeck'")
    with pytest.raises(TransientError) as raised:
        writer.compare()
    assert raised.value.code == "connection_lost"
    writer.rollback()
    assert writer.begin("job", 1) is None
    writer.stage([(1, "a")])
    assert writer.compare().inserted == 1
    writer.write()
    writer.commit(TargetCheckpoint(1, [1], {"read": 1}))
    assert read_rows(erp, "notes") == [(1, "a")]
    execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'syncdeck'")
    with pytest.raises(TransientError):
        erp.count("notes")
    assert erp.count("notes") == 1


def test_table_that_somebody_holds_is_a_lock_timeout_that_names_the_session(
    connect: Connect, execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres_session.SETTINGS, "lock_timeout", "300ms")
    connector = connect()
    write_batch(connector, TO_NOTES, [(1, "a")])
    execute("BEGIN", "LOCK TABLE notes")
    (pid,) = execute("SELECT pg_backend_pid()")[0]
    error = refusal(connector, TO_NOTES, [(1, "b")])
    execute("ROLLBACK")
    assert isinstance(error, TransientError)
    assert error.code == "lock_timeout"
    assert f"pid {pid}" in error.message
    assert "notes" in error.message


def test_new_owner_waits_for_the_old_ones_transaction_and_sees_its_checkpoint(connect: Connect) -> None:
    old, new = connect().writer(TO_NOTES), connect().writer(TO_NOTES)
    old.prepare()
    assert old.begin("job", 1) is None
    old.stage([(1, "a")])
    old.compare()
    old.write()
    seen: list[TargetCheckpoint | None] = []
    thread = threading.Thread(target=lambda: seen.append(new.begin("job", 2)))
    thread.start()
    thread.join(0.7)
    assert thread.is_alive()
    old.commit(TargetCheckpoint(7, ["x"], {"read": 1}))
    thread.join(10)
    assert seen == [TargetCheckpoint(7, ["x"], {"read": 1})]
    new.rollback()


def test_row_that_changes_while_it_is_compared_is_compared_again(
    connect: Connect, execute: Execute, postgres_url: str
) -> None:
    connector = connect()
    write_batch(connector, TO_NOTES, [(1, "a"), (2, "a")])
    writer = connector.writer(TO_NOTES)
    writer.begin("other job", 1)
    writer.stage([(1, "b"), (2, "b")])
    execute("BEGIN", "UPDATE notes SET note = 'meanwhile' WHERE id = 1")
    commit = threading.Timer(0.7, execute, ["COMMIT"])
    commit.start()
    assert writer.compare().updated == 2
    commit.join()
    assert [change.fields for change in writer.changes()] == [{"note": ["meanwhile", "b"]}, {"note": ["a", "b"]}]
    with (
        psycopg.connect(postgres_url, options="-c lock_timeout=200ms") as other,
        pytest.raises(psycopg.errors.LockNotAvailable),
    ):
        other.execute("UPDATE notes SET note = 'too late' WHERE id = 1")
    writer.write()
    writer.commit(TargetCheckpoint(1, None, {}))
    assert sorted(read_rows(connector, "notes")) == [(1, "b"), (2, "b")]


def test_row_that_changes_before_it_is_deleted_is_shown_as_it_went(connect: Connect, execute: Execute) -> None:
    connector = connect()
    write_batch(connector, TO_NOTES, [(1, "a"), (2, "a"), (3, "a")])
    writer = connector.writer(FROM_NOTES)
    writer.begin("other job", 1)
    writer.stage([(1, None), (2, None)])
    execute("BEGIN", "UPDATE notes SET note = 'meanwhile' WHERE id = 1", "DELETE FROM notes WHERE id = 2")
    commit = threading.Timer(0.7, execute, ["COMMIT"])
    commit.start()
    assert writer.compare() == Comparison(0, 0, 0, skipped=1, duplicates=0, deleted=1)
    commit.join()
    assert [change.fields for change in writer.changes()] == [{"id": [1, None], "note": ["meanwhile", None]}]
    writer.write()
    writer.commit(TargetCheckpoint(1, None, {}))
    assert read_rows(connector, "notes") == [(3, "a")]


def test_long_statement_ends_when_asked_to(connect: Connect, execute: Execute) -> None:
    execute("CREATE VIEW slow AS SELECT 1 AS one FROM pg_sleep(60)")
    interruption = Interruption()
    connector = connect(surroundings=Surroundings(interruption))
    threading.Timer(0.5, interruption.request, ["canceled by Ada"]).start()
    started = time.monotonic()
    with pytest.raises(Interrupted, match="canceled by Ada"):
        read_rows(connector, "slow")
    assert time.monotonic() - started < 5


def test_waiting_for_a_row_lock_ends_when_asked_to_and_nothing_stays_open(connect: Connect, execute: Execute) -> None:
    write_batch(connect(), TO_NOTES, [(1, "a")])
    interruption = Interruption()
    connector = connect(surroundings=Surroundings(interruption))
    execute("BEGIN", "LOCK TABLE notes")
    threading.Timer(0.5, interruption.request, ["paused"]).start()
    with pytest.raises(Interrupted):
        write_batch(connector, TO_NOTES, [(1, "b")])
    execute("ROLLBACK")
    connector.close()
    time.sleep(0.2)
    assert execute("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'") == [(0,)]
