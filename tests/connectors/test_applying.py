"""What the contract of kinds that make given changes (test_conformance_*) leaves: the others, and a race."""

from __future__ import annotations

import time
from contextlib import closing
from threading import Thread

import psycopg
import pytest

from connectors.applying import open_applier
from connectors.base import Operation, RecordChange
from connectors.errors import ConfigError, DataError
from connectors.postgres import PostgresConnector
from connectors.postgres_applying import PostgresApplier
from connectors.soda import SodaConnector
from connectors.sql_text import sql
from connectors.testing_applying import REQUEST, Applied, apply
from tests.connectors.sql_systems import postgres_config
from tests.postgres_server import PostgresServer

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def test_kind_that_can_not_judge_its_records_says_so() -> None:
    soda = SodaConnector("open-data", {"base_url": "https://data.example.org", "datasets": {}}, {})
    with pytest.raises(ConfigError, match="not possible with a target of kind soda"):
        open_applier(soda, REQUEST)


def test_record_that_somebody_is_changing_is_waited_for_and_then_judged(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    insert = RecordChange("insert", {"id": 1}, {"name": [None, "Thing 1"]})
    rename = RecordChange("update", {"id": 1}, {"name": ["Thing 1", "Mine"]})
    applied: list[Applied] = []
    config, credentials = postgres_config(postgres_server, postgres_url)
    with closing(PostgresConnector("store", config, credentials)) as target, psycopg.connect(postgres_url) as other:
        apply(target, insert, job="fill")
        other.execute("UPDATE things SET name = 'Theirs' WHERE id = 1")
        thread = Thread(target=lambda: applied.append(apply(target, rename)))
        thread.start()
        with psycopg.connect(postgres_url, autocommit=True) as observer:
            while observer.execute(WAITING).fetchone() != (1,):
                assert thread.is_alive(), "it did not wait"
                time.sleep(0.02)
        other.commit()
        thread.join(20)
    assert [one.fields for one in applied[0].conflicts] == [{"name": ["Thing 1", "Theirs"]}]


def test_arrays_are_compared_and_written_as_arrays(postgres_server: PostgresServer, postgres_url: str) -> None:
    fields = {"tags": ["a", "b, c", None], "sizes": [[1, 2], [3, 4]], "none": None}
    delete = RecordChange("delete", {"id": 1}, {name: [value, None] for name, value in fields.items()})
    insert = RecordChange("insert", {"id": 1}, {name: [None, value] for name, value in fields.items()})
    config, credentials = postgres_config(postgres_server, postgres_url)
    content = "SELECT string_agg(things::text, ';') FROM things"
    with (
        closing(PostgresConnector("store", config, credentials)) as target,
        psycopg.connect(postgres_url, autocommit=True) as other,
    ):
        columns = (
            "id integer PRIMARY KEY, name text, price numeric, seen timestamptz, tags text[], sizes int[], none text[]"
        )
        other.execute(f"CREATE TABLE things ({columns})")
        other.execute("INSERT INTO things (id, tags, sizes) VALUES (1, '{a,\"b, c\",NULL}', '{{1,2},{3,4}}')")
        before = other.execute(content).fetchone()
        assert apply(target, delete).found.deleted == 1
        assert apply(target, insert, batch_no=2).found.inserted == 1
        assert other.execute(content).fetchone() == before


def test_many_changes_are_joined_at_once_not_one_by_one(postgres_server: PostgresServer, postgres_url: str) -> None:
    changes = [RecordChange("insert", {"id": number}, {"name": [None, "Thing"]}) for number in range(1000)]
    scans = sql("SELECT sum(seq_scan)::int FROM pg_stat_xact_user_tables WHERE relname LIKE 'syncdeck_%'")
    config, credentials = postgres_config(postgres_server, postgres_url)
    with closing(PostgresConnector("store", config, credentials)) as target:
        writer = open_applier(target, REQUEST)
        assert isinstance(writer, PostgresApplier)
        writer.prepare()
        writer.begin("job", 1)
        writer.stage_changes(changes)
        writer.compare()
        writer.write()
        assert writer.fetch(scans)[0][0] < 30
        writer.rollback()
        writer.finish()


@pytest.mark.parametrize("operation", ["insert", "update"])
def test_change_to_a_text_that_is_too_long_by_blanks_is_refused(
    postgres_server: PostgresServer, postgres_url: str, operation: Operation
) -> None:
    """Cut to fit, the record would not be what the plan said."""
    change = RecordChange(operation, {"id": 1}, {"name": [None, "abc  "]})
    config, credentials = postgres_config(postgres_server, postgres_url)
    with (
        closing(PostgresConnector("store", config, credentials)) as target,
        psycopg.connect(postgres_url, autocommit=True) as connection,
    ):
        connection.execute(
            "CREATE TABLE things (id int PRIMARY KEY, name varchar(3), price numeric, seen date, tags jsonb)"
        )
        if operation == "update":
            connection.execute("INSERT INTO things VALUES (1, NULL)")
        with pytest.raises(DataError, match="id=1 has a text of 5 characters in name, which takes 3"):
            apply(target, change)
