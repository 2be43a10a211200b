"""Values of every type: what every kind with transactions must do with them alike; part of connectors.testing."""
# ruff: noqa: S101

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from connectors.base import Comparison, WriteRequest
from connectors.records import Field, ReadRequest
from connectors.testing_reading import Connect
from connectors.testing_samples import (
    EACH_BYTE_IN_BASE64,
    TYPED_FIELDS,
    TYPED_ROWS,
)
from connectors.testing_transactions import TransactionConformance


class TypeConformance(TransactionConformance):
    """Every type comes back, is compared and is shown exactly."""

    def test_every_type_comes_back_exactly(self, connect: Connect) -> None:
        connector = connect()
        self.fill(connector, "typed", TYPED_FIELDS, ("id",), TYPED_ROWS)
        schema = connector.schema("typed")
        assert [(field.name, field.type) for field in schema.fields] == [(one.name, one.type) for one in TYPED_FIELDS]
        rows = self.read_all(connector, ReadRequest("typed", batch_size=2))
        assert rows == TYPED_ROWS
        connector.close()

    def test_writing_what_was_read_changes_nothing(self, connect: Connect) -> None:
        connector = connect()
        self.fill(connector, "typed", TYPED_FIELDS, ("id",), TYPED_ROWS)
        request = WriteRequest("typed", TYPED_FIELDS, ("id",), "upsert")
        found, changes = self.sync(connector, request, self.read_all(connector, ReadRequest("typed")))
        assert found == Comparison(0, 0, len(TYPED_ROWS), 0, 0)
        assert changes == []
        connector.close()

    def test_change_of_every_type_shows_old_and_new_in_json_forms(self, connect: Connect) -> None:
        connector = connect()
        self.fill(connector, "typed", TYPED_FIELDS, ("id",), TYPED_ROWS)
        changed = (1, *TYPED_ROWS[1][1:])
        request = WriteRequest("typed", TYPED_FIELDS, ("id",), "upsert")
        found, changes = self.sync(connector, request, [changed])
        assert found == Comparison(0, 1, 0, 0, 0)
        (change,) = changes
        assert (change.operation, change.key) == ("update", {"id": 1})
        assert change.fields == {
            "a_text": ["Zürich 🛬 \u202eright to left", ""],
            "an_integer": [2147483647, 0],
            "a_bigint": ["9007199254740993", "-9223372036854775808"],
            "a_decimal": ["12345678901234567890.123456789012345678901234567890", "0.00"],
            "a_float": [0.1, -1e300],
            "a_boolean": [True, False],
            "a_date": ["2024-02-29", "0001-01-01"],
            "a_datetime": ["2026-07-01T10:30:15.123456Z", "0001-01-01T00:00:00Z"],
            "a_json": [{"b": [1, 2.5, None, True], "a": "ü"}, []],
            "a_binary": [EACH_BYTE_IN_BASE64, ""],
            "a_uuid": ["12345678-1234-5678-1234-567812345678", None],
        }
        connector.close()

    def test_equal_values_that_are_spelled_differently_are_unchanged(self, connect: Connect) -> None:
        connector = connect()
        fields = (Field("id", "integer"), Field("price", "decimal"), Field("at", "datetime"), Field("data", "json"))
        self.fill(connector, "prices", fields, ("id",), [(1, Decimal("1.50"), TYPED_ROWS[0][8], {"a": 1, "b": 2})])
        request = WriteRequest("prices", fields, ("id",), "upsert")
        same_moment = TYPED_ROWS[0][8].astimezone(dt.UTC)
        found, _ = self.sync(connector, request, [(1, Decimal("1.5"), same_moment, {"b": 2, "a": 1})])
        assert found.unchanged == 1
        found, _ = self.sync(connector, request, [(1, Decimal("1.5"), same_moment, {"b": 2, "a": True})])
        assert found.updated == 1
        connector.close()

    def test_null_and_empty_text_differ_both_ways(self, connect: Connect) -> None:
        connector = connect()
        fields = (Field("id", "integer"), Field("note", "text"))
        self.fill(connector, "notes", fields, ("id",), [(1, None), (2, "")])
        request = WriteRequest("notes", fields, ("id",), "upsert")
        found, changes = self.sync(connector, request, [(1, ""), (2, None)])
        assert found.updated == 2
        assert [change.fields for change in changes] == [{"note": [None, ""]}, {"note": ["", None]}]
        connector.close()
