"""Rows that are spelled here as lines of COPY arrive as what they were; unusual ones are left to the driver."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from connectors.columns import ColumnRows, UnmadeColumn
from connectors.postgres_lines import lines_of

UTC_MOMENT = dt.datetime(2026, 11, 23, 2, 30, 0, 1, tzinfo=dt.UTC)
COLUMNS: dict[str, list[Any]] = {
    "text": ["a", "", "\\", "\\.", "\\N", "tab\tline\nreturn\r", "ünï😀", "\x7f\x0b", None, " b ", '"'],
    "numeric": [Decimal("1.50"), Decimal("-0.00"), Decimal("1E+30"), Decimal("9" * 1000), None] + [Decimal(7)] * 6,
    "bigint": [2**63 - 1, -(2**63), 0, None, *range(7)],
    "float8": [0.1, -0.0, 1e300, 5e-324, None, 1.0, 2.5, 3e22, 1e16, 123456789.123456789, -1.5],
    "boolean": [True, False, None] + [True] * 8,
    "date": [dt.date(1, 1, 1), dt.date(9999, 12, 31), None] + [dt.date(2026, 11, 23)] * 8,
    "timestamptz": [UTC_MOMENT, dt.datetime.max.replace(tzinfo=dt.UTC), None] + [UTC_MOMENT] * 8,
    "uuid": [uuid.UUID(int=number) for number in range(10)] + [None],
    "integer": [None] * 11,
}


def test_lines_arrive_as_the_rows_that_they_were(postgres_url: str) -> None:
    rows = list(zip(*COLUMNS.values(), strict=True)) * 500  # several blocks
    lines = lines_of(rows, len(COLUMNS))
    assert lines is not None
    assert len(lines) > 1
    with psycopg.connect(postgres_url) as connection:
        declared = ", ".join(f"c{place} {kind}" for place, kind in enumerate(COLUMNS))
        connection.execute(f"CREATE TEMP TABLE spelled (seq serial, {declared})".encode())
        names = ", ".join(f"c{place}" for place in range(len(COLUMNS)))
        with connection.cursor().copy(f"COPY spelled ({names}) FROM STDIN".encode()) as copy:
            for block in lines:
                copy.write(block)
        found = connection.execute(f"SELECT {names} FROM spelled ORDER BY seq".encode()).fetchall()  # noqa: S608
    assert found == rows
    assert repr(found[0][1]) == "Decimal('1.50')"


@pytest.mark.parametrize(
    "column",
    [["nul\x00"], ["half \ud800"], [1, "1"], [True, 1], [b"bytes"], [{"a": 1}], [dt.datetime(2026, 1, 1)]],  # noqa: DTZ001
)
def test_what_is_unusual_is_left_to_the_driver(column: list[Any]) -> None:
    assert lines_of([(value, "a") for value in column], 2) is None


def test_decimals_that_were_not_made_arrive_as_if_they_had_been(postgres_url: str) -> None:
    texts = ["1.50", "-0", "+7", ".5", "5.", "007", "-0.000", None, "9" * 1000, "123456789012345678901234567890.1"]
    lines = lines_of(ColumnRows([UnmadeColumn(texts, Decimal)], len(texts)), 1)
    assert lines is not None
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TEMP TABLE unmade (seq serial, number numeric)")
        with connection.cursor().copy("COPY unmade (number) FROM STDIN") as copy:
            for block in lines:
                copy.write(block)
        found = connection.execute("SELECT number FROM unmade ORDER BY seq").fetchall()
    made = [None if text is None else Decimal(text) for text in texts]
    assert [number for (number,) in found] == made
    shown = [number.as_tuple().exponent for (number,) in found if number is not None]
    assert shown == [number.as_tuple().exponent for number in made if number is not None]
