"""Reading SQL systems by a cursor where it is hard: no key, one time spelled in many ways, values beyond all times."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from connectors.postgres import PostgresConnector
from connectors.records import CursorRequest, ReadRequest
from connectors.sqlite import SQLiteConnector
from tests.connectors.sql_systems import allow_files_below, postgres_config
from tests.postgres_server import PostgresServer

SPELLED = ["2020-01-02T00:00:00+02:00", "2020-01-01 22:00:00", "2020-01-01T22:00:00Z", "2020-01-01 23:30:00.5"]


@pytest.fixture
def sqlite_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sqlite3.Connection:
    allow_files_below(tmp_path, monkeypatch)
    return sqlite3.connect(tmp_path / "source.sqlite3", isolation_level=None)


def read_sqlite(**request: Any) -> list[Any]:
    with closing(SQLiteConnector("source", {"path": "source.sqlite3"}, {})) as connector:
        return list(connector.read(ReadRequest("notes", cursor=CursorRequest("seen", **request), batch_size=2)))


@pytest.mark.parametrize("key", ["", "PRIMARY KEY", "PRIMARY KEY /* of a table that is its own index */"], ids=len)
def test_one_time_in_many_spellings_is_one_value_and_no_record_is_lost_between_them(
    sqlite_file: sqlite3.Connection, key: str
) -> None:
    own = " WITHOUT ROWID" if "index" in key else ""
    sqlite_file.execute(f"CREATE TABLE notes (seen DATETIME_TEXT {key}){own}")
    sqlite_file.executemany("INSERT INTO notes VALUES (?)", [(text,) for text in [*SPELLED, "soon", "2019-12-31"]])
    batches = read_sqlite()
    sqlite_file.close()
    assert len(batches) == 3
    assert sum(len(batch.rows) for batch in batches) == 6
    assert [batch.highest for batch in batches] == ["2020-01-01T22:00:00Z"] * 2 + ["2020-01-01T23:30:00.500000Z"]
    assert batches[-1].rows[-1] == ("soon",), "what is no time comes last and does not count"


def test_rows_that_nothing_tells_apart_stay_together_at_the_end_of_a_batch(sqlite_file: sqlite3.Connection) -> None:
    sqlite_file.execute("CREATE TABLE stored (seen DATETIME_TEXT)")
    sqlite_file.executemany("INSERT INTO stored VALUES (?)", [(f"2020-01-0{day}",) for day in (1, 2, 2, 2, 3)])
    sqlite_file.execute("CREATE VIEW notes AS SELECT * FROM stored")
    sqlite_file.close()
    batches = read_sqlite()
    assert [len(batch.rows) for batch in batches] == [4, 1]
    assert [len(batch.rows) for batch in read_sqlite(start="2020-01-02T00:00:00Z")] == [3, 1]


@pytest.mark.parametrize("other", ["2020-01-01 00:00:00.000000", "2020-01-01 00:00:00.0", "2020-01-01T00:00:00Z"])
def test_equal_times_of_unlike_spelling_are_all_read_or_all_left_out(
    sqlite_file: sqlite3.Connection, other: str
) -> None:
    sqlite_file.execute("CREATE TABLE notes (id integer PRIMARY KEY, seen DATETIME_TEXT)")
    values = ["2019-12-31 23:59:59.999999", other, "2020-01-01 00:00:00", "2020-01-01 00:00:00.000001"]
    sqlite_file.executemany("INSERT INTO notes (seen) VALUES (?)", [(text,) for text in values])
    sqlite_file.close()
    start = "2020-01-01T00:00:00Z"
    for is_inclusive, expected in ((True, [2, 3, 4]), (False, [4])):
        cursor = CursorRequest("seen", start, is_inclusive)
        with closing(SQLiteConnector("source", {"path": "source.sqlite3"}, {})) as connector:
            batches = list(connector.read(ReadRequest("notes", columns=("id",), cursor=cursor, batch_size=1)))
        assert [row[0] for batch in batches for row in batch.rows] == expected


def test_postgres_reads_past_infinity_and_keeps_microseconds(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as session:
        session.execute("CREATE TABLE notes (id int PRIMARY KEY, seen timestamptz, local timestamp, size numeric)")
        session.execute(
            "INSERT INTO notes SELECT n, moment, moment AT TIME ZONE 'UTC', 9007199254740993.5 + n / 1e6"
            " FROM generate_series(1, 5) AS n, LATERAL (SELECT timestamptz '2020-01-01Z' + n % 2 * interval '1 us')"
            " AS made (moment)"
        )
        session.execute("INSERT INTO notes VALUES (6, 'infinity', 'infinity', 'NaN'), (7, '-infinity', NULL, NULL)")
    config, credentials = postgres_config(postgres_server, postgres_url)
    expected = {"seen": [7, 2, 4, 1, 3, 5, 6], "local": [2, 4, 1, 3, 5, 6], "size": [1, 2, 3, 4, 5, 6]}
    highest = {"seen": "2020-01-01T00:00:00.000001Z", "local": "2020-01-01T00:00:00.000001Z"}
    with closing(PostgresConnector("source", config, credentials)) as connector:
        for field, ids in expected.items():
            request = ReadRequest("notes", columns=("id",), cursor=CursorRequest(field), batch_size=2)
            batches = list(connector.read(request))
            assert [row[0] for batch in batches for row in batch.rows] == ids
            told = [batch.highest for batch in batches if batch.highest is not None]
            assert float(told[-1]) > 9e15 if field == "size" else told[-1] == highest[field]
            again = list(connector.read(ReadRequest("notes", cursor=CursorRequest(field, told[-1]))))
            assert [row[0] for batch in again for row in batch.rows] == ids[ids.index(5 if field == "size" else 1) :]
