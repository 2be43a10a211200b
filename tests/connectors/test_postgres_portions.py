"""Where portions of a PostgreSQL table end, whatever the server knows of the table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from connectors import network
from connectors.errors import DataError
from connectors.expressions import ColumnValue
from connectors.postgres import PostgresConnector
from connectors.records import CursorRequest, Filter, ReadRequest
from connectors.straight import Parcel, Portion, Selection, StraightReader
from tests.connectors.sql_systems import postgres_config
from tests.postgres_server import PostgresServer

THINGS = "INSERT INTO things SELECT n, CASE WHEN n % 10 > 0 THEN n / 2 END FROM generate_series(1, 100) AS n"


@pytest.fixture(params=["analyzed", "unknown"])
def connector(
    postgres_server: PostgresServer, postgres_url: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PostgresConnector]:
    """To a database with 100 things, of which the server has statistics or none."""
    monkeypatch.setattr(network, "_allowances", ())
    network.configure(["127.0.0.1"])
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE things (id int PRIMARY KEY, seen int)")
        connection.execute(THINGS)
        if request.param == "analyzed":
            connection.execute("ANALYZE things")
    made = PostgresConnector("erp", *postgres_config(postgres_server, postgres_url))
    yield made
    made.close()


def is_analyzed(request: pytest.FixtureRequest) -> bool:
    return "analyzed" in request.node.name


def reader_of(connector: PostgresConnector, most_bytes: int | None = None, **asked: Any) -> StraightReader:
    columns = tuple((field, ColumnValue(field.name)) for field in connector.schema("things").fields)
    selection = Selection(columns, most_bytes=most_bytes)
    reader = connector.straight_reader(ReadRequest("things", key=("id",), **asked), selection)
    assert reader is not None
    return reader


def portions(reader: StraightReader, size: int, *, about: bool = False) -> list[Portion]:
    found: list[Portion] = []
    while not (found and found[-1].is_last):
        portion = reader.portion(found[-1].upto if found else None, size, about=about)
        if portion is None:
            break
        found.append(portion)
    return found


def test_portions_by_key_follow_each_other_up_to_the_last(connector: PostgresConnector) -> None:
    found = portions(reader_of(connector), 40)
    assert [(one.after, one.upto, one.is_last) for one in found] == [
        (None, [40], False),
        ([40], [80], False),
        ([80], [100], True),
    ]
    found = portions(reader_of(connector), 50)
    assert [one.upto for one in found] == [[50], [100]], "whether more follows is only known afterwards"


def test_whole_table_that_is_expected_to_fit_is_one_portion(
    connector: PostgresConnector, request: pytest.FixtureRequest
) -> None:
    knows = is_analyzed(request)
    assert [one.is_last for one in portions(reader_of(connector), 100, about=True)] == [knows]
    assert [one.is_last for one in portions(reader_of(connector), 80, about=True)][:1] == [knows], "a little more"
    assert [one.upto for one in portions(reader_of(connector), 79, about=True)] == [[79], [100]]
    filtered = reader_of(connector, filters=(Filter("id", "gt", 0),))
    assert [one.is_last for one in portions(filtered, 100, about=True)] == [False]
    assert portions(reader_of(connector, filters=(Filter("id", "gt", 100),)), 100, about=True) == []


@pytest.mark.parametrize("inclusive", [True, False])
def test_portions_by_cursor_end_between_records_that_are_equal_in_it(
    connector: PostgresConnector, request: pytest.FixtureRequest, inclusive: bool
) -> None:
    first, *rest = portions(reader_of(connector, cursor=CursorRequest("seen", 44, is_inclusive=inclusive)), 8)
    assert first.upto == ([48, 96] if inclusive else [49, 98])
    assert first.highest == first.upto[0]
    assert [one.upto for one in (first, *rest)][-1] == [49, 99]
    assert (first.is_last, rest[-1].is_last) == (False, True)
    assert [one.empty for one in (first, *rest)] == [None] * (1 + len(rest)), "there are more than were looked at"


def test_first_portion_of_all_counts_nothing_else(connector: PostgresConnector) -> None:
    (portion,) = portions(reader_of(connector, cursor=CursorRequest("seen", None)), 1000)
    assert (portion.upto, portion.empty, portion.is_last) == ([49, 99], None, True)


def test_count_of_empty_keeps_to_the_filters(connector: PostgresConnector, request: pytest.FixtureRequest) -> None:
    asked: dict[str, Any] = {"cursor": CursorRequest("seen", 20), "filters": (Filter("id", "le", 50),)}
    (portion,) = portions(reader_of(connector, **asked), 1000)
    assert (portion.upto, portion.empty) == ([24, 49], 5 if is_analyzed(request) else None)


def test_server_expects_what_it_has_statistics_of(connector: PostgresConnector, request: pytest.FixtureRequest) -> None:
    assert connector.estimate("things", (Filter("id", "le", 50), Filter("seen", "is_null", True))) in (None, 4, 5, 6)
    assert connector.estimate("things") == (100 if is_analyzed(request) else None)
    assert connector.count("things") == 100


def test_records_are_sampled(connector: PostgresConnector) -> None:
    mean = reader_of(connector).record_bytes()
    assert mean is not None
    assert 2 < mean < 6


def test_parcel_tells_between_which_keys_its_records_lie(connector: PostgresConnector) -> None:
    reader = reader_of(connector)
    found = [reader.parcel(portion, "binary").ranges for portion in portions(reader, 60)]
    assert found == [{"id": (None, 60)}, {"id": (60, 100)}]
    by_cursor = reader_of(connector, cursor=CursorRequest("seen", 44))
    (portion,) = portions(by_cursor, 100)
    assert by_cursor.parcel(portion, "binary").ranges == {"seen": (None, 49)}


def test_few_records_after_a_cursor_are_sent_as_they_were_found(
    connector: PostgresConnector, postgres_url: str, request: pytest.FixtureRequest
) -> None:
    reader = reader_of(connector, cursor=CursorRequest("seen", 44))
    (portion,) = portions(reader, 1000)
    with psycopg.connect(postgres_url) as connection:
        connection.execute("DELETE FROM things WHERE id > 95")
    found, again = (taken(reader.parcel(portion, "binary")) for _ in range(2))
    assert found.records == (11 if is_analyzed(request) else 7)
    assert again.records == 7, "a second try reads them anew"


def test_no_record_after_a_cursor_is_no_portion(connector: PostgresConnector) -> None:
    assert portions(reader_of(connector, cursor=CursorRequest("seen", 50)), 1000) == []


def test_record_that_must_be_looked_at_is_met_where_records_are_sent(connector: PostgresConnector) -> None:
    reader = reader_of(connector, most_bytes=4, cursor=CursorRequest("seen", 44))
    (portion,) = portions(reader, 1000)
    assert portion.upto == [49, 99]
    with pytest.raises(DataError, match="must be looked at"):
        taken(reader.parcel(portion, "binary"))


def taken(parcel: Parcel) -> Parcel:
    for block in parcel.blocks():
        assert block
    return parcel
