"""Where a target field's value comes from, said in SQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from connectors.expressions import Call, Constant, Expression, FirstThat, call
from connectors.records import Field, StreamSchema
from syncjobs.mapping.compile import compile_mapping
from syncjobs.mapping.in_sql_conditions import sql_condition
from syncjobs.mapping.in_sql_steps import sql_step
from syncjobs.mapping.in_sql_values import NotSaid, SQLValue, column_value, converted
from syncjobs.mapping.spec import Choice, Column, FieldRule
from syncjobs.mapping.spec import Constant as ConstantOrigin
from syncjobs.mapping.templates import Template


def sql_value(rule: FieldRule, field: Field, schema: StreamSchema, today: date) -> SQLValue:
    """A target field's value, all transforms done, as the field's type. Raises NotSaid."""
    match rule.origin:
        case Column(name):
            value = column_value(_source(schema, name))
            if value.type == "json" and rule.transforms:
                raise NotSaid("JSON is taken apart by Python")
        case Template():
            value = _filled(rule.origin, schema)
        case ConstantOrigin(constant):
            return SQLValue(_constant(rule, field, constant, today), field.type)
        case Choice():
            return _chosen(rule, rule.origin, field, schema, today)
    for transform in rule.transforms:
        value = sql_step(value, transform, today)
    return converted(value, field.type)


def _source(schema: StreamSchema, name: str) -> Field:
    found = schema.get(name)
    if found is None:
        raise NotSaid(f"there is no column {name}")
    return found


def _constant(rule: FieldRule, field: Field, value: Any, today: date) -> Constant:
    """What the Python mapping makes of a constant, worked out here and now."""
    alone = replace(rule, origin=ConstantOrigin(value), type=field.type, required=False)
    result = compile_mapping((alone,), StreamSchema(()), None, today).map_rows((), [()])
    if result.rejects or result.nulled:
        raise NotSaid("one of its constants does not fit")
    return Constant(field.type, result.rows[0][0])


def _chosen(rule: FieldRule, choice: Choice, field: Field, schema: StreamSchema, today: date) -> SQLValue:
    cases: list[tuple[Expression, Expression]] = []
    doubts: list[Expression] = []
    for condition, then in choice.cases:
        is_met, doubted = sql_condition(condition, _source(schema, condition.field))
        cases.append((is_met, _constant(rule, field, then, today)))
        doubts += doubted
    otherwise = _constant(rule, field, choice.otherwise, today)
    return SQLValue(FirstThat(tuple(cases), otherwise), field.type, tuple(doubts))


def _filled(template: Template, schema: StreamSchema) -> SQLValue:
    values = {name: converted(column_value(_source(schema, name)), "text") for name in template.columns}
    parts: list[Expression] = []
    for literal, name in template.parts:
        parts += [Constant("text", literal)] if literal else []
        parts += [call("or_empty", values[name].expression)] if name is not None else []
    empty = [call("is_null", value.expression) for value in values.values()]
    is_empty = empty[0] if len(empty) == 1 else Call("and", tuple(empty))
    filled = FirstThat(((is_empty, Constant("text", None)),), Call("concat", tuple(parts)))
    return SQLValue(filled, "text", tuple(doubt for value in values.values() for doubt in value.doubts))
