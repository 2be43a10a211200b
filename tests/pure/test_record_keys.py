"""What a typed key may mean: values as text and as numbers, JSON for keys of several fields, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from syncjobs.record_keys import MOST_READINGS, UnreadableKey, readings_of

NAMES = [("id",), ("order", "line")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("KJFK", [{"id": "KJFK"}]),
        (" 7 ", [{"id": "7"}, {"id": 7}]),
        ("007", [{"id": "007"}]),
        ("7.50", [{"id": "7.50"}]),
        ("1e400", [{"id": "1e400"}]),
        ("true", [{"id": "true"}]),
        ("<script>{{7*7}}", [{"id": "<script>{{7*7}}"}]),
        ('{"id": 7}', [{"id": 7}, {"id": "7"}]),
        ('{"a": true, "b": null}', [{"a": True, "b": None}]),
        ('{"order": "A", "line": "2"}', [{"order": "A", "line": "2"}, {"order": "A", "line": 2}]),
    ],
)
def test_a_typed_key_is_read_in_every_way_it_may_be_meant(text: str, expected: list[dict[str, Any]]) -> None:
    assert readings_of(text, NAMES) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Type a key."),
        ("{", "begins like JSON"),
        ("{}", "is an object with its fields"),
        ("x" * 2_001, "longer than 2,000"),
        ("{" * 1_999, "begins like JSON"),
        ('{"a": NaN}', "as a database can hold them"),
        ('{"a": 1e400}', "as a database can hold them"),
        (r'{"a": "\u0000"}', "as a database can hold them"),
        (r'{"\ud800": 1}', "as a database can hold them"),
        ('{"a": [1]}', "texts, numbers, true, false or null"),
    ],
)
def test_what_can_be_no_key_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(UnreadableKey, match=message):
        readings_of(text, NAMES)


def test_a_plain_value_for_a_key_of_several_fields_is_told_its_form() -> None:
    with pytest.raises(UnreadableKey, match=re.escape('give it as JSON: {"order": "…", "line": "…"}')):
        readings_of("7", [("order", "line")])
    assert readings_of("7", []) == [], "nothing is known of any key yet"


def test_a_very_large_number_is_a_key_like_any_other() -> None:
    assert readings_of(f'{{"id": {10**400}}}', []) == [{"id": 10**400}, {"id": str(10**400)}]


def test_the_ways_to_read_a_key_are_bounded() -> None:
    text = "{" + ", ".join(f'"f{number}": {number}' for number in range(20)) + "}"
    assert len(readings_of(text, [])) == MOST_READINGS
