"""Records as hooks see them: attribute and item access, changes that stay inside the stream's fields."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal

import pytest

from connectors.records import MutableRecord, Record, decode_value


def test_fields_read_and_write_as_attributes_and_as_items() -> None:
    record = MutableRecord({"code": "C1", "name": None})
    record.name = "Ann"
    record["code"] = "C2"
    assert (record.code, record["name"]) == ("C2", "Ann")
    assert dict(record) == {"code": "C2", "name": "Ann"}


def test_field_that_the_stream_does_not_have_is_refused_with_those_it_has() -> None:
    record = MutableRecord({"code": "C1", "name": None})
    with pytest.raises(AttributeError, match=r"no field 'nmae' \(it has: code, name\)"):
        record.nmae = "Ann"
    with pytest.raises(KeyError, match="no field 'nmae'"):
        record["nmae"] = "Ann"
    with pytest.raises(AttributeError, match=r"no field 'nmae' \(it has: code, name\)"):
        _ = record.nmae
    assert dict(record) == {"code": "C1", "name": None}


def test_field_named_like_a_method_is_set_as_an_item() -> None:
    record = MutableRecord({"items": 1})
    with pytest.raises(AttributeError, match=r"record\['items'\]"):
        record.items = 2  # type: ignore[assignment,method-assign]
    record["items"] = 2
    assert record["items"] == 2


def test_records_as_they_were_read_cannot_be_changed() -> None:
    record = Record({"name": "Ann"})
    with pytest.raises(AttributeError):
        record.name = "Bob"  # type: ignore[attr-defined]
    assert record.name == "Ann"


@pytest.mark.parametrize("kind", [Record, MutableRecord])
def test_copies_are_equal_and_of_the_same_kind(kind: type[Record]) -> None:
    record = kind({"tags": ["a"]})
    for twin in (copy.copy(record), copy.deepcopy(record), pickle.loads(pickle.dumps(record))):  # noqa: S301 - our own
        assert (type(twin), twin) == (kind, record)
    assert copy.deepcopy(record).tags is not record.tags


@pytest.mark.parametrize(
    "text",
    ["0.1", "-1.5e-7", "1e22", "0.10000000000000001", "41.878113600000006", "5e-324", "1E+2", "0.30000000000000004"],
)
def test_json_keeps_numbers_for_which_a_float_stands(text: str) -> None:
    assert decode_value("json", f"[{text}]") == [float(text)]


@pytest.mark.parametrize(
    "text",
    [
        "9007199254740993.5",
        "0.12345678901234567891",
        "1e400",
        "1e-400",
        "123456789012345678901234567890.1",
        "1e999999999999",
    ],
)
def test_json_refuses_numbers_that_would_be_rounded(text: str) -> None:
    with pytest.raises(ValueError, match="would be rounded"):
        decode_value("json", f"[{text}]")
    assert decode_value("json", f'["{text}"]') == [text]


@pytest.mark.parametrize("value", [{"n": Decimal("1.5")}, [float("nan")], {"b": b""}, "NaN", "[Infinity]"])
def test_json_refuses_what_it_does_not_have(value: object) -> None:
    with pytest.raises(ValueError, match=r"JSON|json"):
        decode_value("json", value)
