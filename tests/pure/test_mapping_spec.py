"""Mappings as JSON: what is accepted, and how each mistake is named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from connectors.records import Filter
from syncjobs.mapping import MAPPING_SCHEMA, MappingProblems, mapping_schema, parse_mapping
from syncjobs.mapping.spec import Choice, Column, Constant
from syncjobs.mapping.templates import Template
from syncjobs.mapping.transform_table import OPERATIONS
from syncjobs.mapping.transforms import TransformRule
from tests.appendix import MAPPING


def problems_of(mapping: Any) -> list[str]:
    with pytest.raises(MappingProblems) as caught:
        parse_mapping(mapping)
    assert isinstance(caught.value, ValueError)
    assert caught.value.as_failure()["class"] == "config"
    return caught.value.problems


def test_the_mapping_of_the_appendix_is_read_as_rules() -> None:
    icao, lat, label, source, size = parse_mapping(MAPPING)
    assert (icao.to, icao.origin, icao.type, icao.required) == ("icao", Column("icao"), "text", True)
    assert icao.transforms == (TransformRule("strip"), TransformRule("null_if", {"values": ["", "N/A"]}))
    assert lat.transforms[0].options == {"min": -90, "max": 90, "outside": "null"}
    assert label.origin == Template((("", "name"), (" (", "icao"), (")", None)))
    assert label.source_columns == ("name", "icao")
    assert source.origin == Constant("airportsdata")
    assert size.origin == Choice(((Filter("elevation", "gt", 5000), "high"),), "low")
    assert size.source_columns == ("elevation",)


def test_the_schema_is_valid_and_takes_the_appendix_and_no_mapping() -> None:
    Draft202012Validator.check_schema(MAPPING_SCHEMA)
    assert Draft202012Validator(MAPPING_SCHEMA).is_valid(MAPPING)
    assert Draft202012Validator(MAPPING_SCHEMA).is_valid(None)


def settings_in(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every setting that a form would show, with its path."""
    if isinstance(schema, dict):
        for name, setting in schema.get("properties", {}).items():
            if "const" not in setting:
                yield f"{path}.{name}", setting
            yield from settings_in(setting, f"{path}.{name}")
        for branch in schema.get("allOf", ()):
            then = branch["then"]
            yield from settings_in(then, f"{path}<{then.get('title', '')}>") if "title" in then else ()
        yield from settings_in(schema.get("items"), f"{path}[]")


def test_the_schema_tells_a_form_what_every_setting_is_called_and_means() -> None:
    schema = mapping_schema()
    Draft202012Validator.check_schema(schema)
    found = dict(settings_in(schema))
    assert {"[].transforms[]<Bounds>.outside", "[].case[].when.op", "[].transforms[]<Mask>.keep_last"} <= found.keys()
    assert [path for path, setting in found.items() if not (setting.get("title") and setting.get("description"))] == []
    transforms = schema["items"]["properties"]["transforms"]["items"]["allOf"]
    assert all(branch["then"]["title"] and branch["then"]["description"] for branch in transforms)
    schema["items"]["properties"].clear()
    assert mapping_schema()["items"]["properties"], "a caller's changes stay its own"


def rule(**settings: Any) -> list[dict[str, Any]]:
    return [{"to": "a", "from": "b", **settings}]


def transform(**settings: Any) -> list[dict[str, Any]]:
    return rule(transforms=[settings])


def when(**settings: Any) -> list[dict[str, Any]]:
    return [{"to": "a", "case": [{"when": settings, "then": 1}]}]


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        ({}, "mapping: must be a list, not {}"),
        ([], "mapping: must not be empty"),
        (["x"], "mapping[0]: must be an object, not 'x'"),
        ([{"from": "b"}], "mapping[0]: 'to' is required"),
        ([{"to": " ", "from": "b"}], "mapping[0].to: must not be blank or hold a NUL character"),
        ([{"to": "a\x00", "from": "b"}], "mapping[0].to: must not be blank or hold a NUL character"),
        ([{"to": "a"}], "mapping[0]: needs exactly one of from, template, value or case; it has none"),
        (rule(value=1), "mapping[0]: needs exactly one of from, template, value or case; it has from and value"),
        (
            rule(form="b"),
            (
                "mapping[0]: unknown setting 'form'; known are to, from, template, value, case, else, type, required "
                "and transforms"
            ),
        ),
        ([*rule(), *rule()], "mapping[1].to: 'a' is already filled by mapping[0]"),
        (
            rule(type="varchar"),
            (
                "mapping[0].type: 'varchar' does not exist; choose text, integer, bigint, decimal, float, boolean, "
                "date, datetime, json, binary or uuid"
            ),
        ),
        (rule(required="yes"), "mapping[0].required: must be true or false, not 'yes'"),
        (rule(**{"else": 1}), "mapping[0].else: only goes with case"),
        (
            transform(op="encrypt"),
            (
                "mapping[0].transforms[0].op: 'encrypt' does not exist; choose strip, collapse_spaces, strip_nul, "
                "null_if, upper, lower, number, integer, decimal, boolean, date, datetime, truncate, bounds, finite, "
                "hash, mask, lookup or json_path"
            ),
        ),
        (transform(length=3), "mapping[0].transforms[0]: 'op' is required"),
        (transform(op="strip", x=1), "mapping[0].transforms[0]: unknown setting 'x'; known are op"),
        (transform(op="truncate"), "mapping[0].transforms[0]: 'length' is required"),
        (transform(op="truncate", length=0), "mapping[0].transforms[0].length: must be at least 1"),
        (transform(op="truncate", length="3"), "mapping[0].transforms[0].length: must be a whole number, not '3'"),
        (transform(op="null_if", values=[]), "mapping[0].transforms[0].values: must not be empty"),
        (transform(op="bounds"), "mapping[0].transforms[0].min: one of min and max is needed"),
        (transform(op="bounds", min=2, max=1), "mapping[0].transforms[0].min: min 2 is above max 1"),
        (transform(op="bounds", max=float("nan")), "mapping[0].transforms[0].min: min and max must be finite numbers"),
        (transform(op="bounds", max="soon"), "mapping[0].transforms[0].max: must be a number, this_year or next_year"),
        (
            transform(op="bounds", min=1, outside="drop"),
            "mapping[0].transforms[0].outside: 'drop' does not exist; choose null or reject",
        ),
        (
            transform(op="datetime", zone="Mars/Base"),
            "mapping[0].transforms[0].zone: there is no time zone 'Mars/Base'; write one such as Europe/Berlin or UTC",
        ),
        (
            transform(op="date", format="%Q"),
            "mapping[0].transforms[0].format: 'Q' is a bad directive in format '%Q'",
        ),
        (
            transform(op="date", format="%d.%d"),
            "mapping[0].transforms[0].format: '%d.%d' names the same part of a time twice",
        ),
        (
            transform(op="null_if", values=["a\x00"]),
            "mapping[0].transforms[0].values: holds a NUL character, which text columns refuse",
        ),
        (
            transform(op="bounds", min=10**5000, max=1),
            "mapping[0].transforms[0].min: min of thousands of digits is above max 1",
        ),
        (
            transform(op="hash", algorithm="md5"),
            "mapping[0].transforms[0].algorithm: 'md5' does not exist; choose sha256 or sha512",
        ),
        (
            transform(op="hash", salt="\ud800"),
            "mapping[0].transforms[0].salt: holds half of a surrogate pair, which is no valid text",
        ),
        (transform(op="mask", **{"with": "**"}), "mapping[0].transforms[0].with: must be one character"),
        (transform(op="mask", keep_first=-1), "mapping[0].transforms[0].keep_first: must be at least 0"),
        (transform(op="lookup"), "mapping[0].transforms[0]: 'table' is required"),
        (transform(op="lookup", table={}), "mapping[0].transforms[0].table: must not be empty"),
        (
            transform(op="lookup", table={"a": [1]}),
            "mapping[0].transforms[0].table.a: must be text, a number, true or false or null, not [1]",
        ),
        (
            transform(op="lookup", table={"a": 1}, default=2, missing="keep"),
            (
                "mapping[0].transforms[0].missing: does not go with default, which says what other values become; "
                "leave one of them out"
            ),
        ),
        (
            transform(op="lookup", table={"a": 1, "A": 2}, ignore_case=True),
            "mapping[0].transforms[0].table: 'a' and 'A' are the same in any case",
        ),
        *(
            (
                transform(op="json_path", path=path),
                f"mapping[0].transforms[0].path: {path!r} is no path such as $.owner.name, $.names[0] or $['a name']",
            )
            for path in ("", "owner", "$..a", "$.a[", "$[x]", "$[*]", "$.a b", "$['a']x")
        ),
        (
            when(field="f", op="near", value=1),
            (
                "mapping[0].case[0].when.op: 'near' does not exist; choose eq, ne, lt, le, gt, ge, in, not_in, like, "
                "regex or is_null"
            ),
        ),
        (when(field="f", op="eq"), "mapping[0].case[0].when: 'value' is required"),
        (
            when(field="f", op="eq", value=None),
            "mapping[0].case[0].when.value: must be text, a number or true or false, not None",
        ),
        (when(field="f", op="in", value="US"), "mapping[0].case[0].when.value: must be a list, not 'US'"),
        (when(field="f", op="is_null", value="yes"), "mapping[0].case[0].when.value: must be true or false, not 'yes'"),
        (
            when(field="f", op="regex", value="(a"),
            "mapping[0].case[0].when.value: '(a' is not a regular expression: missing ), unterminated subpattern",
        ),
        ([{"to": "a", "case": []}], "mapping[0].case: must not be empty"),
        ([{"to": "a", "case": [{"then": 1}]}], "mapping[0].case[0]: 'when' is required"),
        (
            [{"to": "a", "template": "no field"}],
            "mapping[0].template: holds no {source field}; use value for a constant",
        ),
        (
            [{"to": "a", "template": "{a}\x00"}],
            "mapping[0].template: holds a NUL character, which text columns refuse",
        ),
        (
            [{"to": "a", "template": "{a} {b"}],
            "mapping[0].template: single brace at character 5; write {{ or }} for a brace in the text",
        ),
        ([{"to": "a", "value": "x", "type": "integer"}], "mapping[0].value: value 'x' is not a number"),
        ([{"to": "a", "value": "x", "transforms": [{"op": "strip"}]}], "mapping[0].transforms: a constant needs none"),
    ],
)
def test_a_mistake_is_named_with_its_path(mapping: Any, problem: str) -> None:
    assert problems_of(mapping) == [problem]


def test_several_mistakes_are_named_at_once() -> None:
    problems = problems_of([{"to": "a"}, {"to": "a", "from": "b", "transforms": [{"op": "bounds"}]}])
    assert [problem.split(":")[0] for problem in problems] == [
        "mapping[0]",
        "mapping[1].transforms[0].min",
        "mapping[1].to",
    ]


def test_the_path_of_the_surroundings_goes_first() -> None:
    with pytest.raises(MappingProblems, match=r"^streams\[0\]\.mapping\[0\]: 'to' is required$"):
        parse_mapping([{"from": "b"}], "streams[0].mapping")


@pytest.mark.parametrize("op", OPERATIONS)
def test_every_transform_of_the_table_can_be_used(op: str) -> None:
    options: dict[str, dict[str, Any]] = {
        "null_if": {"values": ["", "N/A"], "ignore_case": True},
        "truncate": {"length": 10},
        "bounds": {"min": 1900, "max": "next_year", "outside": "reject"},
        "date": {"format": "%d.%m.%Y"},
        "datetime": {"format": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"},
        "hash": {"algorithm": "sha512", "salt": "x"},
        "mask": {"keep_first": 1, "keep_last": 2, "with": "•"},
        "lookup": {"table": {"US": "United States", "": None}, "missing": "keep", "ignore_case": True},
        "json_path": {"path": "$.a['b c'][\"d\"][-1]"},
    }
    (parsed,) = parse_mapping(transform(op=op, **options.get(op, {})))
    assert parsed.transforms == (TransformRule(op, options.get(op, {})),)


def test_a_template_keeps_doubled_braces_as_text() -> None:
    (parsed,) = parse_mapping([{"to": "a", "template": "{{{:id}}} of {b}"}])
    assert parsed.origin == Template((("{", ":id"), ("} of ", "b"), ("", None)))
