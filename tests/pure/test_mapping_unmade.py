"""Decimals of plain texts are made when somebody looks at them, and are then what they always were."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connectors.columns import UnmadeColumn
from connectors.records import Field, StreamSchema
from syncjobs.mapping import MappedRows, Mapper, compile_mapping, parse_mapping

TODAY = date(2026, 11, 23)
SCHEMA = StreamSchema((Field("size", "text"),))
PLAIN = compile_mapping(parse_mapping([{"to": "size", "from": "size", "type": "decimal"}]), SCHEMA, None, TODAY)
STRIPPED = compile_mapping(
    parse_mapping([{"to": "size", "from": "size", "type": "decimal", "transforms": [{"op": "strip"}]}]),
    SCHEMA,
    None,
    TODAY,
)
MANY = [f"{number}.50" for number in range(20)] + [None]
FEW = ["1.50", "2", None] * 20


def map_texts(mapper: Mapper, texts: list[Any]) -> MappedRows:
    return mapper.map_rows(("size",), [(text,) for text in texts])


@pytest.mark.parametrize("mapper", [PLAIN, STRIPPED], ids=["plain", "stripped"])
@pytest.mark.parametrize("texts", [MANY, FEW], ids=["many", "few"])
def test_decimals_of_plain_texts_are_made_when_they_are_looked_at(mapper: Mapper, texts: list[Any]) -> None:
    (column,) = map_texts(mapper, texts).rows.columns
    assert isinstance(column, UnmadeColumn)
    made = [None if text is None else Decimal(text) for text in texts]
    assert (list(column), list(column[1:5]), column[-1], len(column)) == (made, made[1:5], made[-1], len(made))


def test_text_that_is_no_number_is_refused_and_the_others_are_kept() -> None:
    mapped = map_texts(PLAIN, [*MANY, "1-2", "", "1e5"])
    assert [reject.index for reject in mapped.rejects] == [21, 22]
    assert [row[0] for row in mapped.rows][-3:] == [Decimal("19.50"), None, Decimal("1e5")]
