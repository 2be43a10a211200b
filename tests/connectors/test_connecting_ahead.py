"""A PostgreSQL target is connected to, and its table looked for, while the source is still being asked."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from connectors import network
from connectors.base import WriteRequest
from connectors.postgres import PostgresConnector
from connectors.postgres_session import READER_SETTINGS, WRITER_SETTINGS
from connectors.postgres_writer import PostgresWriter
from connectors.records import Field
from connectors.sql_text import sql
from tests.connectors.sql_systems import postgres_config
from tests.postgres_server import PostgresServer

FIELDS = (Field("id", "integer", nullable=False), Field("name", "text"))


@pytest.fixture
def connector(
    postgres_server: PostgresServer, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PostgresConnector]:
    monkeypatch.setattr(network, "_allowances", ())
    network.configure(["127.0.0.1"])
    change(postgres_url, "CREATE TABLE things (id int PRIMARY KEY, name text)")
    made = PostgresConnector("erp", *postgres_config(postgres_server, postgres_url))
    yield made
    made.close()


def change(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def writer_of(connector: PostgresConnector, stream: str = "things") -> PostgresWriter:
    writer = connector.writer(WriteRequest(stream, FIELDS, ("id",), "upsert"))
    assert isinstance(writer, PostgresWriter)
    return writer


def columns_seen(writer: PostgresWriter) -> tuple[str, ...] | None:
    table = writer.find_target()
    return None if table is None else table.names


def test_the_table_found_ahead_is_the_writers_first_look_and_no_later_one(
    connector: PostgresConnector, postgres_url: str
) -> None:
    connector.connect_ahead("things")
    writer = writer_of(connector)
    settings = writer.fetch(sql("SELECT current_setting('work_mem'), current_setting('TimeZone')"))
    assert settings == [(WRITER_SETTINGS["work_mem"], "UTC")]
    change(postgres_url, "ALTER TABLE things ADD added int")
    assert columns_seen(writer) == ("id", "name")
    assert columns_seen(writer) == ("id", "name", "added")


def test_another_table_than_the_one_found_is_looked_for(connector: PostgresConnector, postgres_url: str) -> None:
    change(postgres_url, "CREATE TABLE others (id int PRIMARY KEY)")
    connector.connect_ahead("things")
    assert columns_seen(writer_of(connector, "others")) == ("id",)


def test_a_table_made_after_the_look_is_found(connector: PostgresConnector, postgres_url: str) -> None:
    connector.connect_ahead("later")
    writer = writer_of(connector, "later")
    assert writer.session.is_usable
    change(postgres_url, "CREATE TABLE later (id int PRIMARY KEY)")
    assert columns_seen(writer) == ("id",)


def test_the_connection_made_for_a_writer_is_not_used_for_reading(connector: PostgresConnector) -> None:
    connector.connect_ahead("things")
    shown = sql("SELECT pg_backend_pid(), current_setting('default_transaction_read_only')")
    ((reading, is_read_only),) = connector.open_session(READER_SETTINGS).fetch(shown)
    ((writing, may_write),) = writer_of(connector).fetch(shown)
    assert (is_read_only, may_write) == ("on", "off")
    assert reading != writing
