"""Custom queries read like tables: described, paged by their key, filtered, counted, parted; what is said if not."""

from __future__ import annotations

import json
from contextlib import closing
from decimal import Decimal

import pytest

from connectors.errors import ConfigError, DataError
from connectors.query_texts import CustomQuery
from connectors.records import Batch, CursorRequest, Filter, PartitionRequest, ReadRequest
from tests.connectors.query_systems import QuerySystem, system

__all__ = ["system"]
BY_CUSTOMER = "SELECT customer, count(*) AS orders, min(id) AS first FROM orders GROUP BY customer;  -- by customer"
ALL = "SELECT id, customer, amount, placed, note FROM orders"


def ids(batches: list[Batch]) -> list[int]:
    return [row[batch.names.index("id")] for batch in batches for row in batch.rows]


def test_a_query_is_described_with_its_types(system: QuerySystem) -> None:
    text = "SELECT id, amount AS price, placed, note, id + 1 AS next, id = 1 AS is_first, 'x' AS mark FROM orders"
    connector = system.connect()
    connector.define_query("q", CustomQuery(text, ("id",)))
    found = {field.name: field.type for field in connector.schema("q").fields}
    own = {"sqlite": ("bigint", "bigint", "bigint"), "postgresql": ("integer", "integer", "boolean")}[system.kind]
    assert found == {
        "id": own[0],
        "price": "decimal",
        "placed": "datetime",
        "note": "text",
        "next": own[1],
        "is_first": own[2],
        "mark": "text",
    }
    assert connector.schema("q").key == ("id",)
    assert connector.count("q", (Filter("next", "le", 11),)) == 10


def test_a_query_is_read_in_pages_that_go_on_from_any_of_their_positions(system: QuerySystem) -> None:
    pages = system.read(ALL, "id", batch_size=30)
    assert [len(page.rows) for page in pages] == [30, 30, 30, 10]
    assert ids(pages) == list(range(1, 101))
    for number, page in enumerate(pages):
        position = json.loads(json.dumps(page.position))
        assert ids(system.read(ALL, "id", batch_size=30, position=position)) == list(range(1, 101))[30 * (number + 1) :]


def test_pages_keep_records_together_that_the_key_does_not_tell_apart(system: QuerySystem) -> None:
    pages = system.read(f"{ALL} ORDER BY note", "customer", batch_size=10)
    assert sorted(ids(pages)) == list(range(1, 101))
    for page in pages:
        rest = system.read(ALL, "customer", batch_size=10, position=page.position)
        last = max(row[page.names.index("customer")] for row in page.rows)
        assert {row[1] for one in rest for row in one.rows} == {f"C{n}" for n in range(7) if f"C{n}" > last}


def test_a_composite_key_and_an_aggregate_are_paged(system: QuerySystem) -> None:
    text = "SELECT customer, placed, count(*) AS orders FROM orders GROUP BY customer, placed"
    whole = [row for page in system.read(text) for row in page.rows]
    pages = system.read(text, "placed", "customer", batch_size=7)
    assert max(len(page.rows) for page in pages) == 7
    assert sorted(row for page in pages for row in page.rows) == sorted(whole)
    assert system.read(BY_CUSTOMER, "customer")[0].rows[0] == ("C0", 14, 7)


def test_records_without_a_key_value_are_read_too(system: QuerySystem) -> None:
    assert sorted(ids(system.read(ALL, "note", batch_size=9))) == list(range(1, 101))


def test_filters_columns_and_a_cursor_apply_on_top(system: QuerySystem) -> None:
    filters = (Filter("customer", "in", ["C1", "C2"]), Filter("amount", "lt", "30"))
    pages = system.read(ALL, "id", filters=filters, columns=("id", "amount"))
    assert [page.names for page in pages] == [("id", "amount")]
    assert pages[0].rows[0] == (1, Decimal("1.50"))
    assert ids(pages) == [1, 2, 8, 9, 15, 16, 22, 23, 29]
    by_time = system.read(ALL, "id", cursor=CursorRequest("placed", "2026-01-25T00:00:00Z"), batch_size=3)
    assert [len(page.rows) for page in by_time] == [3, 2]
    assert ids(by_time) == [96, 97, 98, 99, 100]
    assert by_time[-1].highest == "2026-01-26T00:00:00Z"


def test_without_a_key_a_query_is_one_reading_without_positions(system: QuerySystem) -> None:
    pages = system.read(ALL, batch_size=40)
    assert [(len(page.rows), page.position) for page in pages] == [(40, None), (40, None), (20, None)]


@pytest.mark.parametrize(
    ("text", "key", "code", "words"),
    [
        ("SELECT nothing FROM orders", (), "query_failed", "nothing"),
        ("SELECT id FROM elsewhere", (), "query_failed", "elsewhere"),
        ("SELECT id FRM orders GROUP", (), "query_failed", "syntax error"),
        ("SELECT id FROM orders", ("number",), "column_mismatch", "has no column 'number' (it has: id)"),
    ],
    ids=["column", "table", "syntax", "key"],
)
def test_what_can_not_be_run_is_said_in_a_sentence(
    system: QuerySystem, text: str, key: tuple[str, ...], code: str, words: str
) -> None:
    connector = system.connect()
    with pytest.raises((ConfigError, DataError)) as refused:
        connector.define_query("q", CustomQuery(text, key))
    assert refused.value.code == code
    assert words in refused.value.message
    assert refused.value.hint


def test_two_columns_of_one_name_need_names_of_their_own(system: QuerySystem) -> None:
    if system.kind == "sqlite":
        pytest.skip("SQLite gives the second one another name by itself")
    with pytest.raises(ConfigError, match=r"several of its columns are called 'id'; name each by AS"):
        system.connect().define_query("q", CustomQuery("SELECT id, id FROM orders"))


def test_a_huge_value_does_not_get_as_far_as_this_process(system: QuerySystem) -> None:
    if system.kind == "sqlite":
        pytest.skip("an SQLite file is read by this process; streams look at every value")
    text = "SELECT id, CASE WHEN id = 3 THEN repeat('x', 40000000) ELSE 'short' END AS memo FROM orders"
    for key in (("id",), ()):
        with pytest.raises(DataError) as refused:
            system.read(text, *key)
        who = "row id=3" if key else "a row"
        assert refused.value.message == f"q: {who} column memo is 38.1 MB, limit 16 MB"
    assert ids(system.read(text, "id", filters=(Filter("id", "lt", 3),))) == [1, 2]


def test_large_rows_come_in_small_pages(system: QuerySystem) -> None:
    if system.kind == "sqlite":
        pytest.skip("streams choose the size of pages there")
    text = "SELECT id, repeat('x', 1000000) AS memo FROM orders"
    pages = system.read(text, "id")
    assert ids(pages) == list(range(1, 101))
    assert max(len(page.rows) for page in pages) <= 64


def test_a_query_finds_the_tables_of_the_connectors_schema(system: QuerySystem) -> None:
    if system.kind == "sqlite":
        pytest.skip("SQLite has no schemas")
    system.execute(
        "CREATE SCHEMA other",
        "CREATE TABLE other.orders AS SELECT 7 AS id",
        "GRANT USAGE ON SCHEMA other TO query_reader",
        "GRANT SELECT ON other.orders TO query_reader",
    )
    assert ids(system.read("SELECT id FROM orders", config={"schema": "other"})) == [7]


@pytest.mark.parametrize("field", ["id", "placed", "customer", "note", "amount"])
@pytest.mark.parametrize("key", [("id",), ()], ids=["key", "no_key"])
def test_ranges_of_a_field_hold_every_record_once_and_go_on_from_each_position(
    system: QuerySystem, field: str, key: tuple[str, ...]
) -> None:
    def read(position: object = None) -> list[Batch]:
        return system.read(ALL, *key, partition=PartitionRequest(field, 15), batch_size=10, position=position)

    batches = read()
    assert sorted(ids(batches)) == list(range(1, 101))
    assert all(batch.position is not None for batch in batches)
    assert len(batches) > 3
    done: list[int] = []
    for batch in batches:
        done += ids([batch])
        rest = read(json.loads(json.dumps(batch.position)))
        assert sorted(done + ids(rest)) == list(range(1, 101))
        system.close_connectors()


def test_tables_are_parted_just_as_well(system: QuerySystem) -> None:
    with closing(system.connect()) as connector:
        request = ReadRequest(
            "orders", key=("id",), partition=PartitionRequest("placed", 15), filters=(Filter("id", "le", 50),)
        )
        batches = list(connector.read(request))
    assert sorted(ids(batches)) == list(range(1, 51))
    assert len(batches) > 2


def test_a_field_that_parts_too_little_is_named(system: QuerySystem) -> None:
    text = "SELECT 'same' AS mark, note FROM orders"
    with pytest.raises(ConfigError) as refused:
        system.read(text, partition=PartitionRequest("mark", 5))
    assert refused.value.message == (
        "q: more than 50 records lie in one range of mark (up to same), and without a key they can not be told apart"
    )
    binary = {"sqlite": "SELECT x'00' AS mark FROM orders", "postgresql": "SELECT 'x'::bytea AS mark FROM orders"}
    with pytest.raises(ConfigError, match="of type binary, by which records can not be parted"):
        system.read(binary[system.kind], partition=PartitionRequest("mark", 5))


def test_deeply_nested_and_long_texts_end_in_a_sentence(system: QuerySystem) -> None:
    for text in ("SELECT " + "(" * 10_000 + "1" + ")" * 10_000 + " AS a", "SELECT '" + "x" * 60_000 + "' AS a"):
        with pytest.raises(ConfigError) as refused:
            system.read(text)
        assert refused.value.code in ("query_refused", "query_failed")
