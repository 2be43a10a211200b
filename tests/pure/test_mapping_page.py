"""What docs/mapping.md says is so: its mapping is one, and each of its transforms makes of the value what it shows."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

import pytest

from connectors.records import Field, StreamSchema, encode_value
from syncjobs.mapping import compile_mapping, parse_mapping
from syncjobs.mapping.columns import RowReject
from syncjobs.mapping.transform_table import OPERATIONS
from tests.isolation import CHECKOUT

PAGE = (CHECKOUT / "docs" / "mapping.md").read_text(encoding="utf-8")
ROWS: list[tuple[str, str, str]] = re.findall(r"^\| `(\{.*?\})` \| `(.*?)` \| (.*?) \|$", PAGE, re.MULTILINE)


def test_its_mapping_can_be_used() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert [rule.to for rule in parse_mapping(json.loads(example))] == ["icao", "lat", "label", "source", "size"]


def test_every_transform_is_shown() -> None:
    assert {json.loads(transform)["op"] for transform, _, _ in ROWS} == OPERATIONS.keys()


@pytest.mark.parametrize(("transform", "value", "result"), ROWS)
def test_a_transform_makes_what_the_page_shows(transform: str, value: str, result: str) -> None:
    rules = parse_mapping([{"to": "b", "from": "a", "transforms": [json.loads(transform)]}])
    mapper = compile_mapping(rules, StreamSchema((Field("a", "text"),)), None, date(2026, 11, 23))
    mapped = mapper.map_rows(("a",), [(json.loads(value),)])
    shown: list[Any] = [encode_value(mapper.fields[0].type, row[0]) for row in mapped.rows]
    rejects: list[RowReject] = mapped.rejects
    found = f"`{json.dumps(shown[0], ensure_ascii=False)}`" if shown else f"rejected: {rejects[0].code}"
    assert found == result
