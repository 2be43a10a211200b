"""What every kind that mirrors and replaces must do alike, as a pytest class to add to a writing conformance class.

Needs pytest; see connectors.testing.
"""
# ruff: noqa: S101

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.asides import AsideWriter, Scope, Swap
from connectors.base import Connector, TargetCheckpoint, WriteRequest
from connectors.errors import ConfigError, SyncError
from connectors.records import Field, Filter, ReadRequest
from connectors.testing_reading import Connect
from connectors.testing_samples import CITIES, CITY_FIELDS, HOSTILE_NAMES, Row
from connectors.testing_transactions import TransactionConformance

UPSERT = WriteRequest("cities", CITY_FIELDS, ("code",), "upsert")
TOKEN = "0b1c2d3e-0000-4000-8000-00000000000f"  # noqa: S105 - names a job
NAME = f"_syncdeck_seen_{TOKEN.replace('-', '')}"


class AsideConformance(TransactionConformance):
    """Keys seen, records missing, loads and swaps."""

    def aside_writer(self, connector: Connector, request: WriteRequest) -> AsideWriter:
        """A prepared writer."""
        writer = connector.writer(request)
        assert isinstance(writer, AsideWriter)
        writer.prepare()
        return writer

    def load_batch(self, writer: AsideWriter, rows: list[Row], number: int = 1, *, remember: bool = False) -> None:
        """One whole batch."""
        writer.begin(TOKEN, 1)
        writer.stage(rows)
        writer.compare()
        if remember:
            writer.remember_keys()
        writer.write()
        writer.commit(TargetCheckpoint(number, None, {}))

    def all_missing(self, writer: AsideWriter, filters: list[Filter], size: int) -> list[Any]:
        """The missing keys, page by page."""
        found: list[Any] = []
        keys, position = writer.missing_keys(filters, None, size)
        while keys:
            assert len(keys) <= size
            found += keys
            keys, position = writer.missing_keys(filters, position, size)
        return found

    @pytest.mark.parametrize("is_dry", [False, True], ids=["for real", "dry run"])
    def test_records_whose_keys_were_not_seen_are_missing(self, cities: Connector, is_dry: bool) -> None:
        writer = self.aside_writer(cities, replace(UPSERT, dry_run=is_dry))
        writer.open_aside("seen", TOKEN, anew=True)
        self.load_batch(writer, CITIES[:20], remember=True)
        self.load_batch(writer, [*CITIES[15:40], CITIES[15]], 2, remember=True)
        assert writer.scope() == Scope(50, 10)
        assert self.all_missing(writer, [], 3) == [(row[0],) for row in CITIES[40:]]
        few = [Filter("people", "lt", 43_000), Filter("name", "is_null", False)]
        inside = [row for row in CITIES if row[2] < 43_000 and row[1]]
        assert writer.scope(few) == Scope(len(inside), 3)
        assert self.all_missing(writer, few, 2) == [("C040",), ("C041",), ("C042",)]
        assert [aside.name for aside in writer.asides()] == ([] if is_dry else [NAME])
        assert cities.count("cities") == 50

    def test_keys_of_a_batch_that_was_rolled_back_were_not_seen(self, cities: Connector, connect: Connect) -> None:
        writer = self.aside_writer(cities, UPSERT)
        writer.open_aside("seen", TOKEN, anew=True)
        self.load_batch(writer, CITIES[:10], remember=True)
        writer.begin(TOKEN, 1)
        writer.stage(CITIES[10:])
        writer.remember_keys()
        writer.rollback()
        other = connect()
        resumed = self.aside_writer(other, UPSERT)
        resumed.open_aside("seen", TOKEN, anew=False)
        assert resumed.scope() == Scope(50, 40)
        resumed.open_aside("seen", TOKEN, anew=True)
        assert resumed.scope() == Scope(50, 50)
        other.close()

    def test_aside_that_is_gone_is_told_and_one_is_known_until_it_is_dropped(self, cities: Connector) -> None:
        writer = self.aside_writer(cities, UPSERT)
        for kind in ("seen", "load"):
            with pytest.raises(ConfigError, match="is gone") as raised:
                writer.open_aside("seen" if kind == "seen" else "load", TOKEN, anew=False)
            assert raised.value.code == "aside_gone"
        writer.open_aside("seen", TOKEN, anew=True)
        (aside,) = writer.asides()
        assert (aside.name, aside.token, aside.has_checkpoint) == (NAME, TOKEN.replace("-", ""), False)
        self.load_batch(writer, CITIES[:1], remember=True)
        assert [one.has_checkpoint for one in writer.asides()] == [True]
        assert [info.name for info in cities.streams()] == ["cities"]
        writer.drop_aside(aside.name)
        assert writer.asides() == []

    @pytest.mark.parametrize("is_dry", [False, True], ids=["for real", "dry run"])
    def test_missing_records_are_deleted_by_the_same_writer(self, cities: Connector, is_dry: bool) -> None:
        writer = self.aside_writer(cities, replace(UPSERT, dry_run=is_dry))
        writer.open_aside("seen", TOKEN, anew=True)
        self.load_batch(writer, CITIES[2:], remember=True)
        keys, _ = writer.missing_keys()
        writer.switch(WriteRequest("cities", CITY_FIELDS, ("code",), "delete", dry_run=is_dry))
        writer.begin(TOKEN, 1)
        writer.stage([(key, None, None, None, None, None) for (key,) in keys])
        assert writer.compare().deleted == 2
        changes = list(writer.changes())
        assert [(change.operation, change.key) for change in changes] == [
            ("delete", {"code": "C000"}),
            ("delete", {"code": "C001"}),
        ]
        assert changes[1].fields["area"] == ["0.25", None]
        writer.write()
        writer.commit(TargetCheckpoint(2, None, {}))
        assert cities.count("cities") == (50 if is_dry else 48)

    def test_composite_keys_are_seen_and_missed_in_their_order(self, connect: Connect) -> None:
        connector = connect()
        fields = (Field("crash", "text"), Field("person", "integer"), Field("age", "integer"))
        rows: list[Row] = [(crash, person, 30) for crash in ("a", "b", "ü") for person in (1, 2, 10)]
        request = WriteRequest("people", fields, ("crash", "person"), "upsert")
        self.fill(connector, "people", fields, request.key, rows)
        writer = self.aside_writer(connector, request)
        writer.open_aside("seen", TOKEN, anew=True)
        self.load_batch(writer, [rows[0], rows[4]], remember=True)
        left = [row[:2] for row in rows if row not in (rows[0], rows[4])]
        assert self.all_missing(writer, [], 2) == left
        connector.close()

    def test_swap_puts_loaded_records_in_the_place_of_all_others(self, cities: Connector) -> None:
        writer = self.aside_writer(cities, UPSERT)
        writer.open_aside("load", TOKEN, anew=True)
        changed = ("C001", "Renamed", *CITIES[1][2:])
        new: Row = ("N001", "New", 1, None, None, None)
        self.load_batch(writer, [CITIES[0], CITIES[1]])
        self.load_batch(writer, [changed, new], 2)
        assert sorted(self.read_all(cities, ReadRequest("cities"))) == sorted(CITIES), "nothing is written yet"
        assert writer.scope() == Scope(50, 48)
        assert writer.differing() == 2
        writer.begin(TOKEN, 1)
        assert writer.swap() == Swap(3, 50)
        other = cities.count("cities")
        writer.commit(TargetCheckpoint(3, None, {}))
        assert other == 50, "others see the old records until the commit"
        assert sorted(self.read_all(cities, ReadRequest("cities"))) == [CITIES[0], changed, new]
        assert writer.asides() == []

    def test_swap_that_is_rolled_back_changes_nothing_and_can_be_repeated(self, cities: Connector) -> None:
        writer = self.aside_writer(cities, UPSERT)
        writer.open_aside("load", TOKEN, anew=True)
        self.load_batch(writer, CITIES[:5])
        writer.begin(TOKEN, 1)
        writer.swap()
        writer.rollback()
        assert cities.count("cities") == 50
        writer.begin(TOKEN, 1)
        assert writer.swap() == Swap(5, 50)
        writer.commit(TargetCheckpoint(2, None, {}))
        assert cities.count("cities") == 5

    def test_target_is_replaced_without_a_key_and_only_in_the_mapped_fields(self, cities: Connector) -> None:
        request = WriteRequest("cities", CITY_FIELDS[:3], (), "append")
        writer = self.aside_writer(cities, request)
        writer.open_aside("load", TOKEN, anew=True)
        self.load_batch(writer, [CITIES[0][:3], ("N1", "New", 5)])
        assert (writer.scope(), writer.differing()) == (Scope(50, 49), 1)
        writer.begin(TOKEN, 1)
        assert writer.swap() == Swap(2, 50)
        writer.commit(TargetCheckpoint(2, None, {}))
        rows = sorted(self.read_all(cities, ReadRequest("cities")))
        assert rows == [(*CITIES[0][:3], None, None, None), ("N1", "New", 5, None, None, None)]

    def test_loaded_record_that_the_target_could_not_take_is_named_with_its_batch(self, connect: Connect) -> None:
        connector = connect()
        fields = (Field("icao", "text"), Field("name", "text", nullable=False))
        request = WriteRequest("airports", fields, ("icao",), "upsert")
        self.fill(connector, "airports", fields, ("icao",), [("KLAX", "Los Angeles")])
        writer = self.aside_writer(connector, request)
        writer.open_aside("load", TOKEN, anew=True)
        with pytest.raises(SyncError, match=r"record icao=KJFK has no name") as raised:
            self.load_batch(writer, [("KORD", "O'Hare"), ("KJFK", None)])
        writer.rollback()
        assert raised.value.code == "not_null"
        assert connector.count("airports") == 1
        connector.close()

    def test_asides_take_hostile_names(self, connect: Connect) -> None:
        connector = connect()
        fields = tuple(Field(name, "text") for name in HOSTILE_NAMES)
        row = tuple(f"value of {name}" for name in HOSTILE_NAMES)
        stream, key = HOSTILE_NAMES[0], tuple(HOSTILE_NAMES[:2])
        self.fill(connector, stream, fields, key, [row, ("other", *row[1:])])
        writer = self.aside_writer(connector, WriteRequest(stream, fields, key, "upsert"))
        writer.open_aside("seen", TOKEN, anew=True)
        self.load_batch(writer, [row], remember=True)
        assert self.all_missing(writer, [Filter(key[1], "eq", row[1])], 5) == [("other", row[1])]
        writer.open_aside("load", TOKEN, anew=True)
        self.load_batch(writer, [row], 2)
        writer.begin(TOKEN, 1)
        assert writer.swap() == Swap(1, 2)
        writer.commit(TargetCheckpoint(3, None, {}))
        connector.close()
