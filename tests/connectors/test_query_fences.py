"""Custom queries can do nothing but read, whatever they say: by the check of their text, and by the fences behind."""

from __future__ import annotations

import time
from contextlib import closing, suppress

import pytest

from connectors.errors import ConfigError, DataError
from connectors.postgres import PostgresConnector
from connectors.query_texts import CustomQuery, query_problems
from connectors.records import ReadRequest
from connectors.sql_text import SQLText, Table, sql
from tests.connectors.query_systems import PostgresSystem, QuerySystem, system
from tests.connectors.sql_systems import postgres_config

__all__ = ["system"]
CLEAR = {
    "empty": "  \n -- nothing\n",
    "two": "SELECT 1 AS a; DELETE FROM orders",
    "two_hidden": "SELECT 1 AS a /* ' */; DROP TABLE orders -- '",
    "delete": "DELETE FROM orders",
    "delete_cte": "WITH x AS (DELETE FROM orders RETURNING id) SELECT id FROM x",
    "with_delete": "WITH x AS (SELECT 1) DELETE FROM orders WHERE id IN (SELECT * FROM x)",
    "insert_cte": "WITH x AS (INSERT INTO orders (id) VALUES (1000) RETURNING id) SELECT id FROM x",
    "into": "SELECT * INTO canary FROM orders",
    "create": "CREATE TABLE canary AS SELECT * FROM orders",
    "drop": "DROP TABLE orders",
    "copy": "COPY orders TO PROGRAM 'touch /tmp/syncdeck-canary'",
    "copy_file": "COPY (SELECT 1) TO '/tmp/syncdeck-canary'",
    "for_update": "SELECT id FROM orders FOR UPDATE",
    "for_share": "SELECT id FROM orders FOR NO KEY UPDATE",
    "explain": "EXPLAIN ANALYZE DELETE FROM orders",
    "version_comment": "SELECT 1 AS a /*!50000 ; DELETE FROM orders */",
    "quote": "SELECT 'a AS b FROM orders",
    "read_write": "SET TRANSACTION READ WRITE",
    "escape": "SELECT 1) AS t; DELETE FROM orders; SELECT * FROM (SELECT 1",
    "bracket": "SELECT id FROM orders) AS t WHERE (1 = 1",
    "set_config": "SELECT set_config('transaction_read_only', 'off', false) AS a",
    "read_file": "SELECT pg_read_file('/etc/passwd') AS a",
    "quoted_function": "SELECT \"pg_read_file\" ('/etc/passwd') AS a",
    "unicode_name": "SELECT U&\"\\0070g_read_file\"('/etc/passwd') AS a",
    "lo_export": "SELECT lo_export(lo_from_bytea(0, 'x'), '/tmp/syncdeck-canary') AS a",
    "xml": "SELECT query_to_xml('DELETE FROM orders', true, true, '') AS a",
    "terminate": "SELECT pg_terminate_backend(pid) AS a FROM pg_stat_activity",
    "sequence": "SELECT nextval('canary') AS a",
    "attach": "ATTACH DATABASE 'canary.sqlite3' AS canary",
    "pragma": "PRAGMA query_only = OFF",
    "vacuum": "VACUUM INTO 'canary.sqlite3'",
    "load_extension": "SELECT load_extension('canary') AS a",
    "writefile": "SELECT writefile('canary', 'x') AS a",
    "parameter": "SELECT $1 AS a",
    "half_line_end": "SELECT 1 AS a -- \r; DELETE FROM orders",
}
BEHIND = {
    "pragma_function": "SELECT * FROM pragma_journal_mode('delete')",
    "call": "CALL canary()",
    "do": "DO $$BEGIN DELETE FROM orders; END$$",
    "writing_function": "SELECT canary() AS a",
    "listen": "LISTEN canary",
    "lock": "LOCK TABLE orders",
    "two_parameters": "SELECT :a AS b, ? AS c",
}
ENDLESS = {
    "postgresql": "SELECT pg_sleep(60)::text AS a",
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) SELECT count(*) AS a FROM s",
}
CANARY = "CREATE FUNCTION canary() RETURNS integer LANGUAGE sql AS 'DELETE FROM orders RETURNING id'"


def prepare(system: QuerySystem) -> None:
    if system.kind == "postgresql":
        system.execute(CANARY, "GRANT ALL ON ALL TABLES IN SCHEMA public TO query_reader", "CREATE SEQUENCE canary")


@pytest.mark.parametrize("name", sorted(CLEAR))
def test_clear_cases_are_refused_by_their_text(name: str) -> None:
    assert query_problems(CLEAR[name])


def try_everything(system: QuerySystem, text: str) -> None:
    """Run it with and without the check of its text."""
    with pytest.raises((ConfigError, DataError)):
        system.read(text)
    runner = system.connect().query_runner
    for source in (SQLText(text), sql("({text}\n)", text=SQLText(text))):
        table = Table("q", source, (), query=CustomQuery(text))
        for statement in (source, sql("SELECT * FROM {source} AS t", source=source)):
            with suppress(ConfigError, DataError):
                runner.fetch(table, statement, ())
            with suppress(ConfigError, DataError):
                list(runner.fetch_in_parts(table, statement, (), 10))
        with suppress(ConfigError, DataError):
            runner.describe("q", source)
    runner.close()
    system.close_connectors()


def test_nothing_changes_whatever_a_query_says(system: QuerySystem) -> None:
    prepare(system)
    before = system.fingerprint()
    for text in (CLEAR | BEHIND).values():
        try_everything(system, text)
        assert system.fingerprint() == before, text


@pytest.mark.parametrize("text", ["PRAGMA user_version", "PRAGMA query_only = OFF"])
def test_sqlite_runs_nothing_that_is_not_reading_even_if_no_text_is_checked(system: QuerySystem, text: str) -> None:
    if system.kind != "sqlite":
        pytest.skip("PostgreSQL has no authoriser")
    runner = system.connect().query_runner
    with pytest.raises(ConfigError) as refused:
        runner.fetch(Table("q", SQLText(text), (), query=CustomQuery(text)), SQLText(text), ())
    assert refused.value.code == "query_refused"


def test_a_query_that_takes_too_long_is_stopped_and_not_tried_again(system: QuerySystem) -> None:
    started = time.monotonic()
    with pytest.raises(ConfigError) as refused:
        system.read(ENDLESS[system.kind], config={"query_seconds": 1})
    assert time.monotonic() - started < 10
    assert not refused.value.retryable
    assert refused.value.code == "query_timeout"
    assert refused.value.message == "erp: q: the custom query ran longer than 1 s and was stopped"


def test_what_a_query_sets_does_not_last(system: QuerySystem) -> None:
    """A function of the database may do what the text may not name: its settings end with the transaction."""
    if system.kind != "postgresql":
        pytest.skip("SQLite has no functions that are stored")
    system.execute(
        "CREATE FUNCTION loosen() RETURNS text LANGUAGE sql AS"
        " $$SELECT set_config('default_transaction_read_only', 'off', false)"
        " || set_config('statement_timeout', '0', false)$$",
        CANARY,
        "GRANT ALL ON orders TO query_reader",
    )
    before = system.fingerprint()
    connector = system.connect()
    connector.define_query("loose", CustomQuery("SELECT loosen() AS a"))
    assert [batch.rows for batch in connector.read(ReadRequest("loose", key=("a",)))] == [[("off0",)]]
    connector.define_query("write", CustomQuery("SELECT canary() AS a"))
    with pytest.raises(ConfigError) as refused:
        list(connector.read(ReadRequest("write", key=("a",))))
    assert refused.value.code == "query_refused"
    assert "read-only transaction" in refused.value.message
    assert system.fingerprint() == before


def test_a_superuser_is_warned_of_in_the_test_and_at_every_run(system: QuerySystem) -> None:
    if not isinstance(system, PostgresSystem):
        pytest.skip("SQLite has no users")
    config, credentials = postgres_config(system.server, system.url)
    said: list[tuple[str, str]] = []
    with closing(PostgresConnector("erp", config, credentials)) as connector:
        steps = {step.name: step for step in connector.check()}
        assert steps["privileges"].ok
        assert steps["privileges"].fix
        object.__setattr__(connector.surroundings, "notify", lambda level, text: said.append((level, text)))
        connector.define_query("q", CustomQuery("SELECT 1 AS a"))
    assert [level for level, _ in said] == ["WARNING"]
    assert "superuser" in said[0][1]


def test_a_user_that_reaches_the_servers_files_is_warned_of(system: QuerySystem) -> None:
    if system.kind != "postgresql":
        pytest.skip("SQLite has no users")
    for is_granted in (False, True):
        if is_granted:
            system.execute("GRANT pg_read_server_files TO query_reader")
        (step,) = (step for step in system.connect().check() if step.name == "privileges")
        assert (step.ok, bool(step.fix)) == (True, is_granted)
    assert "pg_read_server_files" in step.message
