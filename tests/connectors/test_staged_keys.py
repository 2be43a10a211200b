"""Whether staged records share a key is seen here where Python and PostgreSQL agree on it; else the target says it."""

from __future__ import annotations

import psycopg
import pytest

from connectors import network
from connectors.base import WriteRequest
from connectors.postgres import PostgresConnector
from connectors.records import Field
from tests.connectors.sql_systems import postgres_config
from tests.postgres_server import PostgresServer

FIELDS = (Field("name", "text", nullable=False), Field("number", "integer", nullable=False), Field("seen", "text"))
BLIND = "CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
# The type of the key's text, pages of keys that are staged one after the other, and how many of them are duplicates.
CASES = {
    "all differ": ("text", ["ab", "cd"], 0),
    "by their bytes": ('text COLLATE "C"', ["ab", "AB"], 0),
    "within a page": ('text COLLATE "C"', ["aa", "bc"], 1),
    "in two pages": ("varchar(5)", ["ab", "ac", "ad"], 2),
    "after the first two": ("text", ["aa", "bb"], 2),
    "alike only to the target": ("text COLLATE blind", ["ab", "AC"], 1),
}


@pytest.mark.parametrize("case", CASES)
def test_staged_records_with_the_same_key_are_counted_and_the_last_one_stays(
    case: str, postgres_server: PostgresServer, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "_allowances", ())
    network.configure(["127.0.0.1"])
    kind, pages, duplicates = CASES[case]
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        if "blind" in kind:
            try:
                connection.execute(BLIND)
            except psycopg.errors.FeatureNotSupported:
                pytest.skip("this PostgreSQL was built without ICU")
        table = (
            f"CREATE TABLE things (name {kind} NOT NULL, number int NOT NULL, seen text, PRIMARY KEY (name, number))"
        )
        connection.execute(table.encode())
    connector = PostgresConnector("erp", *postgres_config(postgres_server, postgres_url))
    writer = connector.writer(WriteRequest("things", FIELDS, ("name", "number"), "upsert"))
    try:
        writer.prepare()
        for _ in range(2):  # a batch knows nothing of the keys of the one before
            writer.begin("job", 1)
            for page, names in enumerate(pages):
                writer.stage([(name, 1, f"{page}{place}") for place, name in enumerate(names)])
            found = writer.compare()
            assert (found.duplicates, found.inserted) == (duplicates, sum(map(len, pages)) - duplicates)
            written = [change.fields for change in writer.changes()]
            assert len(written) == found.inserted
            writer.rollback()
    finally:
        connector.close()
