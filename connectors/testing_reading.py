"""What every kind of connector must do alike in reading; part of the contract in connectors.testing. Needs pytest."""
# ruff: noqa: S101

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import chain
from typing import Any, ClassVar

import pytest

from connectors.base import Connector
from connectors.errors import ConfigError, DataError
from connectors.records import Field, FieldType, Filter, ReadRequest, decode_value
from connectors.testing_samples import CITIES, CITY_FIELDS, Row, cities_matching

Connect = Callable[[], Connector]


class ReadingConformance:
    """Streams, schema, pages and filters."""

    types: ClassVar[dict[FieldType, FieldType]] = {}  # what becomes of a type that the system does not have
    tells_keys: ClassVar[bool] = True  # whether the system knows which fields are a stream's key

    @pytest.fixture
    def connect(self) -> Connect:
        """Makes a new connector to one system that is empty at first."""
        raise NotImplementedError

    def fill(
        self, connector: Connector, stream: str, fields: Sequence[Field], key: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        """Put a stream with these records into the system."""
        raise NotImplementedError

    @pytest.fixture
    def cities(self, connect: Connect) -> Iterator[Connector]:
        """A connector to a system with 50 cities."""
        connector = connect()
        self.fill(connector, "cities", CITY_FIELDS, ("code",), CITIES)
        yield connector
        connector.close()

    def read_all(self, connector: Connector, request: ReadRequest) -> list[Row]:
        """All rows of a request, decoded by the schema."""
        schema = connector.schema(request.stream)
        found = []
        for batch in connector.read(request):
            fields = [schema.get(name) for name in batch.names]
            types = [field.type for field in fields if field]
            assert len(types) == len(batch.names)
            found += [tuple(map(decode_value, types, row)) for row in batch.rows]
        return found

    def as_read(self, value: Any, field: Field) -> Any:
        """A value of a city as this kind reads it."""
        if isinstance(value, dt.date) and self.types.get(field.type) == "datetime":
            return dt.datetime.combine(value, dt.time(), dt.UTC)
        return value

    def expected_cities(self) -> list[Row]:
        return [tuple(map(self.as_read, row, CITY_FIELDS)) for row in CITIES]

    def test_streams_lists_the_filled_stream_only(self, cities: Connector) -> None:
        assert [info.name for info in cities.streams()] == ["cities"]

    def test_schema_tells_names_types_and_key(self, cities: Connector) -> None:
        schema = cities.schema("cities")
        expected = {field.name: self.types.get(field.type, field.type) for field in CITY_FIELDS}
        assert {field.name: field.type for field in schema.fields} == expected
        assert schema.key == (("code",) if self.tells_keys else ())
        assert "updated_at" in schema.cursor_candidates

    def test_unknown_stream_is_refused_and_the_known_ones_are_named(self, cities: Connector) -> None:
        with pytest.raises(ConfigError, match="cities") as raised:
            cities.schema("towns")
        assert raised.value.code == "stream_not_found"

    def test_reading_gives_every_record_with_its_values(self, cities: Connector) -> None:
        assert sorted(self.read_all(cities, ReadRequest("cities"))) == sorted(self.expected_cities())

    def test_columns_can_be_chosen_without_the_key(self, cities: Connector) -> None:
        rows = self.read_all(cities, ReadRequest("cities", columns=("people", "area"), key=("code",), batch_size=7))
        assert sorted(rows) == sorted((row[2], row[3]) for row in CITIES)

    def test_unknown_column_is_named(self, cities: Connector) -> None:
        with pytest.raises(DataError, match="mayor") as raised:
            list(cities.read(ReadRequest("cities", columns=("code", "mayor"))))
        assert raised.value.code == "column_mismatch"

    @pytest.mark.parametrize("key", [("code",), ("name", "code"), ("name",), ()], ids=str)
    def test_reading_resumes_after_any_batch_without_losing_or_repeating(
        self, cities: Connector, connect: Connect, key: tuple[str, ...]
    ) -> None:
        request = ReadRequest("cities", key=key, batch_size=7)
        batches = list(cities.read(request))
        codes = [[row[batch.names.index("code")] for row in batch.rows] for batch in batches]
        assert sorted(chain.from_iterable(codes)) == [row[0] for row in CITIES]
        for number, batch in enumerate(batches, 1):
            assert batch.position is not None
            other = connect()
            rest = [
                row[0] for row in self.read_all(other, replace(request, position=batch.position, columns=("code",)))
            ]
            other.close()
            assert rest == list(chain.from_iterable(codes[number:]))

    def test_position_is_plain_json_and_bytes_are_counted(self, cities: Connector) -> None:
        first = next(iter(cities.read(ReadRequest("cities", key=("code",), batch_size=10))))
        assert isinstance(first.position, str | int | float | list | dict)
        assert 10 * 20 < first.byte_count < 10 * 1000

    def test_empty_stream_yields_nothing(self, connect: Connect) -> None:
        connector = connect()
        self.fill(connector, "cities", CITY_FIELDS, ("code",), [])
        assert list(connector.read(ReadRequest("cities"))) == []
        assert connector.count("cities") == 0
        connector.close()

    @pytest.mark.parametrize(
        ("item", "expected"),
        [
            (Filter("code", "eq", "C007"), cities_matching(lambda row: row[0] == "C007")),
            (Filter("name", "ne", "City 1"), cities_matching(lambda row: row[1] not in (None, "City 1"))),
            (Filter("people", "lt", 9000), cities_matching(lambda row: row[2] < 9000)),
            (Filter("area", "le", "2.5"), cities_matching(lambda row: row[3] <= Decimal("2.5"))),
            (Filter("area", "gt", Decimal("9.75")), cities_matching(lambda row: row[3] > Decimal("9.75"))),
            (Filter("area", "in", ["0.250", 3]), {"C001", "C012"}),
            (Filter("founded", "ge", "1900-02-01"), cities_matching(lambda row: row[4] >= dt.date(1900, 2, 1))),
            (Filter("updated_at", "lt", "2026-01-01T13:00:05+01:00"), {"C000", "C001", "C002", "C003", "C004"}),
            (Filter("updated_at", "eq", "2026-01-01T12:00:05Z"), {"C005"}),
            (Filter("code", "in", ["C001", "C002", "nowhere"]), {"C001", "C002"}),
            (Filter("code", "in", []), set()),
            (
                Filter("name", "not_in", ["City 0", "City 1"]),
                cities_matching(lambda r: r[1] in ("City 2", "City 3", "City 4")),
            ),
            (Filter("code", "like", "C_1%"), cities_matching(lambda row: row[0][2] == "1")),
            (Filter("code", "like", "c_1%"), set()),
            (Filter("name", "is_null", True), cities_matching(lambda row: row[1] is None)),
            (Filter("name", "is_null", False), cities_matching(lambda row: row[1] is not None)),
        ],
        ids=lambda value: f"{value.field} {value.operator} {value.value}" if isinstance(value, Filter) else "",
    )
    def test_filter_chooses_records(self, cities: Connector, item: Filter, expected: set[str]) -> None:
        rows = self.read_all(cities, ReadRequest("cities", filters=(item,), batch_size=4))
        assert sorted(row[0] for row in rows) == sorted(expected)
        assert cities.count("cities", (item,)) == len(expected)

    def test_all_filters_must_hold(self, cities: Connector) -> None:
        filters = (Filter("people", "ge", 10_000), Filter("name", "eq", "City 3"), Filter("people", "lt", 20_000))
        rows = self.read_all(cities, ReadRequest("cities", filters=filters))
        assert {row[0] for row in rows} == {"C013", "C018"}

    @pytest.mark.parametrize(
        "item", [Filter("people", "gt", "many"), Filter("code", "eq", None), Filter("code", "in", "C001")], ids=str
    )
    def test_filter_that_makes_no_sense_is_refused_by_name(self, cities: Connector, item: Filter) -> None:
        with pytest.raises(ConfigError, match=item.field) as raised:
            cities.count("cities", (item,))
        assert raised.value.code == "bad_filter"

    def test_get_finds_one_record_by_key_and_count_counts(self, cities: Connector) -> None:
        record = cities.get("cities", {"code": "C012"})
        assert record is not None
        assert record.code == "C012"
        assert decode_value("decimal", record["area"]) == 3
        assert cities.get("cities", {"code": "C999"}) is None
        assert cities.count("cities") == 50

    def test_connection_test_passes_step_by_step(self, cities: Connector) -> None:
        steps = list(cities.check())
        assert steps
        assert all(step.ok for step in steps), [step for step in steps if not step.ok]

    def test_spec_and_address_are_there_and_closing_twice_is_fine(self, cities: Connector) -> None:
        assert cities.spec()["config"]["type"] == "object"
        assert cities.address()
        cities.close()
        cities.close()
