"""Records as hooks see them: attribute and item access, changes that stay inside the stream's fields."""

from __future__ import annotations

import copy
import pickle

import pytest

from connectors.records import MutableRecord, Record


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
