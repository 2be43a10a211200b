"""What every kind with transactions must do alike to write single documents: hold one record, delete by key.

Part of the writing conformance; see connectors.testing_writing.
"""
# ruff: noqa: S101

from __future__ import annotations

import threading
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connectors.base import Comparison, Connector, RecordChange, TargetCheckpoint, WriteRequest
from connectors.errors import ConfigError, DataError, InternalError
from connectors.records import Field, ReadRequest
from connectors.testing import Connect
from connectors.testing_samples import CITIES, CITY_FIELDS, TYPED_FIELDS, TYPED_ROWS, Row
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


class DocumentConformance(TransactionConformance):
    """Locking one record, and mode delete."""

    @pytest.fixture
    def deletion(self, request_for_cities: WriteRequest) -> WriteRequest:
        """Delete cities by their code."""
        return replace(request_for_cities, mode="delete", create=False)

    def codes_of(self, connector: Connector) -> set[str]:
        """The codes of the cities that are there."""
        return {row[0] for row in self.read_all(connector, ReadRequest("cities", columns=("code",)))}

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

    def test_locking_gives_the_record_as_get_does(self, connect: Connect) -> None:
        connector = connect()
        self.fill(connector, "typed", TYPED_FIELDS, ("id",), TYPED_ROWS)
        writer = connector.writer(WriteRequest("typed", TYPED_FIELDS[:2], ("id",), "upsert", create=False))
        writer.prepare()
        writer.begin("job", 1)
        for number in (1, 2, 3, 4):
            found, expected = writer.lock({"id": number}), connector.get("typed", {"id": number})
            assert found is not None
            assert expected is not None
            assert dict(found) == dict(expected)
        assert writer.lock({"id": 5}) is None
        writer.rollback()
        connector.close()

    def test_locked_record_waits_for_whoever_holds_it_and_is_read_anew(
        self, cities: Connector, connect: Connect, request_for_cities: WriteRequest
    ) -> None:
        first, other = cities.writer(request_for_cities), connect()
        first.prepare()
        first.begin("first", 1)
        assert first.lock({"code": "C001"}) is not None
        seen: list[Any] = []

        def take() -> None:
            second = other.writer(request_for_cities)
            second.begin("second", 1)
            record = second.lock({"code": "C001"})
            seen.append(record and record.name)
            second.rollback()

        thread = threading.Thread(target=take)
        thread.start()
        thread.join(0.3)
        assert seen == []
        first.stage([("C001", "Renamed", *CITIES[1][2:])])
        first.compare()
        first.write()
        first.commit(TargetCheckpoint(1, None, {}))
        thread.join(15)
        assert seen == ["Renamed"]
        other.close()

    def test_dry_run_looks_at_the_record_without_holding_it(
        self, cities: Connector, connect: Connect, request_for_cities: WriteRequest
    ) -> None:
        writer = cities.writer(replace(request_for_cities, dry_run=True))
        writer.prepare()
        writer.begin("dry", 1)
        record = writer.lock({"code": "C004"})
        assert record is not None
        assert Decimal(str(record.area)) == 1
        other = connect()
        assert self.sync(other, request_for_cities, [("C004", *NO_VALUES)])[0].updated == 1
        other.close()
        writer.rollback()

    def test_locking_a_key_that_two_records_have_is_refused(self, connect: Connect) -> None:
        connector = connect()
        fields = (Field("id", "integer"), Field("note", "text"))
        self.sync(connector, WriteRequest("log", fields, (), "append"), [(1, "a"), (1, "b"), (2, "c")])
        writer = connector.writer(WriteRequest("log", fields, ("id",), "upsert", create=False))
        writer.prepare()
        writer.begin("job", 1)
        with pytest.raises(DataError, match="id=1") as raised:
            writer.lock({"id": 1})
        assert raised.value.code == "key_not_unique"
        writer.rollback()
        connector.close()

    def test_record_that_was_looked_at_is_written_by_the_fields_that_differ(
        self, cities: Connector, request_for_cities: WriteRequest, deletion: WriteRequest
    ) -> None:
        by_key = replace(request_for_cities, fields=CITY_FIELDS[:1])
        writer = cities.writer(by_key)
        writer.prepare()
        narrowed = [replace(by_key, fields=(CITY_FIELDS[0], field)) for field in CITY_FIELDS[1:3]] + [deletion]
        rows: list[Row] = [("C003", "Renamed"), ("C003", 7), ("C003", *NO_VALUES)]
        shown = []
        for batch_no, (request, row) in enumerate(zip(narrowed, rows, strict=True), 1):
            writer.begin("job", 1)
            assert writer.lock({"code": "C003"}) is not None
            writer.narrow(request)
            writer.stage([row])
            writer.compare()
            shown += list(writer.changes())
            writer.write()
            writer.commit(TargetCheckpoint(batch_no, None, {}))
        assert [change.fields for change in shown[:2]] == [{"name": ["City 3", "Renamed"]}, {"people": [3000, 7]}]
        assert shown[2].operation == "delete"
        assert shown[2].fields["area"] == ["0.75", None]
        assert self.codes_of(cities) == {row[0] for row in CITIES} - {"C003"}

    def test_batch_that_is_staged_cannot_be_narrowed(
        self, cities: Connector, request_for_cities: WriteRequest, deletion: WriteRequest
    ) -> None:
        writer = cities.writer(request_for_cities)
        writer.prepare()
        writer.begin("job", 1)
        writer.stage(CITIES[:1])
        with pytest.raises(InternalError):
            writer.narrow(deletion)
        writer.rollback()
        writer.begin("job", 1)
        with pytest.raises(InternalError):
            writer.narrow(replace(deletion, stream="towns"))
        with pytest.raises(DataError, match="mayor"):
            writer.narrow(replace(request_for_cities, fields=(CITY_FIELDS[0], Field("mayor", "text"))))
        writer.rollback()

    def test_checkpoint_can_be_moved_without_writing_anything(
        self, cities: Connector, request_for_cities: WriteRequest
    ) -> None:
        writer = cities.writer(request_for_cities)
        writer.prepare()
        writer.begin("job", 1)
        writer.commit(TargetCheckpoint(4, None, {}))
        assert writer.begin("job", 1) == TargetCheckpoint(4, None, {})
        writer.rollback()
