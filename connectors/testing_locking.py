"""Holding and writing single records: what every kind with transactions must do alike; part of connectors.testing."""
# ruff: noqa: S101

from __future__ import annotations

import threading
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connectors.base import Connector, TargetCheckpoint, WriteRequest
from connectors.errors import DataError, InternalError
from connectors.records import Field
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


class LockingConformance(TransactionConformance):
    """Locking one record, and narrowing a writer to what differs."""

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
