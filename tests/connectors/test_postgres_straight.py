"""Portions of PostgreSQL tables on their way by COPY: ends on request, errors, and changes spelled by the server."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from connectors import network
from connectors.base import WriteRequest
from connectors.errors import DataError, Interrupted
from connectors.expressions import ColumnValue
from connectors.postgres import PostgresConnector
from connectors.postgres_literals import literal_of
from connectors.postgres_writer import PostgresWriter
from connectors.records import ReadRequest
from connectors.straight import Parcel, Selection, StraightReader
from connectors.surroundings import Interruption, Surroundings
from syncjobs.fingerprints import CANONICAL, canonical_hash, key_hash
from tests.connectors.sql_systems import postgres_config
from tests.postgres_server import PostgresServer

Execute = Callable[..., list[Any]]
Connect = Callable[..., PostgresConnector]
TYPES = {
    "big": ("bigint", "9007199254740992", "9007199254740993"),
    "exact": ("numeric", "1.50", "NaN"),
    "ratio": ("double precision", "1e-7", "-Infinity"),
    "short": ("real", "0.1", "NaN"),
    "is_new": ("boolean", "true", "false"),
    "born": ("date", "0044-03-15 BC", "2024-02-29"),
    "seen": ("timestamptz", "2024-02-29 23:59:59.000001+02", "infinity"),
    "local": ("timestamp", "2024-02-29 12:00:00", "9999-12-31 23:59:59.999999"),
    "data": ("jsonb", '{"a": [1, 2.50, null, "\\u00e4"]}', '"text"'),
    "file": ("bytea", "\\x" + "00ff" * 50, "\\x"),
    "ident": ("uuid", "5f0e3ba4-8a3c-4b8e-9c70-0c0e3e0f7a11", "00000000-0000-0000-0000-000000000000"),
    "span": ("interval", "1 mon 2 days", "-00:00:01"),
    "host": ("inet", "10.0.0.1", "10.0.0.0/8"),
    'the "note": 100%': ("text", 'tab\t "quoted" \\ line\n end', "\u2028 {} '' \U0001f600"),
}
"""Types with an old and a new value."""


@pytest.fixture(autouse=True)
def _allow_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_allowances", ())
    network.configure(["127.0.0.1"])


@pytest.fixture
def execute(postgres_url: str) -> Iterator[Execute]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:

        def run(*statements: str) -> list[Any]:
            cursors = [connection.execute(statement.encode()) for statement in statements]
            return cursors[-1].fetchall() if cursors[-1].description else []

        yield run


@pytest.fixture
def connect(postgres_server: PostgresServer, postgres_url: str) -> Iterator[Connect]:
    config, credentials = postgres_config(postgres_server, postgres_url)
    made: list[PostgresConnector] = []

    def make(surroundings: Surroundings | None = None) -> PostgresConnector:
        made.append(PostgresConnector("erp", config, credentials, surroundings))
        return made[-1]

    yield make
    for connector in made:
        connector.close()


def reader_of(connector: PostgresConnector, stream: str) -> StraightReader:
    schema = connector.schema(stream)
    columns = tuple((field, ColumnValue(field.name)) for field in schema.fields)
    reader = connector.straight_reader(ReadRequest(stream, key=schema.key), Selection(columns))
    assert reader is not None
    return reader


def parcel_of(reader: StraightReader, size: int = 1_000_000) -> Parcel:
    portion = reader.portion(None, size)
    assert portion is not None
    return reader.parcel(portion, "text")


def writer_to(connector: PostgresConnector, stream: str, **changes: Any) -> PostgresWriter:
    request = WriteRequest(stream, connector.schema(stream).fields, ("id",), "upsert", **changes)
    writer = connector.writer(request)
    assert isinstance(writer, PostgresWriter)
    writer.prepare()
    writer.begin("job", 1)
    return writer


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@pytest.mark.parametrize("keep_insert_values", [True, False])
def test_changes_spelled_by_the_server_are_those_spelled_here(
    connect: Connect, execute: Execute, keep_insert_values: bool
) -> None:
    declared = ", ".join(f'"{name.replace(chr(34), chr(34) * 2)}" {kind}' for name, (kind, _, _) in TYPES.items())
    for table in ("here", "there"):
        execute(f"CREATE TABLE {table} (id bigint PRIMARY KEY, {declared})")
    olds, news = ([quoted(one[place]) for one in TYPES.values()] for place in (1, 2))
    nulls = ["NULL"] * len(TYPES)
    for table, values in (("here", [news, olds, nulls, news]), ("there", [olds, nulls, news])):
        for number, row in enumerate(values):
            execute(f"INSERT INTO {table} VALUES ({2**53 + number}, {', '.join(row)})")  # noqa: S608 - our own values
    connector = connect()
    writer = writer_to(connector, "there", keep_insert_values=keep_insert_values)
    names = connector.schema("here").names
    writer.stage([row for batch in connector.read(ReadRequest("here", names, ("id",))) for row in batch.rows])
    comparison = writer.compare()
    assert (comparison.inserted, comparison.updated) == (1, 3)
    spelled = writer.rendered_changes()
    assert spelled is not None
    expected = [(one.operation, CANONICAL.encode(one.key), json_of(execute, one.fields)) for one in writer.changes()]
    assert [(one.operation, one.key, json_of(execute, one.fields)) for one in spelled] == expected
    assert len(expected) == 4


KEYS = {
    "whole": ("integer", ["-1", "2147483647"]),
    "big": ("bigint", ["9007199254740992", "-9007199254740993"]),
    "word": ("text", ['tab\t "quoted" \\ line\n end', "\x01\x1f\x7f\u2028 / \U0001f600 \u00e9"]),
    "padded": ("char(5)", ["a", "\u00e4"]),
    "born": ("date", ["2024-02-29", "0044-03-15 BC", "0001-01-01", "infinity"]),
    "seen": (
        "timestamptz",
        ["2024-02-29 23:59:59+02", "0900-01-01 00:00:00.5+00", "-infinity", "10000-01-01 00:00:00Z"],
    ),
    "local": ("timestamp", ["1999-12-31 23:59:59", "9999-12-31 23:59:59.999999"]),
    "ident": ("uuid", ["5F0E3BA4-8a3c-4b8e-9c70-0c0e3e0f7a11"]),
    "is_new": ("boolean", ["true", "false"]),
    "host": ("inet", ["10.0.0.1", "10.0.0.0/8"]),
}


@pytest.mark.parametrize("name", KEYS)
def test_keys_spelled_by_the_server_are_hashed_as_those_spelled_here(
    connect: Connect, execute: Execute, name: str
) -> None:
    declared, values = KEYS[name]
    for table in ("here", "there"):
        execute(f'CREATE TABLE {table} ("z \u00e9" int, "{name}" {declared}, PRIMARY KEY ("z \u00e9", "{name}"))')
    for value in values:
        execute(f"INSERT INTO here VALUES (7, {quoted(value)})")  # noqa: S608 - our own values
    connector = connect()
    fields = connector.schema("there").fields
    key = tuple(field.name for field in fields)
    writer = connector.writer(WriteRequest("there", fields, key, "upsert", keep_insert_values=True))
    assert isinstance(writer, PostgresWriter)
    writer.prepare()
    writer.begin("job", 1)
    writer.stage_parcel(parcel_of(reader_of(connector, "here")), is_distinct=False)
    writer.compare()
    spelled = writer.rendered_changes()
    assert spelled is not None
    expected = [key_hash(change.key) for change in writer.changes()]
    assert [canonical_hash(change.key) for change in spelled] == expected
    assert len(expected) == len(values)


@pytest.mark.parametrize("declared", ["numeric", "double precision", "bytea"])
def test_keys_whose_values_have_several_spellings_are_spelled_here(
    connect: Connect, execute: Execute, declared: str
) -> None:
    execute(f"CREATE TABLE things (id {declared} PRIMARY KEY)")
    writer = writer_to(connect(), "things", keep_insert_values=True)
    writer.stage([])
    writer.compare()
    assert writer.rendered_changes() is None


def json_of(execute: Execute, fields: Any) -> Any:
    """As Syncdeck's database on PostgreSQL gives it back."""
    text = fields if isinstance(fields, str) else json.dumps(fields)
    return execute(f"SELECT {quoted(text)}::jsonb")[0][0]


def test_copying_ends_when_asked_to_while_the_target_is_slow(connect: Connect, execute: Execute) -> None:
    execute("CREATE TABLE things (id int PRIMARY KEY)", "INSERT INTO things SELECT generate_series(1, 100)")
    execute("CREATE TABLE copied (id int PRIMARY KEY)")
    execute("CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1); RETURN NEW; END'")
    execute("CREATE TRIGGER wait BEFORE INSERT ON copied FOR EACH ROW EXECUTE FUNCTION wait()")
    interruption = Interruption()
    connector = connect(Surroundings(interruption))
    parcel = parcel_of(reader_of(connector, "things"))
    writer = writer_to(connector, "copied")
    threading.Timer(0.5, interruption.request, ["canceled by Ada"]).start()
    started = time.monotonic()
    with pytest.raises(Interrupted, match="canceled by Ada"):
        writer.load_parcel(parcel)
    writer.rollback()
    assert time.monotonic() - started < 8
    connector.close()
    assert execute("SELECT count(*) FROM copied") == [(0,)]


def test_refused_parcel_leaves_both_sides_fit_for_more(connect: Connect, execute: Execute) -> None:
    execute("CREATE TABLE things (id int PRIMARY KEY, note text)")
    execute("INSERT INTO things SELECT n, repeat('x', 1000) FROM generate_series(1, 20000) AS n")
    execute("CREATE TABLE copied (id int PRIMARY KEY, note text CHECK (id <> 10))")
    connector = connect()
    reader, writer = reader_of(connector, "things"), writer_to(connector, "copied")
    with pytest.raises(DataError) as raised:
        writer.load_parcel(parcel_of(reader))
    assert "copied_id_check" in raised.value.message
    writer.rollback()
    execute("ALTER TABLE copied DROP CONSTRAINT copied_id_check")
    writer.begin("job", 1)
    writer.load_parcel(parcel_of(reader))
    assert writer.found.inserted == 20_000


def test_trigger_that_leaves_records_out_is_noticed(connect: Connect, execute: Execute) -> None:
    execute("CREATE TABLE things (id int PRIMARY KEY)", "INSERT INTO things SELECT generate_series(1, 9)")
    execute("CREATE TABLE copied (id int PRIMARY KEY)")
    leave_out = "BEGIN RETURN CASE NEW.id WHEN 3 THEN NULL ELSE NEW END; END"
    execute(f"CREATE FUNCTION odd() RETURNS trigger LANGUAGE plpgsql AS '{leave_out}'")
    execute("CREATE TRIGGER odd BEFORE INSERT ON copied FOR EACH ROW EXECUTE FUNCTION odd()")
    connector = connect()
    writer = writer_to(connector, "copied")
    with pytest.raises(DataError, match="9 records were sent, 8 came"):
        writer.load_parcel(parcel_of(reader_of(connector, "things")))
    writer.rollback()
    writer.begin("job", 1)
    with pytest.raises(DataError, match="1 records were sent, 0 came"):
        writer.load_rows([(3,)])


@pytest.mark.parametrize("relation", ["unkeyed", "nullable", "a_view"])
def test_what_gives_its_records_no_order_of_their_own_is_not_sent(
    connect: Connect, execute: Execute, relation: str
) -> None:
    execute("CREATE TABLE unkeyed (id int)", "CREATE TABLE nullable (id int UNIQUE)")
    execute("CREATE VIEW a_view AS SELECT 1 AS id")
    connector = connect()
    request = ReadRequest(relation, key=("id",))
    assert connector.straight_reader(request, Selection(())) is None


@pytest.mark.parametrize(
    "text", ["it's", 'a "b"', "\\", "\\'; DROP TABLE x; --", "a::b", "\U0001f600\u00e4", "", "\n\t\r", "$1 {x} %s"]
)
def test_literals_mean_exactly_their_text(execute: Execute, text: str) -> None:
    assert execute(f"SELECT {literal_of(text)}::text") == [(text,)]
