"""A configuration as texts of a form, and back: nothing of it is ever lost, however unusual it is."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncjobs.guard_schemas import GUARDS_SCHEMA
from syncjobs.mapping.transform_table import OPERATIONS
from syncjobs.mapping.transforms import TRANSFORM_SCHEMA
from syncjobs.operations import default_jobs
from syncjobs.portal.schema_forms.nodes import draw
from syncjobs.portal.schema_forms.notations import LITERAL, NAMES, PAIRS
from syncjobs.portal.schema_forms.texts import AS_JSON, BadJson, is_alike, read, write
from syncjobs.stream_schemas import STREAM_SYNC_SCHEMA

WHOLE: dict[str, Any] = {
    "source": "airports",
    "target": "airports",
    "key": ["icao", "a, b"],
    "mode": "upsert",
    "extent": "incremental",
    "batch_size": 50_000,
    "filters": [
        {"field": "country", "op": "in", "value": ["US", "CA", "007", "7", 7, True]},
        {"field": "country", "op": "in", "value": ["US"]},
        {"field": "name", "op": "like", "value": "12%"},
        {"field": "name", "op": "eq", "value": "12"},
        {"field": "name", "op": "is_null", "value": False},
        {"field": "size", "op": "ge", "value": 1.50},
    ],
    "cursor": {"field": "updated_at", "overlap_seconds": 300},
    "columns": None,
    "mapping": [
        {"to": "icao", "from": "icao", "required": True, "transforms": [{"op": "null_if", "values": ["", "N/A", "1"]}]},
        {"to": "lat", "from": "lat", "transforms": [{"op": "bounds", "min": -90, "max": "next_year"}, {"op": "strip"}]},
        {"to": "label", "template": "{name}\n({icao})"},
        {"to": "source", "value": "airportsdata", "required": False},
        {"to": "nothing", "value": None},
        {"to": "code", "value": "60601"},
        {"to": "size", "case": [{"when": {"field": "e", "op": "gt", "value": 5000}, "then": "high"}], "else": None},
        {"to": "land", "from": "c", "transforms": [{"op": "lookup", "table": {"US": "United States", "a = b": None}}]},
        {"to": "hidden", "from": "n", "transforms": [{"op": "mask", "with": " ", "keep_first": 0}]},
    ],
    "on_reject": {"policy": "quarantine", "max": 100, "max_share": 1.0},
    "schema_policy": {},
    "target_schema": "create",
}
UNUSUAL = [
    {"streams": [{"source": "a", "surprise": {"x": [1, None]}}]},
    {"streams": {"not": "a list"}},
    {"streams": [None, 7, "x", []]},
    {"streams": [{"source": 7, "key": "icao", "batch_size": "many", "mode": "sideways", "filters": [[]]}]},
    {"streams": [{"mapping": [{"to": "a", "from": "b", "value": 1}, {"transforms": [{"op": "nonsense", "x": 1}]}]}]},
    {"streams": [{"query": "SELECT 1\r\nFROM a", "source": " spaced ", "target": "two\nlines"}]},
    {"streams": [{"mapping": [{"to": "a", "from": "b", "transforms": [{"op": "truncate", "length": None}]}]}]},
    {"streams": [{"cursor": None, "window": None, "query": None, "mapping": None, "filters": []}]},
    {"masked_fields": ["a"], "streams": []},
    {"streams": [{"on_reject": {"policy": "stop"}, "max_rows": 1e21, "max_bytes": 1.0, "batch_size": True}]},
    {},
]


@pytest.mark.parametrize("config", [*UNUSUAL, {"streams": [WHOLE]}], ids=range(len(UNUSUAL) + 1))
def test_a_configuration_comes_back_from_its_form_as_it_was(config: dict[str, Any]) -> None:
    before = copy.deepcopy(config)
    found = read(STREAM_SYNC_SCHEMA, write(STREAM_SYNC_SCHEMA, config))
    assert is_alike({} if config == {} else found, before)


def test_every_default_job_comes_back_and_needs_no_json() -> None:
    for shape in default_jobs.JOB_TYPES:
        tree = write(STREAM_SYNC_SCHEMA, shape["config"])
        assert AS_JSON not in json.dumps(tree)
        assert is_alike(read(STREAM_SYNC_SCHEMA, tree), shape["config"])


def test_a_usual_configuration_is_all_fields() -> None:
    tree = write(STREAM_SYNC_SCHEMA, {"streams": [WHOLE]})["streams"][0]
    assert AS_JSON not in json.dumps(tree)
    assert tree["filters"][1]["value"] == "US"
    assert tree["filters"][2]["value"] == "12%"
    assert tree["filters"][3]["value"] == '"12"'
    assert tree["mapping"][0]["transforms"][0]["values"] == '""\nN/A\n"1"'


def test_only_the_unusual_part_becomes_json() -> None:
    stream = WHOLE | {"mapping": [{"to": "a", "from": "b", "value": 1}, {"to": "b", "from": "b"}]}
    tree = write(STREAM_SYNC_SCHEMA, {"streams": [stream]})["streams"][0]
    assert json.loads(tree["mapping"][0][AS_JSON]) == stream["mapping"][0]
    assert tree["mapping"][1]["from"] == "b"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES_OF_PARTS = st.sampled_from([*WHOLE, "query", "range", "window", "partition", "op", "value", "from", "x"])


@settings(deadline=None)
@given(st.dictionaries(NAMES_OF_PARTS, JSON, max_size=6), JSON)
def test_any_json_comes_back_from_a_streams_fields(stream: dict[str, Any], value: Any) -> None:
    mapping = [{"to": "a", "value": value, "transforms": [{"op": "lookup", "table": {"k": value}, "default": value}]}]
    config = {"streams": [{"mapping": mapping, **stream}, value], "masked_fields": value}
    assert is_alike(read(STREAM_SYNC_SCHEMA, write(STREAM_SYNC_SCHEMA, config)), config)


@settings(deadline=None)
@given(st.text(max_size=12))
def test_a_text_is_never_taken_for_something_else(text: str) -> None:
    assert LITERAL.read(LITERAL.write(text)) == text
    assert LITERAL.read(LITERAL.write([text, "a"])) == [text, "a"]
    assert NAMES.read(NAMES.write([text, "a"])) == [text, "a"]
    assert PAIRS.read(PAIRS.write({text: text, "a!": None})) == {text: text, "a!": None}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("5", 5), ("-1.5", -1.5), ("007", "007"), ('"5"', "5"), ("true", True), ("US\r\nCA", ["US", "CA"]), ("[1", "[1")],
)
def test_a_typed_value_is_what_it_looks_like(typed: str, meant: Any) -> None:
    assert LITERAL.read(typed) == meant


def test_a_number_that_is_none_stays_for_the_schema_to_refuse() -> None:
    assert read(GUARDS_SCHEMA, {"max_deletes": "many", "max_changes": "1,000"}) == {
        "max_deletes": "many",
        "max_changes": 1000,
    }


def test_an_emptied_field_is_left_out_and_explicit_defaults_stay() -> None:
    tree = write(STREAM_SYNC_SCHEMA, {"streams": [WHOLE]})
    tree["streams"][0]["batch_size"] = ""
    (stream,) = read(STREAM_SYNC_SCHEMA, tree)["streams"]
    assert "batch_size" not in stream
    assert (stream["columns"], stream["target_schema"], stream["schema_policy"]) == (None, "create", {})


def test_another_transform_takes_nothing_from_the_one_before() -> None:
    rule = {"to": "a", "from": "a", "transforms": [{"op": "bounds", "min": 1, "outside": "reject"}]}
    tree = write(STREAM_SYNC_SCHEMA, {"streams": [{"mapping": [rule]}]})
    tree["streams"][0]["mapping"][0]["transforms"][0]["op"] = "strip"
    (stream,) = read(STREAM_SYNC_SCHEMA, tree)["streams"]
    assert stream["mapping"][0]["transforms"] == [{"op": "strip"}]


def test_json_that_is_none_is_named_by_its_place() -> None:
    with pytest.raises(BadJson, match=r"streams\[0\]"):
        read(STREAM_SYNC_SCHEMA, {"streams": [{AS_JSON: "{"}]})


@pytest.mark.parametrize("op", OPERATIONS)
def test_every_transform_has_a_field_for_each_of_its_options(op: str) -> None:
    node = draw(TRANSFORM_SCHEMA, {"op": op}, "config.t")
    assert [*node.fields] == ["op", *OPERATIONS[op].options]
    assert {field.kind for field in node.fields.values()} <= {"choice", "check", "line", "block"}
    assert node.fields["op"].text == op
