"""The transforms a mapping may chain, as rules: their JSON Schema, and reading, checking and building them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from connectors.records import FieldType
from syncjobs.mapping.at_once import build_at_once
from syncjobs.mapping.columns import Step
from syncjobs.mapping.lookups import lookup_may_make_null, lookup_type
from syncjobs.mapping.transform_table import OPERATIONS, Operation

Alteration = Literal["nulled", "stripped"]
"""What is done to values that a job counts by field: made null, since they do not fit, or rid of NUL characters."""


@dataclass(frozen=True, slots=True)
class TransformRule:
    """One link of a chain, e.g. TransformRule("truncate", {"length": 40})."""

    op: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def may_make_null(self) -> bool:
        if self.op == "lookup":
            return lookup_may_make_null(self.options)
        return self.op in ("null_if", "json_path") or self.discards

    @property
    def discards(self) -> bool:
        """Whether it turns real values into nulls, which the job counts."""
        policies = {"bounds": "outside", "finite": "otherwise", "lookup": "missing"}
        return self.options.get(policies.get(self.op, "")) == "null"

    @property
    def counted_as(self) -> Alteration | None:
        """As what the job counts the values that it alters, if it does."""
        return "nulled" if self.discards else "stripped" if self.op == "strip_nul" else None

    @property
    def keeps_values(self) -> bool:
        """Whether every value that comes through is the one that went in."""
        return self.op in ("null_if", "bounds", "finite")


def _operation_schema(op: str, operation: Operation) -> dict[str, Any]:
    return {
        "if": {"properties": {"op": {"const": op}}, "required": ["op"]},
        "then": {
            "title": operation.title,
            "description": operation.description,
            "properties": {"op": {"const": op}, **operation.options},
            "required": ["op", *operation.required],
            "additionalProperties": False,
        },
    }


TRANSFORM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Transform",
    "description": "One step; its settings depend on what it does.",
    "properties": {"op": {"enum": list(OPERATIONS), "title": "Transform", "description": "What is done."}},
    "required": ["op"],
    "allOf": [_operation_schema(op, operation) for op, operation in OPERATIONS.items()],
}


def read_transform(data: dict[str, Any]) -> TransformRule:
    """The rule of a JSON transform that fits TRANSFORM_SCHEMA."""
    return TransformRule(data["op"], {name: value for name, value in data.items() if name != "op"})


def transform_problems(rule: TransformRule, path: str) -> list[str]:
    """What JSON Schema can not see, each beginning with `path`."""
    return [f"{path}.{problem}" for problem in OPERATIONS[rule.op].problems(rule.options)]


def result_type(rule: TransformRule, before: FieldType) -> FieldType:
    """The type of what a transform makes of values of the type `before`."""
    return lookup_type(rule.options, before) if rule.op == "lookup" else OPERATIONS[rule.op].result or before


def build_step(rule: TransformRule, today: date) -> Step:
    """The function of a checked rule; `today` says what this_year and next_year are."""
    return Step(OPERATIONS[rule.op].build(rule.options, today), build_at_once(rule.op, rule.options, today))
