"""Mode delete: what every kind with transactions must do alike; part of the contract in connectors.testing."""
# ruff: noqa: S101

from __future__ import annotations

from dataclasses import replace
from typing import Any

from connectors.base import Comparison, Connector, RecordChange, TargetCheckpoint, WriteRequest
from connectors.errors import ConfigError
from connectors.records import Field, ReadRequest
from connectors.testing_reading import Connect
from connectors.testing_samples import (
    CITIES,
    CITY_FIELDS,
    TYPED_FIELDS,
    TYPED_ROWS,
    Row,
)
from connectors.testing_transactions import TransactionConformance

NO_VALUES = [None] * (len(CITY_FIELDS) - 1)
SHOWN: dict[str, dict[str, list[Any]]] = {
    "C001": {
        "code": ["C001", None],
        "name": ["City 1", None],
        "people": [1000, None],
        "area": ["0.25", None],
        "founded": ["1900-01-02", None],
        "updated_at": ["2026-01-01T12:00:01Z", None],
    }
}


class DeletingConformance(TransactionConformance):
    """Deleting records by their key."""

    def test_named_records_are_deleted_and_shown_whole(self, cities: Connector, deletion: WriteRequest) -> None:
        rows: list[Row] = [("C007", *CITIES[9][1:]), ("C001", *NO_VALUES)]
        found, changes = self.sync(cities, deletion, rows)
        assert found == Comparison(0, 0, 0, 0, 0, deleted=2)
        assert changes[1] == RecordChange("delete", {"code": "C001"}, SHOWN["C001"])
        assert changes[0].key == {"code": "C007"}
        assert changes[0].fields["people"] == [7000, None]
        assert "name" not in changes[0].fields  # it was empty
        assert self.codes_of(cities) == {row[0] for row in CITIES} - {"C001", "C007"}

    def test_deleting_twice_or_what_is_not_there_is_skipped(self, cities: Connector, deletion: WriteRequest) -> None:
        rows: list[Row] = [("C001", *NO_VALUES), ("C001", *NO_VALUES), ("N1", *NO_VALUES)]
        found, changes = self.sync(cities, deletion, rows)
        assert found == Comparison(0, 0, 0, skipped=1, duplicates=1, deleted=1)
        assert [change.key["code"] for change in changes] == ["C001"]
        found, changes = self.sync(cities, deletion, rows, batch_no=2)
        assert found == Comparison(0, 0, 0, skipped=2, duplicates=1, deleted=0)
        assert changes == []

    def test_switched_off_delete_is_skipped_not_shown_and_not_done(
        self, cities: Connector, deletion: WriteRequest
    ) -> None:
        found, changes = self.sync(cities, replace(deletion, delete_enabled=False), [("C001", *NO_VALUES)])
        assert (found, changes) == (Comparison(0, 0, 0, skipped=1, duplicates=0, deleted=0), [])
        assert "C001" in self.codes_of(cities)

    def test_other_switches_say_nothing_about_deletes(self, cities: Connector, deletion: WriteRequest) -> None:
        request = replace(deletion, insert_enabled=False, update_enabled=False)
        assert self.sync(cities, request, [("C001", *NO_VALUES)])[0].deleted == 1
        assert "C001" not in self.codes_of(cities)

    def test_only_the_fields_of_the_request_are_shown(self, cities: Connector, deletion: WriteRequest) -> None:
        request = replace(deletion, fields=(CITY_FIELDS[1], CITY_FIELDS[0]))
        _, changes = self.sync(cities, request, [(None, "C001")])
        assert changes == [RecordChange("delete", {"code": "C001"}, {"name": ["City 1", None], "code": ["C001", None]})]

    def test_dry_run_shows_what_would_go_and_deletes_nothing(self, cities: Connector, deletion: WriteRequest) -> None:
        found, changes = self.sync(cities, replace(deletion, dry_run=True), [("C001", *NO_VALUES)])
        assert (found.deleted, changes[0].fields) == (1, SHOWN["C001"])
        assert len(self.codes_of(cities)) == 50

    def test_composite_keys_delete_by_all_their_fields(self, connect: Connect) -> None:
        connector = connect()
        fields = (Field("crash", "text"), Field("person", "integer"), Field("age", "integer"))
        self.fill(connector, "people", fields, ("crash", "person"), [("a", 1, 10), ("a", 2, 20), ("b", 1, 30)])
        request = WriteRequest("people", fields, ("person", "crash"), "delete", create=False)
        found, changes = self.sync(connector, request, [("a", 1, None), ("b", 2, None)])
        assert found == Comparison(0, 0, 0, skipped=1, duplicates=0, deleted=1)
        assert [change.key for change in changes] == [{"person": 1, "crash": "a"}]
        assert self.read_all(connector, ReadRequest("people")) == [("a", 2, 20), ("b", 1, 30)]
        connector.close()

    def test_records_of_every_type_can_be_deleted(self, connect: Connect) -> None:
        connector = connect()
        self.fill(connector, "typed", TYPED_FIELDS, ("id",), TYPED_ROWS)
        request = WriteRequest("typed", TYPED_FIELDS, ("id",), "delete", create=False)
        found, changes = self.sync(connector, request, [(row[0], *[None] * 11) for row in TYPED_ROWS])
        assert found.deleted == len(TYPED_ROWS)
        assert changes[0].fields["a_decimal"] == ["12345678901234567890.123456789012345678901234567890", None]
        assert changes[0].fields["a_json"] == [{"b": [1, 2.5, None, True], "a": "ü"}, None]
        assert changes[2].fields == {"id": [3, None]}
        assert connector.count("typed") == 0
        connector.close()

    def test_large_deletes_count_and_leave_the_rest(self, connect: Connect) -> None:
        connector = connect()
        fields = (Field("id", "integer"), Field("note", "text"))
        self.fill(connector, "notes", fields, ("id",), [(number, "x") for number in range(5_000)])
        request = WriteRequest("notes", fields, ("id",), "delete", create=False)
        found, changes = self.sync(connector, request, [(number, None) for number in range(0, 10_000, 2)])
        assert (found.deleted, found.skipped, len(changes)) == (2_500, 2_500, 2_500)
        rows = self.read_all(connector, ReadRequest("notes", columns=("id",), key=("id",)))
        assert [row[0] for row in rows] == list(range(1, 5_000, 2))
        connector.close()

    def test_deleted_batch_that_was_not_committed_is_back(self, cities: Connector, deletion: WriteRequest) -> None:
        writer = cities.writer(deletion)
        writer.prepare()
        writer.begin("job", 1)
        writer.stage([("C001", *NO_VALUES)])
        writer.compare()
        writer.write()
        writer.rollback()
        assert "C001" in self.codes_of(cities)
        assert writer.begin("job", 1) is None
        writer.stage([("C002", *NO_VALUES)])
        assert writer.compare().deleted == 1
        writer.write()
        writer.commit(TargetCheckpoint(1, None, {"deleted": 1}))
        assert self.codes_of(cities) == {row[0] for row in CITIES} - {"C002"}
        assert writer.begin("job", 1) == TargetCheckpoint(1, None, {"deleted": 1})
        writer.rollback()

    def test_deleting_needs_a_key_and_a_target(self, cities: Connector, deletion: WriteRequest) -> None:
        error = self.failing_sync(cities, replace(deletion, key=()), [])
        assert isinstance(error, ConfigError)
        assert error.code == "bad_key"
        error = self.failing_sync(cities, replace(deletion, stream="towns"), [])
        assert error.code == "stream_not_found"
