"""Names of records: the key as text and back, for every type of key and for keys of several fields."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import ConfigError, DataError
from connectors.records import Field, StreamSchema
from syncjobs.documents.record_names import key_fields, key_of_name, name_of_key

PERSON = (Field("crash", "text"), Field("person", "integer"))


@pytest.mark.parametrize(
    ("field_type", "value", "name"),
    [
        ("text", "C-7 / ü", "C-7 / ü"),
        ("text", '{"a": 1}', '{"a": 1}'),
        ("integer", 7, "7"),
        ("bigint", 2**60, "1152921504606846976"),
        ("decimal", Decimal("1.50"), "1.50"),
        ("float", 0.5, "0.5"),
        ("boolean", True, "true"),
        ("date", dt.date(2026, 11, 23), "2026-11-23"),
        ("datetime", dt.datetime(2026, 11, 23, 2, 30, tzinfo=dt.UTC), "2026-11-23T02:30:00Z"),
        ("binary", b"\x00\x01", "AAE="),
        ("uuid", uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    ],
    ids=str,
)
def test_key_of_one_field_is_named_by_its_value(field_type: Any, value: Any, name: str) -> None:
    fields = (Field("id", field_type),)
    assert name_of_key(fields, {"id": value, "other": 1}) == name
    assert key_of_name("erp/items", fields, name) == {"id": value}


def test_key_of_several_fields_is_named_by_compact_json_in_the_keys_order() -> None:
    assert name_of_key(PERSON, {"person": 7, "crash": "ü"}) == '{"crash":"ü","person":7}'
    assert key_of_name("erp/people", PERSON, '{"person": "7", "crash": "ü"}') == {"crash": "ü", "person": 7}


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20), st.integers(0, 2**31 - 1)
)
def test_every_key_is_found_again_by_its_name(crash: str, person: int) -> None:
    key = {"crash": crash, "person": person}
    assert key_of_name("erp/people", PERSON, name_of_key(PERSON, key)) == key


def test_record_whose_key_is_not_known_yet_has_no_name() -> None:
    assert name_of_key(PERSON, {"crash": "a", "person": None}) == ""
    assert name_of_key(PERSON, {}) == ""


@pytest.mark.parametrize(
    ("fields", "name", "reason"),
    [
        ((Field("id", "integer"),), "seven", "id is not a number"),
        (PERSON, "7", "the key is crash, person"),
        (PERSON, "C-7", "it is no JSON object"),
        (PERSON, '{"crash":"a"}', "the key is crash, person"),
        (PERSON, '{"crash":"a","person":1,"age":2}', "the key is crash, person"),
        (PERSON, '{"crash":"a","person":"x"}', "person is not a number"),
        (PERSON, '{"crash":null,"person":1}', "crash is empty"),
    ],
)
def test_name_that_fits_no_key_is_refused_with_the_reason_and_the_way_out(
    fields: tuple[Field, ...], name: str, reason: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        key_of_name("erp/people", fields, name)
    assert raised.value.code == "bad_document_name"
    assert raised.value.message == f"'{name}' cannot name a record of erp/people: {reason}"
    assert all(field.name in raised.value.hint for field in fields)


def test_stream_without_a_key_has_no_documents() -> None:
    with pytest.raises(ConfigError, match="erp/log has no key") as raised:
        key_fields("erp/log", StreamSchema(PERSON))
    assert raised.value.code == "no_key"
    assert key_fields("erp/people", StreamSchema(PERSON, key=("person", "crash"))) == (PERSON[1], PERSON[0])


def test_name_that_a_job_could_not_keep_is_refused_before_anything_is_written() -> None:
    with pytest.raises(DataError, match="256 characters") as raised:
        name_of_key((Field("id", "text"),), {"id": "x" * 256})
    assert raised.value.code == "name_too_long"
