"""What every kind of connector with transactions must do alike in writing, as a pytest class to subclass.

Needs pytest and hypothesis; see connectors.testing.
"""
# ruff: noqa: S101

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.base import Comparison, Connector, RecordChange, WriteRequest
from connectors.errors import ConfigError, DataError
from connectors.records import Field, Filter, ReadRequest
from connectors.testing import Connect
from connectors.testing_documents import DocumentConformance
from connectors.testing_samples import (
    CITIES,
    CITY_FIELDS,
    EACH_BYTE_IN_BASE64,
    HOSTILE_NAMES,
    HOSTILE_VALUES,
    TYPED_FIELDS,
    TYPED_ROWS,
    Row,
)

# Each example connects by itself, and subclasses share the method.
SUPPRESSED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.differing_executors]


class WriterConformance(DocumentConformance):
    """What every kind with transactions must do in writing."""

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

    def test_two_hundred_columns_are_compared_one_by_one(self, connect: Connect) -> None:
        connector = connect()
        fields = (Field("id", "integer"), *(Field(f"column {number}", "text") for number in range(200)))
        self.fill(connector, "wide", fields, ("id",), [(1, *map(str, range(200))), (2, *[None] * 200)])
        changed = [(1, *(str(number + (number % 50 == 49)) for number in range(200))), (2, *[None] * 200)]
        found, changes = self.sync(connector, WriteRequest("wide", fields, ("id",), "upsert"), changed)
        assert found == Comparison(0, 1, 1, 0, 0)
        assert changes[0].fields == {
            f"column {number}": [str(number), str(number + 1)] for number in (49, 99, 149, 199)
        }
        connector.close()

    def test_names_may_hold_quotes_spaces_reserved_words_and_unicode(self, connect: Connect) -> None:
        connector = connect()
        fields = tuple(Field(name, "text") for name in HOSTILE_NAMES)
        row = tuple(f"value of {name}" for name in HOSTILE_NAMES)
        for stream in HOSTILE_NAMES:
            self.fill(connector, stream, fields, (HOSTILE_NAMES[0],), [row])
            assert self.read_all(connector, ReadRequest(stream, key=(HOSTILE_NAMES[1],))) == [row]
            filters = tuple(Filter(name, "eq", f"value of {name}") for name in HOSTILE_NAMES)
            assert connector.count(stream, filters) == 1
            changed = (row[0], *["changed"] * (len(row) - 1))
            request = WriteRequest(stream, fields, (HOSTILE_NAMES[0],), "upsert")
            assert len(self.sync(connector, request, [changed])[1][0].fields) == len(row) - 1
        assert sorted(info.name for info in connector.streams()) == sorted(HOSTILE_NAMES)
        connector.close()

    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=SUPPRESSED,
    )
    @given(
        name=st.text("ab\"'`;%$?:\\-[]{}() ü🛬", min_size=1, max_size=12),
        value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
        | st.sampled_from(HOSTILE_VALUES),
    )
    def test_no_name_or_value_is_ever_taken_for_a_statement(self, connect: Connect, name: str, value: str) -> None:
        connector = connect()
        canary = WriteRequest("canary", (Field("id", "integer"),), ("id",), "upsert")
        self.sync(connector, canary, [(1,)])
        fields = (Field("id", "text"), Field(f"f {name}", "text"))
        self.sync(connector, WriteRequest(f"t {name}", fields, ("id",), "upsert"), [(value, value)])
        rows = self.read_all(connector, ReadRequest(f"t {name}", filters=(Filter(f"f {name}", "eq", value),)))
        assert (value, value) in rows
        assert self.read_all(connector, ReadRequest("canary")) == [(1,)]
        connector.close()
