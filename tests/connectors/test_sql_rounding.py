"""Targets whose own types may round or cut say so before anything is written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from connectors.base import Connector
from connectors.postgres import PostgresConnector
from connectors.records import TYPES, Field
from connectors.sqlite import SQLiteConnector
from connectors.surroundings import Surroundings
from tests.connectors.sql_batches import upsert
from tests.connectors.sql_systems import allow_files_below, postgres_config
from tests.postgres_server import PostgresServer

FIELDS = (
    Field("id", "integer"),
    Field("price", "decimal"),
    Field("seen", "datetime"),
    Field("number", "bigint"),
    Field("code", "text"),
)


def told(connector: Connector, said: list[str]) -> list[str]:
    """What is said of writing the table `narrow`, and of one that is created."""
    everything = tuple(Field(f"a_{name}", name) for name in TYPES)
    with closing(connector):
        connector.writer(upsert("narrow", FIELDS, ("id",))).prepare()
        connector.writer(upsert("created", (FIELDS[0], *everything), ("id",))).prepare()
        connector.writer(upsert("created", (FIELDS[0], *everything), ("id",))).prepare()
    return said


def test_postgres_columns_that_may_round_are_told(postgres_server: PostgresServer, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as session:
        session.execute(
            "CREATE TABLE narrow (id int PRIMARY KEY, price numeric(10,2), seen date, number float8, code int)"
        )
    config, credentials = postgres_config(postgres_server, postgres_url)
    said: list[str] = []
    surroundings = Surroundings(notify=lambda _level, message: said.append(message))
    (message,) = told(PostgresConnector("target", config, credentials, surroundings), said)
    assert message == (
        "narrow: the target may round or cut what these columns are given: price (decimal into numeric(10,2)),"
        " seen (datetime into date), number (bigint into double precision)"
    )


def test_sqlite_columns_that_may_round_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    allow_files_below(tmp_path, monkeypatch)
    with closing(sqlite3.connect(tmp_path / "target.sqlite3")) as file:
        file.execute("CREATE TABLE narrow (id INT PRIMARY KEY, price DECIMAL(10,2), seen DATE, number REAL, code INT)")
    said: list[str] = []
    surroundings = Surroundings(notify=lambda _level, message: said.append(message))
    (message,) = told(SQLiteConnector("target", {"path": "target.sqlite3"}, {}, surroundings), said)
    assert message.endswith("price (decimal into NUMERIC), number (bigint into REAL), code (text into INTEGER)")
