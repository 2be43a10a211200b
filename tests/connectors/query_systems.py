"""A PostgreSQL database and an SQLite file with the same table, read by the user that docs/queries.md makes."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from connectors import network
from connectors.postgres import PostgresConnector
from connectors.query_texts import CustomQuery
from connectors.records import Batch, ReadRequest
from connectors.sql_reading import SQLConnector
from connectors.sqlite import SQLiteConnector
from tests.connectors.sql_systems import allow_files_below, postgres_config
from tests.postgres_server import PostgresServer

CHECKOUT = Path(__file__).resolve().parent.parent.parent
READER, READER_PASSWORD = "query_reader", "reads-only-in-tests"
CREATE = "CREATE TABLE orders (id integer PRIMARY KEY, customer text, amount {decimal}, placed {datetime}, note text)"
TYPES = {
    "sqlite": {"decimal": "DECIMAL_TEXT", "datetime": "DATETIME_TEXT"},
    "postgresql": {"decimal": "numeric(10,2)", "datetime": "timestamptz"},
}
FILL = (
    "INSERT INTO orders SELECT n, 'C' || (n % 7), {amount}, {placed}, CASE WHEN n % 5 > 0 THEN 'note ' || n END"
    " FROM {numbers}"
)
FILLING = {
    "sqlite": {
        "amount": "n || '.50'",
        "placed": "datetime('2026-01-01', '+' || (n / 4) || ' days')",
        "numbers": "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100) SELECT n FROM s)",
    },
    "postgresql": {
        "amount": "n + 0.5",
        "placed": "timestamptz '2026-01-01 00:00+00' + make_interval(days => n / 4)",
        "numbers": "generate_series(1, 100) AS n",
    },
}


class QuerySystem:
    """One of the two; 100 orders of 7 customers, four a day."""

    kind: str

    def __init__(self) -> None:
        self.made: list[SQLConnector] = []
        self.execute(CREATE.format(**TYPES[self.kind]), FILL.format(**FILLING[self.kind]))

    def connect(self, **config: Any) -> SQLConnector:
        self.made.append(self._connect(config))
        return self.made[-1]

    def read(self, text: str, *key: str, config: dict[str, Any] | None = None, **request: Any) -> list[Batch]:
        """All that a query gives."""
        connector = self.connect(**(config or {}))
        connector.define_query("q", CustomQuery(text, key))
        return list(connector.read(ReadRequest("q", key=connector.schema("q").key, **request)))

    def close_connectors(self) -> None:
        while self.made:
            self.made.pop().close()

    def close(self) -> None:
        self.close_connectors()

    def _connect(self, config: dict[str, Any]) -> SQLConnector:
        raise NotImplementedError

    def execute(self, *statements: str) -> None:
        """As the owner of the data."""
        raise NotImplementedError

    def fingerprint(self) -> Any:
        """Changes with anything that is stored, be it rows, tables or files."""
        raise NotImplementedError


class SQLiteSystem(QuerySystem):
    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__()

    def _connect(self, config: dict[str, Any]) -> SQLConnector:
        return SQLiteConnector("erp", {"path": "erp.sqlite3"} | config, {})

    def execute(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.folder / "erp.sqlite3")) as file, file:
            for statement in statements:
                file.execute(statement)

    def fingerprint(self) -> Any:
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(self.folder.iterdir())}


class PostgresSystem(QuerySystem):
    kind = "postgresql"

    def __init__(self, server: PostgresServer, url: str) -> None:
        self.server, self.url = server, url
        super().__init__()
        as_told = (CHECKOUT / "docs" / "queries.md").read_text(encoding="utf-8").partition("```sql\n")[2]
        statements = as_told.partition("```")[0].replace("choose-a-long-one", READER_PASSWORD)
        database = url.rpartition("/")[2]
        self.execute(*statements.replace("DATABASE erp", f"DATABASE {database}").strip().splitlines())

    def _connect(self, config: dict[str, Any]) -> SQLConnector:
        own, _ = postgres_config(self.server, self.url)
        return PostgresConnector("erp", own | {"user": READER} | config, {"password": READER_PASSWORD})

    def execute(self, *statements: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as session:
            for statement in statements:
                session.execute(statement.encode())

    def fingerprint(self) -> Any:
        with psycopg.connect(self.url, autocommit=True) as session:
            rows = session.execute("SELECT md5(string_agg(o::text, '' ORDER BY id)) FROM orders AS o").fetchone()
            names = session.execute("SELECT count(*) FROM pg_class").fetchone()
            objects = session.execute("SELECT count(*) FROM pg_largeobject_metadata").fetchone()
        files = sorted(str(path) for path in (self.server.directory / "data").glob("*"))
        return rows, names, objects, files, sorted(Path("/tmp").glob("syncdeck-canary*"))  # noqa: S108 - payloads' name

    def close(self) -> None:
        super().close()
        self.execute(f"DROP OWNED BY {READER}", f"DROP ROLE {READER}")


@pytest.fixture(params=["sqlite", "postgresql"])
def system(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[QuerySystem]:
    """Each of the two."""
    made: QuerySystem
    if request.param == "sqlite":
        allow_files_below(tmp_path, monkeypatch)
        made = SQLiteSystem(tmp_path)
    else:
        monkeypatch.setattr(network, "_allowances", ())
        network.configure(["127.0.0.1"])
        server: PostgresServer = request.getfixturevalue("postgres_server")
        made = PostgresSystem(server, request.getfixturevalue("postgres_url"))
    try:
        yield made
    finally:
        made.close()
