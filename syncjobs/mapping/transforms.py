"""The transforms a mapping may chain: one table of the ops with their options, their checks and their functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from connectors.records import FieldType
from syncjobs.mapping.problems import list_words
from syncjobs.mapping.steps import (
    YEARS,
    Builder,
    Step,
    bounds_step,
    collapse,
    date_step,
    datetime_step,
    decode_step,
    null_if_step,
    text_step,
    truncate_step,
)
from syncjobs.mapping.zones import find_zone


@dataclass(frozen=True, slots=True)
class TransformRule:
    """One link of a chain, e.g. TransformRule("truncate", {"length": 40})."""

    op: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def may_make_null(self) -> bool:
        return self.op == "null_if" or self.discards

    @property
    def discards(self) -> bool:
        """Whether it turns real values into nulls, which the job counts."""
        return self.op == "bounds" and self.options.get("outside") == "null"

    @property
    def keeps_values(self) -> bool:
        """Whether every value that comes through is the one that went in."""
        return self.op in ("null_if", "bounds")


def _no_problems(_options: Mapping[str, Any]) -> list[str]:
    return []


@dataclass(frozen=True, slots=True)
class Operation:
    """What an op is: `build(options, today)` gives its function, `result` the type it makes (None = as before)."""

    description: str
    build: Builder
    options: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    problems: Callable[[Mapping[str, Any]], list[str]] = _no_problems
    result: FieldType | None = None


def _format_problems(options: Mapping[str, Any]) -> list[str]:
    problems = []
    pattern = options.get("format")
    if pattern is not None:
        try:
            datetime.strptime("", pattern)  # noqa: DTZ007 - only whether the format is one
        except ValueError as error:
            if "directive" in str(error) or "stray" in str(error):
                problems.append(f"format: {error}")
    if "zone" in options:
        try:
            find_zone(options["zone"])
        except ValueError as error:
            problems.append(f"zone: {error}")
    return problems


def _bounds_problems(options: Mapping[str, Any]) -> list[str]:
    limits = [options[name] for name in ("min", "max") if isinstance(options.get(name), int | float)]
    if "min" not in options and "max" not in options:
        return ["min: one of min and max is needed"]
    if any(not math.isfinite(limit) for limit in limits):
        return ["min: min and max must be finite numbers"]
    if len(limits) == 2 and limits[0] > limits[1]:
        return [f"min: min {limits[0]} is above max {limits[1]}"]
    return []


FORMAT = {"type": "string", "minLength": 1, "description": "As in Python, e.g. %d.%m.%Y; without it ISO 8601."}
LIMIT = {
    "anyOf": [{"type": "number"}, {"enum": list(YEARS)}],
    "x-problem": f"must be a number, {list_words(list(YEARS))}",
}

OPERATIONS: dict[str, Operation] = {
    "strip": Operation("Cut blanks at both ends.", text_step(str.strip)),
    "collapse_spaces": Operation("Make every run of blanks one space, none at the ends.", text_step(collapse)),
    "null_if": Operation(
        "Take certain values as missing.",
        null_if_step,
        {
            "values": {"type": "array", "minItems": 1, "items": {"type": ["string", "number", "boolean"]}},
            "ignore_case": {"type": "boolean", "description": "Also match in other case."},
        },
        required=("values",),
    ),
    "upper": Operation("In capitals.", text_step(str.upper)),
    "lower": Operation("In small letters.", text_step(str.lower)),
    "number": Operation("A number with a fraction (float).", decode_step("float"), result="float"),
    "integer": Operation("A whole number (bigint).", decode_step("bigint"), result="bigint"),
    "decimal": Operation("An exact decimal number.", decode_step("decimal"), result="decimal"),
    "boolean": Operation("true, yes, y, t, 1 or their opposites.", decode_step("boolean"), result="boolean"),
    "date": Operation("A day.", date_step, {"format": FORMAT}, problems=_format_problems, result="date"),
    "datetime": Operation(
        "A moment; without a zone of its own it is taken in `zone` (UTC by default).",
        datetime_step,
        {"format": FORMAT, "zone": {"type": "string"}},
        problems=_format_problems,
        result="datetime",
    ),
    "truncate": Operation(
        "Cut text at a number of characters.",
        truncate_step,
        {"length": {"type": "integer", "minimum": 1, "maximum": 1_000_000}},
        required=("length",),
    ),
    "bounds": Operation(
        "Refuse numbers outside the limits, or make them null, which is counted.",
        bounds_step,
        {"min": LIMIT, "max": LIMIT, "outside": {"enum": ["null", "reject"], "description": "reject by default."}},
        problems=_bounds_problems,
    ),
}


def _operation_schema(op: str, operation: Operation) -> dict[str, Any]:
    return {
        "if": {"properties": {"op": {"const": op}}, "required": ["op"]},
        "then": {
            "title": op,
            "description": operation.description,
            "properties": {"op": {"const": op}, **operation.options},
            "required": ["op", *operation.required],
            "additionalProperties": False,
        },
    }


TRANSFORM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Transform",
    "properties": {"op": {"enum": list(OPERATIONS)}},
    "required": ["op"],
    "allOf": [_operation_schema(op, operation) for op, operation in OPERATIONS.items()],
}


def read_transform(data: dict[str, Any]) -> TransformRule:
    """The rule of a JSON transform that fits TRANSFORM_SCHEMA."""
    return TransformRule(data["op"], {name: value for name, value in data.items() if name != "op"})


def transform_problems(rule: TransformRule, path: str) -> list[str]:
    """What JSON Schema can not see, each beginning with `path`."""
    return [f"{path}.{problem}" for problem in OPERATIONS[rule.op].problems(rule.options)]


def build_step(rule: TransformRule, today: date) -> Step:
    """The function of a checked rule; `today` says what this_year and next_year are."""
    return OPERATIONS[rule.op].build(rule.options, today)
