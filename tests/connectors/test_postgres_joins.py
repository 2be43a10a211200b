"""Few staged records and many are compared alike, whichever way they are joined with the target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from connectors import network
from connectors.postgres import PostgresConnector
from connectors.postgres_writer import PostgresWriter
from connectors.records import Field
from connectors.sql_text import sql
from tests.connectors.sql_batches import upsert, write_batch
from tests.connectors.sql_systems import postgres_config
from tests.postgres_server import PostgresServer

RECORDS = 2_000
FIELDS = [Field("code", "text", nullable=False), Field("size", "integer")]
JOINS = sql("SELECT current_setting('enable_hashjoin') || current_setting('enable_mergejoin')")
STATISTICS = "SELECT reltuples FROM pg_class WHERE relname = 'things'"


@pytest.fixture
def things(postgres_url: str) -> Iterator[psycopg.Connection]:
    """A full target that nobody has analyzed yet; the newest records lie at both ends of the keys."""
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute("CREATE TABLE things (code text PRIMARY KEY, size integer) WITH (autovacuum_enabled = off)")
        server.execute("INSERT INTO things SELECT 'T' || n, n FROM generate_series(1, %s) AS n", [RECORDS])
        yield server


@pytest.fixture
def connector(
    things: psycopg.Connection, postgres_server: PostgresServer, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PostgresConnector]:
    monkeypatch.setattr(network, "_allowances", ())
    network.configure(["127.0.0.1"])
    made = PostgresConnector("erp", *postgres_config(postgres_server, postgres_url))
    yield made
    made.close()


@pytest.mark.parametrize("step", [1, 500], ids=["many", "few"])
def test_batch_is_compared_alike_whatever_its_share_of_the_target(
    things: psycopg.Connection, connector: PostgresConnector, step: int
) -> None:
    numbers = range(0, RECORDS + 1, step)  # 0 is new
    rows = [(f"T{number}", number if number % 1_000 else -number) for number in numbers]
    found, changes = write_batch(connector, upsert("things", FIELDS, ("code",)), rows)
    assert (found.inserted, found.updated, found.unchanged) == (1, 2, len(numbers) - 3)
    told = {change.key["code"]: change.fields.get("size", [None, None])[1] for change in changes}
    assert {"T1000": -1_000, "T2000": -2_000}.items() <= told.items()
    assert things.execute("SELECT count(*), min(size) FROM things").fetchone() == (RECORDS + 1, -2_000)


def test_few_are_looked_up_key_by_key_and_what_follows_is_planned_as_ever(
    connector: PostgresConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = connector.writer(upsert("things", FIELDS, ("code",)))
    assert isinstance(writer, PostgresWriter)
    writer.prepare()
    seen = []
    execute = writer.execute

    def watched(*arguments: Any) -> int:
        if "syncdeck_diff SELECT" in str(arguments[0]):
            seen.append(writer.fetch(JOINS))
        return execute(*arguments)

    monkeypatch.setattr(writer, "execute", watched)
    writer.begin("job", 1)
    writer.stage([("T1", 7), ("T999", 7)])
    writer.compare()
    assert (seen, writer.fetch(JOINS)) == ([[("offoff",)]], [("onon",)])
    writer.rollback()


@pytest.mark.parametrize("dry_run", [False, True], ids=["real", "dry"])
def test_target_that_nobody_has_analyzed_is_analyzed_unless_in_a_dry_run(
    things: psycopg.Connection, connector: PostgresConnector, dry_run: bool
) -> None:
    connector.writer(upsert("things", FIELDS, ("code",), dry_run=dry_run)).prepare()
    assert things.execute(STATISTICS).fetchone() == (-1 if dry_run else RECORDS,)
