"""Batches that cannot be written: what every kind with transactions must say of them; part of connectors.testing."""
# ruff: noqa: S101

from __future__ import annotations

import pytest

from connectors.base import Connector, WriteRequest
from connectors.errors import ConfigError, DataError
from connectors.records import Field
from connectors.testing_reading import Connect
from connectors.testing_samples import (
    CITY_FIELDS,
    Row,
)
from connectors.testing_transactions import TransactionConformance


class RefusalConformance(TransactionConformance):
    """What is refused, by which code, naming what, and leaving nothing."""

    def test_empty_key_is_refused_by_name_before_anything_is_written(
        self, cities: Connector, request_for_cities: WriteRequest
    ) -> None:
        error = self.failing_sync(cities, request_for_cities, [("N1", *[None] * 5), (None, *[None] * 5)])
        assert isinstance(error, DataError)
        assert error.code == "empty_key"
        assert "cities" in error.message
        assert "code" in error.message
        assert cities.count("cities") == 50

    @pytest.mark.parametrize(
        ("key", "text"),
        [(("mayor",), "mayor"), ((), "needs a key"), (("code",), "twice")],
        ids=["unmapped", "none", "twice"],
    )
    def test_key_or_mapping_that_makes_no_sense_is_refused(
        self, cities: Connector, key: tuple[str, ...], text: str
    ) -> None:
        fields = (*CITY_FIELDS, CITY_FIELDS[1]) if text == "twice" else CITY_FIELDS
        error = self.failing_sync(cities, WriteRequest("cities", fields, key, "upsert"), [])
        assert isinstance(error, ConfigError)
        assert error.code == "bad_key"
        assert text in error.message

    def test_missing_target_columns_are_named(self, cities: Connector) -> None:
        fields = (*CITY_FIELDS, Field("mayor", "text"))
        error = self.failing_sync(cities, WriteRequest("cities", fields, ("code",), "upsert"), [])
        assert isinstance(error, DataError)
        assert error.code == "column_mismatch"
        assert "mayor" in error.message

    def test_missing_target_that_may_not_be_created_is_refused(self, connect: Connect) -> None:
        connector = connect()
        error = self.failing_sync(connector, WriteRequest("towns", CITY_FIELDS, ("code",), "upsert", create=False), [])
        assert isinstance(error, ConfigError)
        assert error.code == "stream_not_found"
        connector.close()

    def test_record_without_a_required_value_is_named_and_the_batch_undone(self, connect: Connect) -> None:
        connector = connect()
        fields = (Field("icao", "text"), Field("name", "text", nullable=False))
        request = WriteRequest("airports", fields, ("icao",), "upsert")
        self.sync(connector, request, [("KLAX", "Los Angeles")])
        rows: list[Row] = [(f"K{number:03}", f"Airport {number}") for number in range(200)]
        rows[123] = ("KJFK", None)
        error = self.failing_sync(connector, request, rows)
        assert isinstance(error, DataError)
        assert (error.code, error.message) == (
            "not_null",
            "airports: record icao=KJFK has no name, which the target requires",
        )
        assert connector.count("airports") == 1
        connector.close()

    def test_repeated_key_in_append_is_named(self, cities: Connector) -> None:
        rows = [("N1", *[None] * 5), ("C007", *[None] * 5), ("N2", *[None] * 5)]
        error = self.failing_sync(cities, WriteRequest("cities", CITY_FIELDS, ("code",), "append"), rows)
        assert isinstance(error, DataError)
        assert error.code == "unique"
        assert "code=C007" in error.message
        assert cities.count("cities") == 50
