"""Names and values of ill will: what every kind with transactions must take as they are; part of connectors.testing.

Needs hypothesis.
"""
# ruff: noqa: S101

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.base import Comparison, WriteRequest
from connectors.records import Field, Filter, ReadRequest
from connectors.testing_reading import Connect
from connectors.testing_samples import (
    HOSTILE_NAMES,
    HOSTILE_VALUES,
)
from connectors.testing_transactions import TransactionConformance

# Each example connects by itself, and subclasses share the method.
SUPPRESSED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.differing_executors]


class NameConformance(TransactionConformance):
    """Many, hostile and random names and values."""

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
