"""Inserts, updates and appends: what every kind with transactions must do alike; part of connectors.testing."""
# ruff: noqa: S101

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from connectors.base import Comparison, Connector, RecordChange, WriteRequest
from connectors.records import Field, Filter, ReadRequest
from connectors.testing_reading import Connect
from connectors.testing_samples import (
    CITIES,
)
from connectors.testing_transactions import TransactionConformance


class WritingConformance(TransactionConformance):
    """Batches of records that are new, changed and unchanged."""

    def test_second_upsert_is_unchanged_and_the_third_shows_what_differs(
        self, cities: Connector, request_for_cities: WriteRequest
    ) -> None:
        assert self.sync(cities, request_for_cities, CITIES)[0] == Comparison(0, 0, 50, 0, 0)
        renamed = [(code, "Renamed" if code == "C003" else name, *rest) for code, name, *rest in CITIES]
        new = ("C999", "New", 1, None, None, None)
        found, changes = self.sync(cities, request_for_cities, [*renamed, new])
        assert found == Comparison(1, 1, 49, 0, 0)
        assert changes == [
            RecordChange("update", {"code": "C003"}, {"name": ["City 3", "Renamed"]}),
            RecordChange("insert", {"code": "C999"}, {}),
        ]
        assert sorted(self.read_all(cities, ReadRequest("cities")), key=lambda row: str(row[0])) == [*renamed, new]

    def test_inserted_values_are_shown_when_asked_for(
        self, cities: Connector, request_for_cities: WriteRequest
    ) -> None:
        request = replace(request_for_cities, keep_insert_values=True)
        _, changes = self.sync(cities, request, [("C999", "New", 1, Decimal("0.10"), None, None)])
        fields: dict[str, list[Any]] = {
            "code": [None, "C999"],
            "name": [None, "New"],
            "people": [None, 1],
            "area": [None, "0.10"],
        }
        assert changes == [RecordChange("insert", {"code": "C999"}, fields)]

    def test_last_of_equal_keys_in_a_batch_counts(self, cities: Connector, request_for_cities: WriteRequest) -> None:
        rest = (5, None, None, None)
        rows = [
            ("C001", "first", *rest),
            ("N1", "a", *rest),
            ("N1", "b", *rest),
            ("C001", "last", *rest),
            ("N1", "c", *rest),
        ]
        found, changes = self.sync(cities, request_for_cities, rows)
        assert found == Comparison(1, 1, 0, 0, 3)
        assert [change.key["code"] for change in changes] == ["C001", "N1"]
        assert {
            row[1] for row in self.read_all(cities, ReadRequest("cities", filters=(Filter("people", "eq", 5),)))
        } == {"last", "c"}

    def test_switched_off_operations_are_skipped_not_shown_and_not_written(
        self, cities: Connector, request_for_cities: WriteRequest
    ) -> None:
        rows = [("C001", "Renamed", 1, None, None, None), ("N1", "new", 1, None, None, None), CITIES[2]]
        found, changes = self.sync(cities, replace(request_for_cities, insert_enabled=False), rows)
        assert (found, [change.operation for change in changes]) == (Comparison(0, 1, 1, 1, 0), ["update"])
        assert cities.get("cities", {"code": "N1"}) is None
        rows[0] = ("C001", "Renamed again", 1, None, None, None)
        found, changes = self.sync(cities, replace(request_for_cities, update_enabled=False), rows)
        assert (found, [change.operation for change in changes]) == (Comparison(1, 0, 1, 1, 0), ["insert"])
        record = cities.get("cities", {"code": "C001"})
        assert record is not None
        assert record.name == "Renamed"

    def test_composite_keys_compare_by_all_their_fields(self, connect: Connect) -> None:
        connector = connect()
        fields = (Field("crash", "text"), Field("person", "integer"), Field("age", "integer"))
        self.fill(connector, "people", fields, ("crash", "person"), [("a", 1, 10), ("a", 2, 20), ("b", 1, 30)])
        request = WriteRequest("people", fields, ("crash", "person"), "upsert")
        found, changes = self.sync(connector, request, [("a", 2, 21), ("b", 1, 30), ("b", 2, 40)])
        assert found == Comparison(1, 1, 1, 0, 0)
        assert changes[0] == RecordChange("update", {"crash": "a", "person": 2}, {"age": [20, 21]})
        assert connector.schema("people").key == ("crash", "person")
        connector.close()

    def test_records_of_nothing_but_a_key_can_be_written(self, connect: Connect) -> None:
        connector = connect()
        request = WriteRequest("tags", (Field("tag", "text"),), ("tag",), "upsert")
        assert self.sync(connector, request, [("a",), ("b",)])[0].inserted == 2
        assert self.sync(connector, request, [("b",), ("c",)])[0] == Comparison(1, 0, 1, 0, 0)
        connector.close()

    def test_append_inserts_everything_with_and_without_a_key(self, connect: Connect) -> None:
        connector = connect()
        fields = (Field("id", "integer"), Field("note", "text"))
        without = WriteRequest("log", fields, (), "append")
        for _ in range(2):
            found, changes = self.sync(connector, without, [(1, "a"), (1, "a")])
            assert found == Comparison(2, 0, 0, 0, 0)
            assert changes == [RecordChange("insert", {}, {})] * 2
        found, changes = self.sync(connector, replace(without, key=("id",), keep_insert_values=True), [(2, "b")])
        assert changes == [RecordChange("insert", {"id": 2}, {"id": [None, 2], "note": [None, "b"]})]
        assert connector.count("log") == 5
        rows = self.read_all(connector, ReadRequest("log", batch_size=2))
        assert sorted(rows) == [(1, "a")] * 4 + [(2, "b")]
        connector.close()
