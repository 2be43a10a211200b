"""What every kind that reads by a cursor must do alike, as a pytest class to subclass; see connectors.testing.

Needs pytest.
"""
# ruff: noqa: S101

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import chain
from typing import Any

import pytest

from connectors.base import Connector
from connectors.cursors import CURSOR_TYPES
from connectors.errors import ConfigError, DataError
from connectors.records import CursorRequest, Field, FieldType, Filter, ReadRequest, decode_value
from connectors.testing_samples import Row

READING_FIELDS = (
    Field("code", "text", nullable=False),
    Field("seen", "datetime"),
    Field("day", "date"),
    Field("number", "bigint"),
    Field("amount", "decimal"),
    Field("mark", "text"),
    Field("on_duty", "boolean"),
)
FIRST = dt.datetime(2020, 2, 28, 12, tzinfo=dt.UTC)


def reading(number: int) -> Row:
    """The cursors of twenty follow one another are alike; the codes' order is another than theirs."""
    step = number // 20
    return (
        f"R{(number * 37) % 100:03}",
        FIRST + dt.timedelta(hours=step, microseconds=500_000 * (step % 2)),
        FIRST.date() + dt.timedelta(days=step),
        step * 5 + 7,
        Decimal(step * 5 + 7) / 2,
        f"v{step}",
        None,
    )


READINGS: list[Row] = [*map(reading, range(100)), ("NONE1", *[None] * 6), ("NONE2", *[None] * 6)]


class CursorConformance:
    """Reading by a cursor: its order, where it begins, and that equal values lose and repeat nothing."""

    @pytest.fixture
    def readings(self) -> Iterator[Connector]:
        """A connector to a system whose stream `readings` has READINGS (in fields and types that it knows)."""
        raise NotImplementedError

    def by_cursor(self, connector: Connector, field: str, **options: Any) -> ReadRequest:
        return ReadRequest("readings", key=connector.schema("readings").key, cursor=CursorRequest(field, **options))

    def cursors(self, connector: Connector) -> list[tuple[str, FieldType]]:
        """The fields by which the stream can be read."""
        fields = connector.schema("readings").fields
        found = [(field.name, field.type) for field in fields if field.type in CURSOR_TYPES and field.name != "code"]
        assert len(found) >= 3
        return found

    def expected(self, field: str) -> list[str]:
        place = [one.name for one in READING_FIELDS].index(field)
        return sorted(row[0] for row in READINGS if row[place] is not None)

    def test_kind_says_that_it_reads_by_a_cursor(self, readings: Connector) -> None:
        assert readings.capabilities.reads_by_cursor

    @pytest.mark.parametrize("batch_size", [7, 20, 1000])
    def test_cursor_gives_every_record_with_a_value_once_in_its_order(
        self, readings: Connector, batch_size: int
    ) -> None:
        for field, field_type in self.cursors(readings):
            request = replace(self.by_cursor(readings, field), batch_size=batch_size)
            batches = list(readings.read(request))
            place = batches[0].names.index(field)
            values = [decode_value(field_type, row[place]) for batch in batches for row in batch.rows]
            assert values == sorted(values), field
            codes = [row[batch.names.index("code")] for batch in batches for row in batch.rows]
            assert sorted(codes) == self.expected(field), field
            assert [decode_value(field_type, batch.highest) for batch in batches] == [
                decode_value(field_type, batch.rows[-1][place]) for batch in batches
            ]

    def test_reading_goes_on_between_equal_values_without_losing_or_repeating(self, readings: Connector) -> None:
        for field, _ in self.cursors(readings):
            request = replace(self.by_cursor(readings, field), columns=("code",), batch_size=7)
            batches = list(readings.read(request))
            codes = [[row[0] for row in batch.rows] for batch in batches]
            assert len(batches) == 15, "batches end between equal values"
            for number, batch in enumerate(batches, 1):
                rest = list(chain.from_iterable(codes[number:]))
                again = readings.read(replace(request, position=batch.position))
                assert [row[0] for other in again for row in other.rows] == rest, field

    def test_start_is_read_too_unless_it_is_not_wanted(self, readings: Connector) -> None:
        for field, field_type in self.cursors(readings):
            place = [one.name for one in READING_FIELDS].index(field)
            start = decode_value(field_type, READINGS[45][place])
            for is_inclusive in (True, False):
                request = replace(self.by_cursor(readings, field, start=start, is_inclusive=is_inclusive), batch_size=7)
                found = [row[batch.names.index("code")] for batch in readings.read(request) for row in batch.rows]
                first = 40 if is_inclusive else 60
                assert sorted(found) == sorted(row[0] for row in READINGS[first:100]), (field, is_inclusive)

    def test_start_of_a_batch_is_its_own_highest_value(self, readings: Connector) -> None:
        for field, _ in self.cursors(readings):
            last = list(readings.read(self.by_cursor(readings, field)))[-1]
            again = list(readings.read(self.by_cursor(readings, field, start=last.highest)))
            assert sorted(row[0] for batch in again for row in batch.rows) == sorted(row[0] for row in READINGS[80:100])
            assert list(readings.read(self.by_cursor(readings, field, start=last.highest, is_inclusive=False))) == []

    def test_filters_hold_beside_the_cursor(self, readings: Connector) -> None:
        chosen = Filter("code", "in", ["R000", "R037", "R011", "NONE1"])
        request = replace(self.by_cursor(readings, "mark"), filters=(chosen,), batch_size=2)
        found = [row[batch.names.index("code")] for batch in readings.read(request) for row in batch.rows]
        assert sorted(found) == ["R000", "R011", "R037"]

    def test_field_that_cannot_be_a_cursor_is_refused_by_name(self, readings: Connector) -> None:
        with pytest.raises(ConfigError, match="on_duty") as raised:
            list(readings.read(self.by_cursor(readings, "on_duty")))
        assert raised.value.code == "bad_cursor"
        with pytest.raises(DataError, match="mayor") as missing:
            list(readings.read(self.by_cursor(readings, "mayor")))
        assert missing.value.code == "column_mismatch"

    def test_position_of_another_order_is_refused(self, readings: Connector) -> None:
        by_key = replace(self.by_cursor(readings, "mark"), cursor=None, batch_size=7)
        position = next(iter(readings.read(by_key))).position
        with pytest.raises(ConfigError) as raised:
            list(readings.read(replace(self.by_cursor(readings, "mark"), position=position)))
        assert raised.value.code == "bad_position"
