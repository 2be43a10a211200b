"""What is done for a whole column at once gives what one value at a time would."""

import datetime as dt
from decimal import Decimal
from typing import Any, get_args

import pytest

from connectors.field_types import TYPES, FieldType
from connectors.records import Field, StreamSchema
from syncjobs.mapping import Mapper, compile_mapping, parse_mapping
from syncjobs.mapping.repeats import few_texts
from syncjobs.mapping.text_decoding import decode_texts

TODAY = dt.date(2026, 11, 23)
AWKWARD = (
    *("", " ", "0", "-0", "+7", " 42 ", "1_000", "30.0", "1e3", "-1E-3", "٣", "1.50", ".5", "5.", "--1", "1-2", "."),
    *("2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "9" * 1001),
    *("NaN", "Infinity", "-inf", "1e999", "1e-999", "1e1001", "0.1" + "0" * 999, "true", "No", "x", "\x00", "\ud800"),
    *("2026-11-23", " 2026-11-23", "20261123", "2026-W48-1", "2026-02-30", "2026-11-23T02:30:00", "2026-11-23 02:30"),
    *("2026-11-23T02:30:00Z", "2026-11-23T02:30:00+00:00", "2026-11-23T02:30:00.5-06:00", "0001-01-01T00:00:00+14:00"),
)


def one_by_one(field_type: FieldType, text: str) -> Any:
    try:
        return TYPES[field_type].decode(text)
    except (ValueError, ArithmeticError):
        return ValueError


@pytest.mark.parametrize("field_type", get_args(FieldType))
def test_texts_decoded_together_are_what_each_is_alone(field_type: FieldType) -> None:
    for text in AWKWARD:
        together = decode_texts(field_type, [text, text])
        alone = one_by_one(field_type, text)
        if together is not None:
            assert [repr(value) for value in together] == [repr(alone)] * 2, text


@pytest.mark.parametrize(
    ("field_type", "texts"),
    [
        ("decimal", ["1.50", "-2"]),
        ("integer", ["1", "-2"]),
        ("float", ["1.5", "2"]),
        ("date", ["2026-11-23", "2026-11-24"]),
        ("datetime", ["2026-11-23T02:30:00+00:00", "2026-11-23T02:30:00-06:00"]),
    ],
)
def test_usual_texts_are_decoded_together(field_type: FieldType, texts: list[str]) -> None:
    assert decode_texts(field_type, texts) == [TYPES[field_type].decode(text) for text in texts]


def mapper_of(rule: dict[str, Any]) -> Mapper:
    rules = parse_mapping([{"to": "value", "from": "value"} | rule])
    return compile_mapping(rules, StreamSchema((Field("value", "text"),)), None, TODAY)


def test_only_columns_of_texts_that_repeat_are_taken_for_such() -> None:
    assert set(few_texts(["a", None, "a", None]) or ()) == {"a", None}
    assert few_texts(["a", "b", "c"]) is None
    assert few_texts([1, 1, True, True]) is None
    assert few_texts([Decimal("1.0"), Decimal("1.00")] * 4) is None
    assert few_texts([["a"], ["a"]]) is None
    assert few_texts([str(number) for number in range(2_000)] + ["a"] * 1_000) is None


def test_each_record_with_a_repeated_bad_text_is_rejected() -> None:
    mapped = mapper_of({"type": "integer"}).map_rows(("value",), [("7",), ("x",), ("7",), ("x",), ("x",)])
    assert mapped.rows == [(7,), (7,)]
    assert [(one.index, one.reason) for one in mapped.rejects] == [
        (index, "value 'x' is not a number") for index in (1, 3, 4)
    ]


def test_each_repeated_value_outside_its_bounds_is_counted() -> None:
    rule = {"type": "integer", "transforms": [{"op": "bounds", "min": 0, "max": 9, "outside": "null"}]}
    mapped = mapper_of(rule).map_rows(("value",), [("7",), ("10",), (None,), ("10",), ("7",), ("10",)])
    assert mapped.rows == [(7,), (None,), (None,), (None,), (7,), (None,)]
    assert mapped.nulled == {"value": 3}


def test_a_repeated_missing_value_is_rejected_where_one_is_required() -> None:
    mapped = mapper_of({"required": True, "type": "integer"}).map_rows(("value",), [("7",), (None,), ("7",), (None,)])
    assert mapped.kept == [0, 2]
    assert [one.code for one in mapped.rejects] == ["required"] * 2


def test_templates_of_repeated_texts_are_filled_for_each_record() -> None:
    schema = StreamSchema((Field("a", "text"), Field("b", "text")))
    mapper = compile_mapping(parse_mapping([{"to": "c", "template": "{a}-{b}"}]), schema, None, TODAY)
    rows = [("x", "y"), ("x", None), ("x", "y"), ("y", "x"), ("x", None), ("x", "y"), ("y", "x"), ("x", "y")]
    alone = [mapper.map_rows(("a", "b"), [row]).rows[0] for row in rows]
    assert mapper.map_rows(("a", "b"), rows).rows == alone
    assert alone[0] == ("x-y",)


@pytest.mark.parametrize(
    ("text", "is_inside"),
    [
        ("41.6", True),
        ("41.59999999999999999999", False),
        ("42.10000000000000000001", False),
        ("42.1", True),
        ("41.7", True),
    ],
)
def test_bounds_of_texts_are_exact_beside_their_limits(text: str, is_inside: bool) -> None:
    rule = {"transforms": [{"op": "bounds", "min": 41.6, "max": 42.1, "outside": "null"}]}
    assert mapper_of(rule).map_rows(("value",), [(text,)]).rows == [(text if is_inside else None,)]
