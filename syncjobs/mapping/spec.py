"""A mapping as frozen rules: reading it from JSON and saying what is wrong with it. Sees neither schema nor rows."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from connectors.records import TYPES, FieldType, Filter, decode_value
from syncjobs.mapping.conditions import CONDITION_SCHEMA, condition_problems, pattern_problems, read_condition
from syncjobs.mapping.constants import infer_type
from syncjobs.mapping.problems import NAME_SCHEMA, MappingProblems, quote, schema_problems
from syncjobs.mapping.templates import Template, read_template, template_problems
from syncjobs.mapping.transforms import TRANSFORM_SCHEMA, TransformRule, read_transform, transform_problems

ORIGINS = ("from", "template", "value", "case")


@dataclass(frozen=True, slots=True)
class Column:
    """The value of a source column."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value for every record."""

    value: Any


@dataclass(frozen=True, slots=True)
class Choice:
    """The `then` of the first condition that holds, else `otherwise`. Conditions look at raw source values."""

    cases: tuple[tuple[Filter, Any], ...]
    otherwise: Any = None

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(condition.field for condition, _ in self.cases))

    @property
    def values(self) -> tuple[Any, ...]:
        return (*(then for _, then in self.cases), self.otherwise)


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How one target field comes about; `type` None = inferred from the origin and the transforms."""

    to: str
    origin: Column | Template | Constant | Choice
    type: FieldType | None = None
    required: bool = False
    transforms: tuple[TransformRule, ...] = ()

    @property
    def source_columns(self) -> tuple[str, ...]:
        match self.origin:
            case Column(name):
                return (name,)
            case Template() | Choice():
                return self.origin.columns
        return ()


CASE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Case",
    "properties": {
        "when": CONDITION_SCHEMA,
        "then": {"title": "Then", "description": "The value where the condition holds."},
    },
    "required": ["when", "then"],
    "additionalProperties": False,
}
FIELD_RULE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Field",
    "x-one-of": list(ORIGINS),
    "properties": {
        "to": {**NAME_SCHEMA, "title": "Target field", "description": "Each is filled by one rule."},
        "from": {
            **NAME_SCHEMA,
            "title": "Source field",
            "description": "One of from, template, value and case says where the value comes from.",
        },
        "template": {
            "type": "string",
            "title": "Template",
            "description": "Text with {source field} in it, e.g. {name} ({icao}). Missing values become empty text; "
            "if all are missing, so is the result.",
        },
        "value": {"title": "Constant", "description": "The same value for every record."},
        "case": {
            "type": "array",
            "title": "Case",
            "description": "The first condition that holds decides; conditions look at the source's own values.",
            "items": CASE_SCHEMA,
            "minItems": 1,
        },
        "else": {"title": "Else", "description": "The value where no case holds; without it null."},
        "type": {"enum": list(TYPES), "title": "Type", "description": "Without it, that of the source."},
        "required": {
            "type": "boolean",
            "title": "Required",
            "description": "A record without a value (null or blank text) is rejected.",
        },
        "transforms": {
            "type": "array",
            "title": "Transforms",
            "description": "Done one after the other; a missing value passes through all of them.",
            "items": TRANSFORM_SCHEMA,
        },
    },
    "required": ["to"],
    "additionalProperties": False,
}
MAPPING_SCHEMA: dict[str, Any] = {
    "type": ["array", "null"],
    "title": "Mapping",
    "description": "One rule per target field; without a mapping the fields keep their names and types.",
    "items": FIELD_RULE_SCHEMA,
    "minItems": 1,
}


def mapping_schema() -> dict[str, Any]:
    """The JSON Schema of a mapping by itself, for editors and programs: every setting has a title and a description."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **copy.deepcopy(MAPPING_SCHEMA)}


def parse_mapping(data: Any, path: str = "mapping") -> tuple[FieldRule, ...]:
    """The rules of a JSON mapping (a list). Raises MappingProblems with one sentence per problem and its path."""
    problems = schema_problems({**MAPPING_SCHEMA, "type": "array"}, data, path)
    if problems:
        raise MappingProblems(problems)
    problems = [*_problems(data, path), *_double_targets(data, path)]
    if problems:
        raise MappingProblems(problems)
    return tuple(_read_rule(item) for item in data)


def _double_targets(data: list[dict[str, Any]], path: str) -> Iterator[str]:
    first: dict[str, int] = {}
    for number, item in enumerate(data):
        if first.setdefault(item["to"], number) != number:
            yield f"{path}[{number}].to: {quote(item['to'])} is already filled by {path}[{first[item['to']]}]"


def _problems(data: list[dict[str, Any]], path: str) -> Iterator[str]:
    """What JSON Schema can not see, or says badly."""
    for number, item in enumerate(data):
        place = f"{path}[{number}]"
        origins = [name for name in ORIGINS if name in item]
        if len(origins) != 1:
            found = " and ".join(origins) or "none"
            yield f"{place}: needs exactly one of from, template, value or case; it has {found}"
            continue
        yield from _origin_problems(item, place)
        for index, transform in enumerate(item.get("transforms", ())):
            yield from transform_problems(read_transform(transform), f"{place}.transforms[{index}]")


def _origin_problems(item: dict[str, Any], place: str) -> Iterator[str]:
    if "else" in item and "case" not in item:
        yield f"{place}.else: only goes with case"
    if "template" in item:
        yield from template_problems(item["template"], f"{place}.template")
    if "value" in item and item.get("transforms"):
        yield f"{place}.transforms: a constant needs none"
    for name, value in _constants(item):
        problem = _constant_problem(item.get("type"), value)
        if problem:
            yield f"{place}.{name}: value {quote(value)} {problem}"
    for index, case in enumerate(item.get("case", ())):
        condition, path = read_condition(case["when"]), f"{place}.case[{index}].when"
        yield from (*condition_problems(condition, path), *pattern_problems(condition, path))


def _constants(item: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    if "value" in item:
        yield "value", item["value"]
    if not item.get("transforms"):  # else the transforms may still make them fit
        for index, case in enumerate(item.get("case", ())):
            yield f"case[{index}].then", case["then"]
        if "else" in item:
            yield "else", item["else"]


def _constant_problem(field_type: FieldType | None, value: Any) -> str:
    try:
        decode_value(field_type or infer_type((value,)), value)
    except (ValueError, RecursionError) as error:
        return str(error)
    return ""


def _read_origin(item: dict[str, Any]) -> Column | Template | Constant | Choice:
    if "from" in item:
        return Column(item["from"])
    if "template" in item:
        return read_template(item["template"])
    if "value" in item:
        return Constant(item["value"])
    cases = tuple((read_condition(case["when"]), case["then"]) for case in item["case"])
    return Choice(cases, item.get("else"))


def _read_rule(item: dict[str, Any]) -> FieldRule:
    return FieldRule(
        to=item["to"],
        origin=_read_origin(item),
        type=item.get("type"),
        required=item.get("required", False),
        transforms=tuple(read_transform(transform) for transform in item.get("transforms", ())),
    )
