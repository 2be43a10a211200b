"""Where a target field's raw values come from: a column, a template, a constant or a choice, for a whole batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.records import FieldType, StreamSchema
from syncjobs.mapping.columns import REFUSALS, Refusals, Step, run_step
from syncjobs.mapping.conditions import Test, compile_condition
from syncjobs.mapping.constants import infer_type
from syncjobs.mapping.repeats import few_rows, spread
from syncjobs.mapping.spec import Choice, Column, Constant, FieldRule
from syncjobs.mapping.templates import Template, compile_template, fill_columns

Gather = Callable[[Mapping[str, list[Any]], int, Refusals], list[Any]]
"""(source columns by name, number of records, refusals) → one raw value per record."""


def origin_type(rule: FieldRule, schema: StreamSchema) -> FieldType:
    """The type of the raw values, before the transforms."""
    match rule.origin:
        case Column(name):
            field = schema.get(name)
            return field.type if field else "text"
        case Constant(value):
            return infer_type((value,))
        case Choice():
            return infer_type(rule.origin.values)
    return "text"


def origin_may_be_null(rule: FieldRule, schema: StreamSchema) -> bool:
    """Whether a raw value may be missing."""
    nullable = {field.name for field in schema.fields if field.nullable}
    match rule.origin:
        case Column(name):
            return name in nullable
        case Template():
            return nullable.issuperset(rule.origin.columns)
        case Constant(value):
            return value is None
        case Choice():
            return None in rule.origin.values


def compile_origin(rule: FieldRule, schema: StreamSchema) -> Gather:
    """The function that gathers the raw values; every column it needs must be in `schema`. Raises ConfigError."""
    match rule.origin:
        case Column(name):
            return lambda columns, _size, _refusals: columns[name]
        case Template():
            return _gather_template(rule.origin, rule.to)
        case Constant(value):
            return lambda _columns, size, _refusals: [value] * size
        case Choice():
            return _gather_choice(rule.origin, rule.to, schema)


def _gather_template(template: Template, field_name: str) -> Gather:
    fill = Step(compile_template(template))
    names = template.columns

    def gather(columns: Mapping[str, list[Any]], _size: int, refusals: Refusals) -> list[Any]:
        parts = [columns[name] for name in names]
        if (filled_at_once := fill_columns(template, parts)) is not None:
            return filled_at_once
        values = list(zip(*parts, strict=True))
        different, own = few_rows(parts, values), Refusals()
        if different is not None:
            filled = run_step(fill, different, field_name, own)
            if not own.by_index:  # else each record must be named
                return spread(different, filled, values)
        return run_step(fill, values, field_name, refusals)

    return gather


def _gather_choice(choice: Choice, field_name: str, schema: StreamSchema) -> Gather:
    cases: list[tuple[str, Test, Any]] = []
    for condition, then in choice.cases:
        field = schema.get(condition.field)
        if field is not None:
            cases.append((field.name, compile_condition(condition, field), then))

    def gather(columns: Mapping[str, list[Any]], size: int, refusals: Refusals) -> list[Any]:
        result = [choice.otherwise] * size
        open_rows = list(range(size))
        for name, test, then in cases:
            values = columns[name]
            meets = _tester(test, values, field_name, refusals)
            met = {index for index in open_rows if meets(index)}
            for index in met:
                result[index] = then
            open_rows = [index for index in open_rows if index not in met]
        return result

    return gather


def _tester(test: Test, values: list[Any], field_name: str, refusals: Refusals) -> Callable[[int], bool]:
    def meets(index: int) -> bool:
        try:
            return test(values[index])
        except REFUSALS as error:
            refusals.add_error(index, field_name, values[index], error)
            return False

    return meets
